"""A commit -> the sources of a repository, as `read_sources` gives them from disk.

What is read, and what is not, is the same. Only files that are new since the last commit are
fetched from the mirror; the others are the very same objects, so that spec sees at once that
they did not change.
"""

import asyncio
from collections.abc import Collection, Mapping
from posixpath import basename, dirname
from typing import Final

from skerry.errors import InvalidDocuments, Problem
from skerry.model.commit import Commit, TreeFile
from skerry.model.sources import Sources, SourceText, is_outside, path_of
from skerry.operations.pointers import SUFFIXES, builds, pointed_files, without_foreign
from skerry.operations.sources import MAX_CONTENTS, MAX_TEXTS
from skerry.ports import GitRepository
from skerry.spec.limits import MAX_FILE

_HOPS: Final = 8  # links that lead to links


class CommitReader:
    """Reads one repository, commit after commit."""

    def __init__(self, git: GitRepository) -> None:
        self._git = git
        self._texts: dict[tuple[str, str], SourceText] = {}
        self._contents: dict[str, bytes] = {}
        self._read: tuple[str, Sources] | None = None

    async def read(self, commit: Commit) -> Sources:
        """Everything a plan needs of it. Raises InvalidDocuments with every file that cannot be
        read, and every `build:`, which nobody here would carry out; Unavailable."""
        if self._read is not None and self._read[0] == commit.tree:
            return self._read[1]
        files = await self._git.files(commit)
        problems: list[Problem] = []
        texts = await self._read_texts(files, problems)
        pointed = await asyncio.to_thread(pointed_files, texts)
        contents = await self._read_contents(files, pointed, problems)
        problems += await asyncio.to_thread(_built, texts)
        if problems:
            raise InvalidDocuments(problems)
        sources = Sources(name=self._git.name, texts=texts, contents=contents)
        sources = await asyncio.to_thread(without_foreign, sources, pointed)
        self._read = (commit.tree, sources)
        return sources

    async def _read_texts(
        self, files: Mapping[str, TreeFile], problems: list[Problem]
    ) -> tuple[SourceText, ...]:
        blobs = await self._resolve(files, [path for path in files if _is_ours(path)], problems)
        new = {blob for path, blob in blobs.items() if (path, blob) not in self._texts}
        found = await self._git.read(new, most=MAX_FILE)
        texts, left = dict[tuple[str, str], SourceText](), MAX_TEXTS
        for path, blob in blobs.items():
            text = self._texts.get((path, blob)) or _text(path, found.get(blob), problems)
            if text is None:
                continue
            left -= len(text.text)
            if left < 0:
                problems.append(_problem(path, "is one too many: all texts together are too large"))
                break
            texts[path, blob] = text
        self._texts = texts
        return tuple(texts[key] for key in sorted(texts, key=_walked))

    async def _read_contents(
        self, files: Mapping[str, TreeFile], pointed: Mapping[str, str], problems: list[Problem]
    ) -> dict[str, bytes]:
        there = sorted(path for path in pointed if path in files)
        blobs = await self._resolve(files, there, problems)
        new = set(blobs.values()) - set(self._contents)
        found = {**self._contents, **await self._git.read(new, most=MAX_CONTENTS)}
        contents, left = dict[str, bytes](), MAX_CONTENTS
        for path, blob in blobs.items():
            data = found.get(blob)
            left -= len(data or b"")
            if data is None or left < 0:
                said = f"{path} is too large: all files together may be {MAX_CONTENTS >> 20} MB"
                problems.append(_problem(pointed[path], said))
                break
            contents[path] = data
        self._contents = {blob: found[blob] for blob in blobs.values() if blob in found}
        return contents

    async def _resolve(
        self, files: Mapping[str, TreeFile], paths: Collection[str], problems: list[Problem]
    ) -> dict[str, str]:
        """Path -> blob, links followed as long as they stay inside."""
        blobs = {path: files[path].blob for path in paths if not files[path].link}
        for path in paths:
            if files[path].link:
                target = await self._follow(files, path)
                if target is None:
                    said = f"{path} is a link that leads to no file of the repository"
                    problems.append(_problem(path, said, hint="copy the file"))
                else:
                    blobs[path] = files[target].blob
        return blobs

    async def _follow(self, files: Mapping[str, TreeFile], path: str) -> str | None:
        for _ in range(_HOPS):
            if path not in files or not files[path].link:
                break
            blob = files[path].blob
            written = (await self._git.read([blob], most=MAX_FILE)).get(blob, b"/")
            path = path_of(dirname(path), written.decode(errors="replace"))
            if is_outside(path):
                return None
        return path if path in files and not files[path].link else None


def _is_ours(path: str) -> bool:
    """YAML, and neither hidden nor in a hidden folder."""
    return path.endswith(SUFFIXES) and not any(part.startswith(".") for part in path.split("/"))


def _walked(key: tuple[str, str]) -> tuple[tuple[str, ...], str]:
    """The order a walk over folders finds files in: those of a folder before those below."""
    return tuple(dirname(key[0]).split("/")) if "/" in key[0] else (), basename(key[0])


def _text(path: str, data: bytes | None, problems: list[Problem]) -> SourceText | None:
    if data is None:
        said = f"is larger than a file may be ({MAX_FILE >> 20} MB)"
        problems.append(_problem(path, said, hint="split it into several files"))
        return None
    try:
        return SourceText(path=path, text=data.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        problems.append(_problem(path, "is not text in UTF-8", hint="save it as UTF-8", line=line))
        return None


def _built(texts: tuple[SourceText, ...]) -> list[Problem]:
    """Every `build:`: a server that follows a repository has no place to build in."""
    return [
        Problem(
            file=path,
            line=line,
            path="build",
            message="images are not built from a commit",
            hint="let the pipeline build and push it, and commit the image's name as `image:`",
        )
        for path, line in builds(texts)
    ]


def _problem(path: str, message: str, *, hint: str = "", line: int = 1) -> Problem:
    return Problem(file=path, line=line, path="document", message=message, hint=hint)
