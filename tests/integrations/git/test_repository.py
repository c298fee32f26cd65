"""A real git repository, followed."""

import os
import shutil
from pathlib import Path

import pytest

from skerry.errors import NotFound, Unavailable
from skerry.integrations.git.repository import RemoteRepository, open_repository
from tests.integrations.git.upstream import Upstream


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "shop.git")


def follow(upstream: Upstream, *, folder: str = "", branch: str = "main") -> RemoteRepository:
    return open_repository(
        upstream.folder.parent / "state",
        url=str(upstream.folder),
        branch=branch,
        folder=folder,
        environ=os.environ,
    )


async def read(repository: RemoteRepository) -> dict[str, str]:
    files = await repository.files(await repository.newest())
    found = await repository.read({file.blob for file in files.values()}, most=1000)
    return {path: found[file.blob].decode() for path, file in files.items()}


async def test_the_newest_commit_and_its_files_are_read(upstream: Upstream) -> None:
    id = upstream.commit({"web.yaml": "service: web", "a/b.yaml": "x"}, "first: ä")
    repository = follow(upstream)
    commit = await repository.newest()
    assert (commit.id, commit.subject, commit.by) == (id, "first: ä", "Ada")
    assert str(commit) == f"{id[:10]} first: ä"
    assert await read(repository) == {"web.yaml": "service: web", "a/b.yaml": "x"}
    assert repository.name == "shop"


async def test_a_new_commit_is_seen_and_shares_what_did_not_change(upstream: Upstream) -> None:
    upstream.commit({"a.yaml": "1", "b.yaml": "1"})
    repository = follow(upstream)
    before = await repository.files(await repository.newest())
    upstream.commit({"a.yaml": "2", "b.yaml": "1"})
    after = await repository.files(await repository.newest())
    assert before["b.yaml"] == after["b.yaml"]
    assert before["a.yaml"] != after["a.yaml"]
    assert (await read(repository))["a.yaml"] == "2"


async def test_a_force_push_is_followed(upstream: Upstream) -> None:
    upstream.commit({"a.yaml": "1"})
    upstream.commit({"a.yaml": "2"})
    repository = follow(upstream)
    await repository.newest()
    upstream.git("reset", "--quiet", "--hard", "HEAD~1")
    id = upstream.commit({"a.yaml": "3"}, "another history")
    assert (await repository.newest()).id == id
    assert await read(repository) == {"a.yaml": "3"}


async def test_only_the_folder_counts(upstream: Upstream) -> None:
    upstream.commit({"deploy/prod/web.yaml": "1", "src/main.py": "1"})
    repository = follow(upstream, folder="deploy/prod/")
    before = await repository.newest()
    assert await read(repository) == {"web.yaml": "1"}
    upstream.commit({"src/main.py": "2"})
    after = await repository.newest()
    assert before.id != after.id
    assert before.tree == after.tree
    assert repository.name == "prod"


async def test_what_is_too_long_is_left_out(upstream: Upstream) -> None:
    upstream.commit({"small.yaml": "1", "large.yaml": "x" * 2000})
    repository = follow(upstream)
    files = await repository.files(await repository.newest())
    found = await repository.read([file.blob for file in files.values()], most=1000)
    assert set(found) == {files["small.yaml"].blob}


async def test_a_link_is_told_as_one(upstream: Upstream) -> None:
    (upstream.folder / "link.yaml").symlink_to("a.yaml")
    upstream.commit({"a.yaml": "1"})
    repository = follow(upstream)
    files = await repository.files(await repository.newest())
    assert files["link.yaml"].link
    assert not files["a.yaml"].link


async def test_a_deleted_branch_is_said_and_taken_up_when_it_is_back(upstream: Upstream) -> None:
    upstream.commit({"a.yaml": "1"})
    repository = follow(upstream, branch="prod")
    with pytest.raises(NotFound, match="has no branch prod"):
        await repository.newest()
    upstream.git("branch", "prod")
    assert (await repository.newest()).subject == "change"


async def test_a_folder_that_is_not_there_is_said(upstream: Upstream) -> None:
    upstream.commit({"a.yaml": "1"})
    with pytest.raises(NotFound, match="has no folder nowhere at commit"):
        await follow(upstream, folder="nowhere").newest()


async def test_a_repository_that_is_none_is_said(upstream: Upstream, tmp_path: Path) -> None:
    shutil.rmtree(upstream.folder)
    with pytest.raises(NotFound, match="is no git repository that can be read") as raised:
        await follow(upstream).newest()
    assert raised.value.subject == f"repository/file://{upstream.folder}@main"


async def test_a_damaged_mirror_is_fetched_again(upstream: Upstream) -> None:
    upstream.commit({"a.yaml": "1"})
    repository = follow(upstream)
    commit = await repository.newest()
    (mirror,) = (upstream.folder.parent / "state" / "git").iterdir()
    shutil.rmtree(mirror / "objects")
    with pytest.raises(Unavailable, match="damaged"):
        await repository.files(commit)
    assert await read(repository) == {"a.yaml": "1"}


async def test_a_fetch_cut_short_does_not_stand_in_the_way(upstream: Upstream) -> None:
    upstream.commit({"a.yaml": "1"})
    repository = follow(upstream)
    await repository.newest()
    (mirror,) = (upstream.folder.parent / "state" / "git").iterdir()
    (mirror / "shallow.lock").write_text("")
    upstream.commit({"a.yaml": "2"})
    with pytest.raises(Unavailable):
        await repository.newest()
    assert await read(repository) == {"a.yaml": "2"}
