"""A folder or a file on disk -> the sources of a repository. The only stage that reads files.

What is read: every `*.yaml` and `*.yml` below the folder, and every file a `files:` names.
What is not:

- hidden files and folders, and links that lead out of the repository;
- YAML that is no document of ours but belongs to an application: a file below a `build:`
  folder or named by a `files:`, unless it declares a service or a cell. Everywhere else a
  YAML file without a kind is a problem, for it is most likely a typo.

A single file is a repository of its own, named after itself: applying it never touches
what its neighbours declared.

Free of pydantic: the command line imports this at every start.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from skerry.errors import InvalidDocuments, NotFound, Problem, Refused
from skerry.model.sources import Sources, SourceText, folder_of, is_outside, path_of
from skerry.spec.chunks import normalize, split
from skerry.spec.limits import MAX_FILE
from skerry.spec.parse import Unreadable, parse

SETTINGS_FILE: Final = "skerry.yaml"
MAX_TEXTS: Final = 128 * 2**20
MAX_CONTENTS: Final = 32 * 2**20
_SUFFIXES: Final = (".yaml", ".yml")
_DECLARES: Final = re.compile(r"""^["']?(?:service|cell)["']?[ \t]*:[ \t]+\S""", re.MULTILINE)
_POINTERS: Final = ("files", "build")


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


def build_folders(sources: Sources) -> tuple[str, ...]:
    """The `build:` folders of all services, relative to the root, each once, sorted."""
    found = set()
    for folder, document in _services(sources.texts):
        written = document.get("build")
        if isinstance(written, str) and written and not is_outside(path_of(folder, written)):
            found.add(path_of(folder, written))
    return tuple(sorted(found))


class _Reading:
    """One look at the disk, collecting what cannot be read."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._problems: list[Problem] = []
        self._inside: dict[str, bool] = {}

    def run(self, name: str, files: Iterator[str]) -> Sources:
        texts = self._texts(files)
        pointed = _files(texts)
        contents = self._contents(pointed)
        if self._problems:
            raise InvalidDocuments(self._problems)
        sources = Sources(name=name, texts=texts, contents=contents)
        return _without_foreign(sources, pointed)

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
            if name.endswith(_SUFFIXES) and not name.startswith("."):
                yield os.path.relpath(os.path.join(here, name), root).replace(os.sep, "/")


def _without_foreign(sources: Sources, pointed: Mapping[str, str]) -> Sources:
    builds = build_folders(sources)
    texts = tuple(
        text
        for text in sources.texts
        if not (text.path in pointed or any(_is_below(text.path, folder) for folder in builds))
        or text.path == SETTINGS_FILE
        or _DECLARES.search(text.text)
    )
    return Sources(name=sources.name, texts=texts, contents=sources.contents)


def _is_below(path: str, folder: str) -> bool:
    return folder == "." or path.startswith(f"{folder}/")


def _files(texts: tuple[SourceText, ...]) -> dict[str, str]:
    """Every file a `files:` points to within the repository -> a document that does."""
    found: dict[str, str] = {}
    defaults = _defaults(texts)
    for text in texts:
        for folder, document in _services((text,), defaults=defaults):
            files = document.get("files")
            for written in files.values() if isinstance(files, dict) else ():
                if isinstance(written, str) and _is_path(written):
                    target = path_of(folder, written)
                    if not is_outside(target):
                        found.setdefault(target, text.path)
    return found


def _is_path(written: str) -> bool:
    return bool(written) and "\x00" not in written and written.isprintable()


def _services(
    texts: tuple[SourceText, ...], *, defaults: Mapping[str, Any] | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The documents that may point to files or folders, as written over the defaults, each
    with its folder. Only those are parsed, leniently: spec will say what is wrong."""
    under = _defaults(texts) if defaults is None else defaults
    inherited = any(pointer in under for pointer in _POINTERS)
    for text in texts:
        if not inherited and not any(pointer in text.text for pointer in _POINTERS):
            continue
        for chunk in split(normalize(text.text)):
            if inherited or any(pointer in chunk.text for pointer in _POINTERS):
                value = _parse(chunk.text)
                if "service" in value:
                    yield folder_of(text.path), _over(under, value)


def _over(defaults: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    merged = {pointer: defaults[pointer] for pointer in _POINTERS if pointer in defaults}
    merged |= document
    if isinstance(defaults.get("files"), dict) and isinstance(document.get("files"), dict):
        merged["files"] = {**defaults["files"], **document["files"]}
    if "image" in document and "build" not in document:
        merged.pop("build", None)
    return merged


def _defaults(texts: tuple[SourceText, ...]) -> dict[str, Any]:
    for text in texts:
        if text.path == SETTINGS_FILE and any(pointer in text.text for pointer in _POINTERS):
            for chunk in split(normalize(text.text)):
                defaults = _parse(chunk.text).get("defaults")
                if isinstance(defaults, dict):
                    return defaults
    return {}


def _parse(text: str) -> dict[Any, Any]:
    try:
        value = parse(text)
    except Unreadable:
        return {}
    return value if isinstance(value, dict) else {}
