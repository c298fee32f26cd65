"""A commit read into sources: the same as the folder on disk."""

import os
from pathlib import Path

import pytest

from skerry.errors import InvalidDocuments
from skerry.integrations.git.repository import open_repository
from skerry.model.sources import Sources
from skerry.operations.commits import CommitReader
from skerry.operations.sources import read_sources
from tests.integrations.git.upstream import Upstream


class Reading:
    """A repository and its reader."""

    def __init__(self, folder: Path) -> None:
        self.upstream = Upstream(folder / "shop")
        self.git = open_repository(
            folder / "state",
            url=str(self.upstream.folder),
            branch="main",
            folder="",
            environ=os.environ,
        )
        self.reader = CommitReader(self.git)

    async def read(self) -> Sources:
        return await self.reader.read(await self.git.newest())

    async def problems(self) -> list[str]:
        with pytest.raises(InvalidDocuments) as raised:
            await self.read()
        return [str(each) for each in raised.value.problems]


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    return Reading(tmp_path)


async def test_a_commit_reads_as_its_folder_does(reading: Reading) -> None:
    reading.upstream.commit(
        {
            "skerry.yaml": "version: 1\n",
            "z.yaml": "service: z\nimage: i\nfiles: {/etc/a: conf/a.toml, /etc/y: conf/y.yaml}\n",
            "teams/b/b.yml": "service: b\nimage: i\n",
            "teams/a.yaml": "service: a\nimage: i\n",
            "teams-more/c.yaml": "service: c\nimage: i\n",
            "conf/a.toml": "a = 1",
            "conf/y.yaml": "some: yaml of an application",
            ".github/workflows/ci.yaml": "on: push",
            "teams/.hidden.yaml": "x: y",
            "readme.md": "hello",
        }
    )
    assert await reading.read() == read_sources(reading.upstream.folder)


async def test_only_what_changed_is_another_object(reading: Reading) -> None:
    reading.upstream.commit(
        {"a.yaml": "service: a\nimage: i\n", "b.yaml": "service: b\nimage: i\n"}
    )
    before = await reading.read()
    reading.upstream.commit({"b.yaml": "service: b\nimage: j\n"})
    after = await reading.read()
    assert after.texts[0] is before.texts[0]
    assert after.texts[1] != before.texts[1]


async def test_a_file_pointed_to_is_read_again_when_it_changed(reading: Reading) -> None:
    text = "service: a\nimage: i\nfiles: {/etc/a: ./a.toml}\n"
    reading.upstream.commit({"a.yaml": text, "a.toml": "1"})
    assert (await reading.read()).contents == {"a.toml": b"1"}
    reading.upstream.commit({"a.toml": "2"})
    assert (await reading.read()).contents == {"a.toml": b"2"}


async def test_a_build_is_refused_where_it_is_written(reading: Reading) -> None:
    reading.upstream.commit({"a.yaml": "# mine\nservice: a\nbuild: ./a\n"})
    (problem,) = await reading.problems()
    assert problem.startswith("a.yaml:3: build: images are not built from a commit")


async def test_every_file_that_cannot_be_read_is_told(reading: Reading) -> None:
    (reading.upstream.folder / "bad.yaml").write_bytes(b"service: a\nimage: \xff\n")
    (reading.upstream.folder / "out.yaml").symlink_to("../../etc/passwd")
    (reading.upstream.folder / "loop.yaml").symlink_to("loop.yaml")
    reading.upstream.commit({})
    told = await reading.problems()
    assert [each.split(":")[0] for each in sorted(told)] == [
        "bad.yaml",
        "loop.yaml",
        "out.yaml",
    ]
    assert any(each.startswith("bad.yaml:2: ") for each in told)


async def test_a_link_inside_is_followed(reading: Reading) -> None:
    (reading.upstream.folder / "same.yaml").symlink_to("real/web.txt")
    reading.upstream.commit({"real/web.txt": "service: web\nimage: i\n"})
    (text,) = (await reading.read()).texts
    assert (text.path, text.text) == ("same.yaml", "service: web\nimage: i\n")


async def test_good_documents_after_bad_ones_are_read(reading: Reading) -> None:
    (reading.upstream.folder / "a.yaml").write_bytes(b"\xff")
    reading.upstream.commit({})
    await reading.problems()
    reading.upstream.commit({"a.yaml": "service: a\nimage: i\n"})
    assert [each.path for each in (await reading.read()).texts] == ["a.yaml"]
