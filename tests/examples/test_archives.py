"""Archives, honest and hostile: what is read is right, what is not is refused in words."""

import gzip
import io
import json
import random
import struct
import tarfile
import tracemalloc
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from inspector.archive import Archive
from inspector.faults import BadArchive
from inspector.inspection import command, inspect
from inspector.reading import Forward, Gunzipped
from inspector.sizes import measure

from tests.examples.archives import archive, digest, docker, layer, oci
from tests.soak import soak_count

FORMATS: tuple[Callable[..., dict[str, bytes]], ...] = (oci, docker)
BASE = layer({"etc/": b"", "etc/motd": b"hello", "usr/lib/big": b"x" * 5000})
TOP = layer({"etc/motd": b"changed", "app/main": b"y" * 300})


def opened(content: bytes) -> Archive:
    return Archive(io.BytesIO(content), size=len(content), beat=lambda: None)


def measured(content: bytes) -> dict[str, Any]:
    return measure(opened(content), beat=lambda: None)


@pytest.mark.parametrize("make", FORMATS)
def test_what_an_image_says_of_itself_is_read(make: Callable[..., dict[str, bytes]]) -> None:
    files = make(
        [BASE, TOP],
        Labels={"team": "shop"},
        Env=["PASSWORD=hunter2"],
        Cmd=["serve"],
        User="app",
        ExposedPorts={"8080/tcp": {}},
    )
    said = inspect(opened(archive(files)))
    assert said["platform"] == "linux/amd64"
    assert said["labels"] == {"team": "shop"}
    assert said["environment"] == ["PASSWORD"]
    assert (said["command"], said["user"], said["ports"]) == (["serve"], "app", ["8080/tcp"])
    assert said["names"] == ["shop/web:1"]
    assert [step["command"] for step in said["history"]] == ["ENV A=b", "RUN step-0", "RUN step-1"]


def test_no_value_of_the_environment_is_shown() -> None:
    said = inspect(opened(archive(oci([BASE], Env=["PASSWORD=hunter2"]))))
    assert "hunter2" not in json.dumps(said)


@pytest.mark.parametrize("make", FORMATS)
def test_sizes_say_what_each_layer_brings_and_who_made_it(
    make: Callable[..., dict[str, bytes]],
) -> None:
    sizes = measured(archive(make([BASE, TOP])))
    assert [one["command"] for one in sizes["layers"]] == ["RUN step-0", "RUN step-1"]
    assert [one["unpacked"] for one in sizes["layers"]] == [5005, 307]
    assert sizes["largest"][0] == {"path": "usr/lib/big", "bytes": 5000, "layer": 0}
    assert sizes["files"] == 5


def test_a_file_that_a_later_layer_replaces_is_wasted() -> None:
    sizes = measured(archive(oci([BASE, TOP])))
    assert [one["wasted"] for one in sizes["layers"]] == [5, 0]


def test_files_that_a_later_layer_removes_are_wasted() -> None:
    removing = layer({"usr/.wh.lib": b""})
    sizes = measured(archive(oci([BASE, removing])))
    assert [one["wasted"] for one in sizes["layers"]] == [5000, 0]
    assert sizes["layers"][1]["removed"] == 1


def test_an_opaque_folder_hides_what_was_in_it_but_not_what_came_with_it() -> None:
    opaque = layer({"etc/new": b"12", "etc/.wh..wh..opq": b""})
    sizes = measured(archive(oci([BASE, opaque])))
    assert [one["wasted"] for one in sizes["layers"]] == [5, 0]


def test_a_file_removed_and_written_again_is_wasted_once() -> None:
    sizes = measured(archive(oci([BASE, layer({"etc/.wh.motd": b""}), TOP])))
    assert sizes["wasted"] == 5


def test_layers_need_not_be_compressed_whatever_they_are_called() -> None:
    assert measured(archive(oci([BASE], packed=False)))["unpacked"] == 5005


def test_a_layer_of_several_gzip_streams_is_read_to_its_end() -> None:
    content = gzip.compress(b"a" * 70_000) + gzip.compress(b"b" * 70_000) + b"\0" * 10
    stream = Gunzipped(io.BytesIO(content))
    read = b"".join(iter(lambda: stream.read(1000), b""))
    assert read == b"a" * 70_000 + b"b" * 70_000


@pytest.mark.parametrize("make", FORMATS)
def test_a_truncated_archive_is_refused_wherever_it_is_cut(
    make: Callable[..., dict[str, bytes]],
) -> None:
    whole = archive(make([BASE, TOP]))
    ends = len(whole.rstrip(b"\0"))
    for cut in range(0, ends - 600, soak_count(997, 61)):
        with pytest.raises(BadArchive):
            measured(whole[:cut])


def spoil(files: dict[str, bytes], find: Callable[[str, bytes], bool]) -> dict[str, bytes]:
    """The same files, one of them with its last byte changed."""
    name = next(name for name, content in files.items() if find(name, content))
    changed = files[name][:-1] + bytes((files[name][-1] ^ 1,))
    return {**files, name: changed}


def test_a_configuration_that_is_not_what_its_digest_says_is_refused() -> None:
    files = spoil(oci([BASE]), lambda name, content: b"rootfs" in content)
    with pytest.raises(BadArchive, match="not what its digest says"):
        inspect(opened(archive(files)))


