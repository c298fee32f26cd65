"""A folder or a file on disk -> the sources of a repository. The only stage that reads files.

What is read: every `*.yaml` and `*.yml` below the folder, and every file a `files:` names.
What is not:

- hidden files and folders, and links that lead out of the repository;
- YAML that is no document of ours but belongs to an application (`pointers.py`).

A single file is a repository of its own, named after itself: applying it never touches
what its neighbours declared.

Free of pydantic: the command line imports this at every start.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from skerry.errors import InvalidDocuments, NotFound, Problem, Refused
from skerry.model.sources import Sources, SourceText
from skerry.operations.pointers import (
    SETTINGS_FILE,
    SUFFIXES,
    build_folders,
    pointed_files,
    without_foreign,
)
from skerry.spec.limits import MAX_FILE

__all__ = ["build_folders", "read_sources"]

MAX_TEXTS: Final = 128 * 2**20
MAX_CONTENTS: Final = 32 * 2**20


def read_sources(path: Path) -> Sources:
    """Everything `plan` and `apply` need from disk. Raises NotFound, Refused, or
    InvalidDocuments with every file that cannot be read."""
    if not path.exists():
        raise NotFound("no such file or folder", subject=str(path), hint="skerry init")
    if path.is_dir():
        root = path.resolve()
        return _Reading(root).run(root.name or "root", _walk(root))
    file = path.resolve()
    if file.name == SETTINGS_FILE:
        return read_sources(file.parent)
    if (file.parent / SETTINGS_FILE).exists():
        raise Refused(
            f"belongs to a repository: {SETTINGS_FILE} beside it holds its defaults",
            subject=str(path),
            hint=f"name the folder instead: {path.parent}",
        )
    return _Reading(file.parent).run(file.stem, iter([file.name]))


class _Reading:
    """One look at the disk, collecting what cannot be read."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._problems: list[Problem] = []
        self._inside: dict[str, bool] = {}

    def run(self, name: str, files: Iterator[str]) -> Sources:
        texts = self._texts(files)
        pointed = pointed_files(texts)
        contents = self._contents(pointed)
        if self._problems:
            raise InvalidDocuments(self._problems)
        sources = Sources(name=name, texts=texts, contents=contents)
        return without_foreign(sources, pointed)

    def _texts(self, files: Iterator[str]) -> tuple[SourceText, ...]:
        texts, left = [], MAX_TEXTS
        for file in files:
            data = self._read(file, most=min(MAX_FILE, left), file=file)
            left -= len(data or b"")
            try:
                text = None if data is None else data.decode("utf-8")
            except UnicodeDecodeError as error:
                line = error.object[: error.start].count(b"\n") + 1
                self._find(file, "is not text in UTF-8", "save it as UTF-8", line=line)
                continue
            if text is not None:
                texts.append(SourceText(path=file, text=text))
        return tuple(texts)

    def _contents(self, pointed: Mapping[str, str]) -> dict[str, bytes]:
        contents, left = dict[str, bytes](), MAX_CONTENTS
        for target, document in sorted(pointed.items()):
            if os.path.isfile(self._root / target):
                data = self._read(target, most=left, file=document)
                if data is not None:
                    contents[target] = data
                    left -= len(data)
        return contents

    def _read(self, path: str, *, most: int, file: str) -> bytes | None:
        """A file's bytes; None, and a problem at `file`, where that is not possible."""
        whole = self._root / path
        try:
            if self._leads_out(whole):
                said = f"{path} is a link that leads out of the repository"
                self._find(file, said, "copy the file")
                return None
            if not whole.is_file():
                self._find(file, f"{path} is not a file")
                return None
            if whole.stat().st_size > most:
                self._find(file, f"{path} is too large: {most >> 20} MB are left for it")
                return None
            return whole.read_bytes()
        except OSError as error:
            self._find(file, f"{path} cannot be read: {error.strerror}")
        except RuntimeError:
            self._find(file, f"{path} is a link to itself")
        return None

    def _leads_out(self, whole: Path) -> bool:
        """Whether a link on the way to a file, or the file itself, leaves the repository."""
        folder = str(whole.parent)
        if folder not in self._inside:
            self._inside[folder] = whole.parent.resolve().is_relative_to(self._root)
        linked = os.path.islink(whole)
        inside = self._inside[folder]
        return not inside or (linked and not whole.resolve().is_relative_to(self._root))

    def _find(self, file: str, message: str, hint: str = "", *, line: int = 1) -> None:
        problem = Problem(file=file, line=line, path="document", message=message, hint=hint)
        self._problems.append(problem)


def _walk(root: Path) -> Iterator[str]:
    for here, folders, files in os.walk(root):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        for name in sorted(files):
            if name.endswith(SUFFIXES) and not name.startswith("."):
                yield os.path.relpath(os.path.join(here, name), root).replace(os.sep, "/")
