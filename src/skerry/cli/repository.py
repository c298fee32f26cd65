"""A repository on disk -> what the server is sent: texts, files, and images built."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from skerry.cli.images import Context, look_at
from skerry.errors import NotFound

if TYPE_CHECKING:
    from skerry.model.sources import Sources

_DIVIDER: Final = re.compile(r"^---(?:[ \t].*)?$", re.MULTILINE)
_SERVICE: Final = re.compile(r"""^\{?\s*["']?service["']?\s*:\s*["']?([a-z0-9-]+)""", re.MULTILINE)
_CELL: Final = re.compile(r"""^\{?\s*["']?cell["']?\s*:\s*["']?([a-z0-9-]+)""", re.MULTILINE)
_ENGINE: Final = re.compile(r"""^(?:\{.*)?["']?engine["']?\s*:\s*["']?([a-z]+)""", re.MULTILINE)
_TEAM: Final = re.compile(r"""^(?:\{.*)?["']?team["']?\s*:\s*["']?([a-z0-9-]+)""", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A repository read: `request` is the body plan and apply share."""

    name: str
    names: tuple[str, ...]
    request: dict[str, Any]
    contexts: tuple[Context, ...]
    cells: tuple[tuple[str, str], ...] = ()


def prepare(
    path: Path, only: Sequence[str] | None = None, *, cells: Sequence[str] | None = None
) -> Prepared:
    """Read a repository, and name (not build) the images of its `build:` folders.
    Raises NotFound, or InvalidDocuments where the files cannot even be read."""
    if not path.exists():
        raise NotFound("no such file or folder", subject=str(path), hint="skerry init")
    from skerry.operations.sources import build_folders, read_sources

    sources = read_sources(path)
    root = path if path.is_dir() else path.parent
    contexts = {folder: look_at(root / folder) for folder in build_folders(sources)}
    request = {
        "sources": {
            "name": sources.name,
            "texts": [{"path": each.path, "text": each.text} for each in sources.texts],
            "contents": {
                path: base64.b64encode(content).decode()
                for path, content in sources.contents.items()
            },
            "builds": {folder: context.image for folder, context in contexts.items()},
        },
        "only": list(only or ()),
        "cells": list(cells or ()),
    }
    name, names = _identity(sources)
    return Prepared(
        name=name,
        names=tuple(only) if only else names,
        request=request,
        contexts=tuple(contexts.values()),
        cells=declared_cells(sources),
    )


def declared_cells(sources: "Sources") -> tuple[tuple[str, str], ...]:
    """The name and engine of each cell document, read leniently: the stages judge."""
    found: dict[str, str] = {}
    for text in sources.texts:
        for document in _DIVIDER.split(text.text) if _CELL.search(text.text) else ():
            if (cell := _CELL.search(document)) and not _SERVICE.search(document):
                engine = _ENGINE.search(document)
                found[cell[1]] = engine[1] if engine else "local"
    return tuple(found.items())


def repository_name(path: Path) -> tuple[str, tuple[tuple[str, str], ...]]:
    """A repository's name and the cells it declares. Raises NotFound when the path does not
    exist."""
    if not path.exists():
        raise NotFound("no such file or folder", subject=str(path), hint="skerry down")
    from skerry.operations.sources import read_sources

    sources = read_sources(path)
    return _identity(sources)[0], declared_cells(sources)


def _identity(sources: "Sources") -> tuple[str, tuple[str, ...]]:
    """The repository's name and its services' names, read leniently: the server judges."""
    settings = next((_settings(each.text) for each in sources.texts if _is_root(each.path)), {})
    defaults = settings.get("defaults")
    team = defaults.get("team") if isinstance(defaults, dict) else None
    names = dict.fromkeys(
        name
        for text in sources.texts
        for document in _DIVIDER.split(text.text)
        if (name := _name(document, team))
    )
    return str(settings.get("name") or sources.name), tuple(names)


def _name(document: str, team: object) -> str | None:
    """What commands call the service of a document; None without one. A search, not a parse:
    ten thousand documents are named in the blink of an eye."""
    service = _SERVICE.search(document)
    if service is None:
        return None
    own = _TEAM.search(document)
    namespace = own[1] if own else team
    return f"{namespace}/{service[1]}" if namespace else service[1]


def _settings(text: str) -> dict[str, Any]:
    import yaml

    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_root(path: str) -> bool:
    return path == "skerry.yaml"
