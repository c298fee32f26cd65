"""A branch of a remote repository, followed through a bare mirror that holds one commit."""

import hashlib
import shutil
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from skerry.errors import NotFound, SkerryError, Unavailable
from skerry.integrations.git.complaints import GitFailed, explain, is_damage, shown
from skerry.integrations.git.program import Git
from skerry.model.commit import Commit, TreeFile

_HEAD: Final = "refs/skerry/head"
_FORMAT: Final = "--format=%H%x00%T%x00%an%x00%cI%x00%s"
_TIDY_EVERY: Final = 200  # fetched commits: a few hundred loose objects
_LINK: Final = b"120000"
_FILES: Final = (b"100644", b"100755", _LINK)


class RemoteRepository:
    """The newest commit of `branch` at `url` (or a path on this machine), below `folder`.

    Force-pushes are followed like any push: what counts is where the branch is. Submodules and
    large files kept outside git are not read.
    """

    def __init__(self, git: Git, mirror: Path, *, url: str, branch: str, folder: str = "") -> None:
        self._git = git
        self._mirror = mirror
        self._url = f"file://{url}" if url.startswith("/") else url
        self._branch = branch
        self._folder = folder.strip("/")
        self._newest: Commit | None = None
        self._fetched = 0

    @property
    def subject(self) -> str:
        """`repository/https://host/path@branch`."""
        return f"repository/{shown(self._url)}@{self._branch}"

    @property
    def name(self) -> str:
        """The followed folder's, or the repository's without `.git`."""
        last = (self._folder or self._url.rstrip("/")).replace(":", "/").rpartition("/")[2]
        return last.removesuffix(".git").lower() or "repository"

    async def newest(self) -> Commit:
        """Ask the remote; fetch when the branch is elsewhere than it was."""
        said = await self._run("ls-remote", "--", self._url, f"refs/heads/{self._branch}")
        there = said.split(None, 1)[0].decode() if said.strip() else ""
        if not there:
            raise NotFound(
                f"has no branch {self._branch}",
                subject=self.subject,
                hint=f"git ls-remote --heads {shown(self._url)}; or set SKERRY_BRANCH",
            )
        if self._newest is None or self._newest.id != there:
            self._newest = await self._fetch()
        return self._newest

    async def files(self, commit: Commit) -> Mapping[str, TreeFile]:
        """One listing, below the followed folder."""
        listed = await self._read("ls-tree", "-r", "-z", commit.tree)
        found: dict[str, TreeFile] = {}
        for entry in listed.split(b"\x00"):
            about, tab, path = entry.partition(b"\t")
            mode, _, blob = about.partition(b" blob ")
            if tab and mode in _FILES:
                name = path.decode(errors="surrogateescape")
                found[name] = TreeFile(blob.decode(), link=mode == _LINK)
        return found

    async def read(self, blobs: Collection[str], *, most: int) -> Mapping[str, bytes]:
        """Sizes first, then all that fit, two processes in all."""
        if not blobs:
            return {}
        asked = "".join(f"{blob}\n" for blob in blobs).encode()
        sizes = await self._read(
            "cat-file", "--batch-check=%(objectname) %(objectsize)", sent=asked
        )
        found: dict[str, bytes] = {}
        fit = []
        for line in sizes.splitlines():
            blob, size = line.split()
            if size == b"missing":
                raise self._damaged(f"{blob.decode()} is missing")
            if int(size) <= most:
                fit.append(blob)
        if not fit:
            return found
        said = await self._read(
            "cat-file", "--batch=%(objectname) %(objectsize)", sent=b"".join(b + b"\n" for b in fit)
        )
        at = 0
        while at < len(said):
            end = said.index(b"\n", at)
            blob, size = said[at:end].split()
            found[blob.decode()] = said[end + 1 : end + 1 + int(size)]
            at = end + 1 + int(size) + 1
        return found

    async def _fetch(self) -> Commit:
        await self._run(
            "fetch",
            "--quiet",
            "--depth=1",
            "--no-tags",
            "--no-recurse-submodules",
            "--force",
            "--",
            self._url,
            f"+refs/heads/{self._branch}:{_HEAD}",
        )
        self._fetched += 1
        if self._fetched % _TIDY_EVERY == 0:
            await self._run("gc", "--quiet", "--prune=now")
        said = await self._read("log", "-1", _FORMAT, _HEAD)
        id, tree, by, at, subject = said.decode(errors="replace").rstrip("\n").split("\x00")
        if self._folder:
            tree = await self._tree(id)
        return Commit(id=id, tree=tree, by=by, at=datetime.fromisoformat(at), subject=subject[:200])

    async def _tree(self, commit: str) -> str:
        asked = f"{commit}:{self._folder}\n".encode()
        said = (await self._read("cat-file", "--batch-check", sent=asked)).split()
        if len(said) == 3 and said[1] == b"tree":
            return said[0].decode()
        raise NotFound(
            f"has no folder {self._folder} at commit {commit[:10]}",
            subject=self.subject,
            hint="set SKERRY_REPOSITORY_PATH to the folder of the documents",
        )

    async def _read(self, *arguments: str, sent: bytes = b"") -> bytes:
        """Of the mirror alone. One that cannot be read is made anew with the next fetch."""
        try:
            return await self._git.run(*arguments, sent=sent)
        except GitFailed as failed:
            raise self._damaged(str(failed)) from failed

    def _damaged(self, why: str) -> Unavailable:
        self._forget()
        return Unavailable(
            f"its copy on this machine is damaged, and is fetched again: {why}".strip(),
            subject=self.subject,
            hint=f"df -h {self._mirror.parent}",
        )

    async def _run(self, *arguments: str) -> bytes:
        try:
            if not (self._mirror / "HEAD").exists():
                self._mirror.mkdir(parents=True, exist_ok=True)
                await self._git.run("init", "--quiet", "--bare", ".")
            return await self._git.run(*arguments)
        except GitFailed as failed:
            if is_damage(failed):  # a fetch cut short by a crash leaves its lock behind
                self._forget()
            raise self._explained(failed) from failed
        except OSError as error:
            raise self._explained(GitFailed(str(error))) from error

    def _forget(self) -> None:
        self._newest = None
        shutil.rmtree(self._mirror, ignore_errors=True)

    def _explained(self, failed: GitFailed) -> SkerryError:
        place = str(self._mirror.parent)
        return explain(failed, subject=self.subject, url=shown(self._url), folder=place)


def open_repository(
    state: Path,
    *,
    url: str,
    branch: str,
    folder: str,
    environ: Mapping[str, str],
    token_file: Path | None = None,
) -> RemoteRepository:
    """Follow a branch; its mirror lies in the state folder. Nothing is asked yet."""
    mirror = state / "git" / hashlib.sha256(url.encode()).hexdigest()[:16]
    git = Git(mirror, environ=environ, token_file=token_file)
    return RemoteRepository(git, mirror, url=url, branch=branch, folder=folder)