def test_a_layer_that_is_not_what_its_digest_says_is_refused() -> None:
    files = spoil(oci([BASE], packed=False), lambda name, content: content == BASE)
    with pytest.raises(BadArchive, match="not what its digest says"):
        measured(archive(files))


def test_names_that_climb_out_are_only_names() -> None:
    climbing = layer({"../../../../etc/passwd": b"root", "/abs": b"1"})
    paths = {file["path"] for file in measured(archive(oci([climbing])))["largest"]}
    assert paths == {"etc/passwd", "abs"}


def test_a_digest_that_is_a_path_is_refused() -> None:
    files = oci([BASE])
    files["index.json"] = json.dumps(
        {"manifests": [{"digest": "sha256:../../../etc/passwd"}]}
    ).encode()
    with pytest.raises(BadArchive, match="is not a digest"):
        inspect(opened(archive(files)))


def test_a_bomb_ends_at_the_limit_and_takes_no_memory() -> None:
    bomb = zlib.compressobj(9, wbits=31)
    packed = b"".join(bomb.compress(bytes(2**20)) for _ in range(200)) + bomb.flush()
    tracemalloc.start()
    stream = Forward(Gunzipped(io.BytesIO(packed)), limit=100 * 2**20, beat=lambda: None)
    with pytest.raises(BadArchive, match="more than 100 MiB"):
        stream.drain()
    assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    tracemalloc.stop()


def test_a_header_that_claims_gigabytes_is_refused_unread() -> None:
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 3 * 2**30
    files = oci([info.tobuf() + bytes(10_240)], packed=False)
    with pytest.raises(BadArchive):
        measured(archive(files))


def test_a_header_that_points_backwards_is_refused() -> None:
    block = bytearray(tarfile.TarInfo("back").tobuf(tarfile.GNU_FORMAT))
    block[124:136] = b"\xff" * 12  # a size of -1, in base 256
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    with pytest.raises(BadArchive):
        opened(bytes(block) + bytes(1024))


def test_links_that_point_at_each_other_are_refused() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, to in (("index.json", "other"), ("other", "index.json")):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, to
            tar.addfile(info)
    with pytest.raises(BadArchive, match="link to itself"):
        inspect(opened(out.getvalue()))


@pytest.mark.parametrize(
    ("index", "said"),
    [
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "object"),
        (b'{"manifests": []}', "empty"),
        (b'{"manifests": 7}', "list of objects"),
    ],
)
def test_an_index_of_another_shape_is_refused_in_words(index: bytes, said: str) -> None:
    with pytest.raises(BadArchive, match=said):
        inspect(opened(archive({**oci([BASE]), "index.json": index})))


@pytest.mark.parametrize("content", [b"", b"\0" * 10_240, b"not a tar" * 1000, b"PK\3\4" * 500])
def test_what_is_no_archive_is_refused_in_words(content: bytes) -> None:
    with pytest.raises(BadArchive):
        opened(content)


def test_another_tar_is_told_from_an_image_archive() -> None:
    with pytest.raises(BadArchive, match="not an image archive"):
        opened(archive({"readme": b"hello"})).image()


def test_a_layer_compressed_with_zstd_says_what_to_do() -> None:
    zstd = struct.pack("<I", 0xFD2FB528) + bytes(600)
    with pytest.raises(BadArchive, match="podman save"):
        measured(archive(oci([zstd], packed=False)))


def test_of_several_platforms_the_usual_one_is_inspected_and_all_are_named() -> None:
    arm, amd = oci([BASE], User="arm"), oci([BASE], User="amd")
    entries = [
        {**json.loads(files["index.json"])["manifests"][0], "platform": platform}
        for files, platform in (
            (arm, {"os": "linux", "architecture": "arm64"}),
            (amd, {"os": "linux", "architecture": "amd64"}),
        )
    ]
    index = json.dumps({"manifests": entries}).encode()
    said = inspect(opened(archive({**arm, **amd, "index.json": index})))
    assert said["user"] == "amd"
    assert said["platforms"] == ["linux/amd64", "linux/arm64"]


@pytest.mark.soak
def test_a_damaged_archive_is_read_or_refused_and_nothing_else() -> None:
    whole = {make: archive(make([BASE, TOP], Labels={"a": "b"})) for make in FORMATS}
    chance = random.Random(4711)
    for _ in range(soak_count(300, 20_000)):
        content = bytearray(whole[chance.choice(FORMATS)])
        for _ in range(chance.randrange(1, 8)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        try:
            inspect(opened(bytes(content)))
            measured(bytes(content))
        except BadArchive as fault:
            assert str(fault)


COMMANDS: Mapping[str, str] = {
    "/bin/sh -c apt-get update": "RUN apt-get update",
    '/bin/sh -c #(nop)  CMD ["x"]': 'CMD ["x"]',
    "RUN /bin/sh -c make # buildkit": "RUN /bin/sh -c make",
    "COPY . /app # buildkit": "COPY . /app",
    "": "",
}


@pytest.mark.parametrize(("written", "shown"), COMMANDS.items())
def test_a_step_is_shown_as_its_containerfile_had_it(written: str, shown: str) -> None:
    assert command(written) == shown


def test_the_digest_of_an_oci_image_is_its_manifests() -> None:
    files = oci([BASE])
    index = json.loads(files["index.json"])
    assert inspect(opened(archive(files)))["digest"] == index["manifests"][0]["digest"]
    assert digest(b"").startswith("sha256:e3b0c442")
