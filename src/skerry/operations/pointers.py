"""What documents point to beside themselves, read leniently: spec will say what is wrong.

A `files:` names files to read, a `build:` a folder of somebody's application. YAML below a
`build:` folder, or named by a `files:`, is no document of ours unless it declares a service,
a stack or a cell. Everywhere else a YAML file without a kind is a problem: most likely a typo.

Free of pydantic: the command line imports this at every start.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from skerry.model.sources import Sources, SourceText, folder_of, is_outside, path_of
from skerry.spec.chunks import normalize, split
from skerry.spec.parse import Unreadable, parse

SETTINGS_FILE: Final = "skerry.yaml"
SUFFIXES: Final = (".yaml", ".yml")
_DECLARES: Final = re.compile(r"""^["']?(?:service|stack|cell)["']?[ \t]*:[ \t]+\S""", re.MULTILINE)
_BUILD: Final = re.compile(r"""^[ \t{]*["']?build["']?[ \t]*:""", re.MULTILINE)
_POINTERS: Final = ("files", "build")


def build_folders(sources: Sources) -> tuple[str, ...]:
    """The `build:` folders of all services, relative to the root, each once, sorted."""
    found = set()
    for folder, document in _services(sources.texts):
        written = document.get("build")
        if isinstance(written, str) and written and not is_outside(path_of(folder, written)):
            found.add(path_of(folder, written))
    return tuple(sorted(found))


def builds(texts: tuple[SourceText, ...]) -> Iterator[tuple[str, int]]:
    """Where a service is to be built: file and line of each `build:`."""
    defaults = _defaults(texts)
    for text in texts:
        inherited = "build" in defaults and text.path == SETTINGS_FILE
        if inherited or any(document.get("build") for _, document in _services((text,))):
            yield text.path, _line_of(text.text)


def _line_of(text: str) -> int:
    found = _BUILD.search(text)
    return 1 if found is None else text.count("\n", 0, found.start()) + 1


def without_foreign(sources: Sources, pointed: Mapping[str, str]) -> Sources:
    """The sources without YAML that belongs to an application; `pointed` as from
    `pointed_files`."""
    folders = build_folders(sources)
    texts = tuple(
        text
        for text in sources.texts
        if not (text.path in pointed or any(_is_below(text.path, folder) for folder in folders))
        or text.path == SETTINGS_FILE
        or _DECLARES.search(text.text)
    )
    return Sources(name=sources.name, texts=texts, contents=sources.contents)


def _is_below(path: str, folder: str) -> bool:
    return folder == "." or path.startswith(f"{folder}/")


def pointed_files(texts: tuple[SourceText, ...]) -> dict[str, str]:
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
    """The services and templates that may point to files or folders, as written over the
    defaults, each with its folder. Only those are parsed, leniently: spec says what is wrong."""
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
                elif "stack" in value and isinstance(template := value.get("template"), dict):
                    yield folder_of(text.path), _over(under, template)


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
