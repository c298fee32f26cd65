"""Pod templates as the container engine is asked for them."""

import io
import tarfile
from ipaddress import IPv4Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.engines.local.containers import (
    Placement,
    Settings,
    archive,
    create_body,
    expand,
    files_of,
)
from skerry.engines.local.multiplex import Demultiplexer, lines_of
from skerry.engines.local.workload import care_from_json, care_to_json, read_workload
from skerry.model.objects import key_of
from skerry.model.process import Stream
from tests.builders import ServiceBuilder, bundle, service


def workload(builder: ServiceBuilder) -> Any:
    objects = {key_of(one): one for one in bundle(builder).objects}
    deployment = next(one for one in objects.values() if one["kind"] == "Deployment")
    return read_workload(deployment, objects)


def body(builder: ServiceBuilder, **placement: Any) -> dict[str, Any]:
    return create_body(
        workload(builder).template,
        settings=Settings(instance="i", ulimits={"nofile": 1024}),
        environment=[("A", "1")],
        placement=Placement(network="net", **placement),
        namespace="default",
        labels={},
    )


WEB = service("web").image("x:1")


def test_limits_names_and_init_are_asked_for() -> None:
    made = body(
        WEB.having(resources={"cpu": "500m", "memory": "64Mi"}),
        address=IPv4Address("10.208.0.2"),
        resolver=IPv4Address("198.18.0.1"),
    )
    host = made["HostConfig"]
    assert (host["Init"], host["Memory"], host["MemorySwap"]) == (True, 2**26, 2**26)
    assert host["CpuQuota"] / host["CpuPeriod"] == 0.5
    assert (host["Dns"], host["DnsSearch"]) == (["198.18.0.1"], ["."])
    assert host["Ulimits"] == [{"Name": "nofile", "Soft": 1024, "Hard": 1024}]
    endpoint = made["NetworkingConfig"]["EndpointsConfig"]["net"]
    assert endpoint["IPAMConfig"]["IPv4Address"] == "10.208.0.2"
    assert endpoint["MacAddress"] == "02:42:0a:d0:00:02"


def test_a_command_takes_the_place_of_the_images_arguments_only() -> None:
    made = body(WEB.having(command=["serve", "--as=$(A)"]))
    assert made["Cmd"] == ["serve", "--as=1"]
    assert "Entrypoint" not in made


def test_without_routes_ports_are_published_on_loopback() -> None:
    made = body(WEB, published=True, aliases=("web",))
    assert made["HostConfig"]["PortBindings"] == {
        "8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]
    }
    assert made["NetworkingConfig"]["EndpointsConfig"]["net"]["Aliases"] == ["web"]


def test_volumes_are_named_by_instance_and_namespace() -> None:
    (mount,) = body(WEB.volume("data", "/data"))["HostConfig"]["Mounts"]
    assert (mount["Source"], mount["Target"]) == ("skerry-i-default-web.data", "/data")


def test_files_are_readable_by_everybody() -> None:
    with tarfile.open(fileobj=io.BytesIO(archive({"/etc/a/b.toml": b"x"}))) as tar:
        (entry,) = tar.getmembers()
    assert (entry.name, entry.mode, entry.uid) == ("etc/a/b.toml", 0o444, 0)


def test_files_of_a_document_come_back_under_their_paths() -> None:
    builder = WEB.file_at("/etc/a.toml", "a = 1").file_at("/etc/b.bin", b"\xff\x00")
    maps = {one["metadata"]["name"]: one for one in bundle(builder).objects}
    texts = next(one for one in maps.values() if one["kind"] == "ConfigMap")
    data = {key: text.encode() for key, text in texts["data"].items()}
    data |= dict.fromkeys(texts["binaryData"], b"\xff\x00")
    found = files_of(workload(builder).template, {texts["metadata"]["name"]: data})
    assert found == {"/etc/a.toml": b"a = 1", "/etc/b.bin": b"\xff\x00"}


@pytest.mark.parametrize(
    ("written", "read"),
    [("$(A)", "1"), ("$$(A)", "$(A)"), ("$(B)", "$(B)"), ("$A ${A} $", "$A ${A} $")],
)
def test_variables_expand_as_in_kubernetes(written: str, read: str) -> None:
    assert expand(written, {"A": "1"}) == read


def test_how_to_look_after_a_replica_survives_on_its_label() -> None:
    care = workload(WEB.having(health={"command": ["true"]})).care
    assert care_from_json(care_to_json(care)) == care


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=20))), st.integers(1, 7))
def test_frames_cut_anywhere_give_the_same_lines(
    frames: list[tuple[int, bytes]], size: int
) -> None:
    said = b"".join(
        bytes([number, 0, 0, 0]) + len(data).to_bytes(4, "big") + data for number, data in frames
    )
    cut = Demultiplexer()
    pieces = [said[at : at + size] for at in range(0, len(said), size)]
    lines = [line for piece in pieces for line in cut.feed(piece)] + [*cut.rest()]
    assert sorted(lines) == sorted(lines_of(said))
    assert all(stream in Stream for stream, _ in lines)
