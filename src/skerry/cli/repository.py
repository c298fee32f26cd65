"""A repository on disk -> what the server is sent: texts, files, and images built."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skerry.cli.images import Context, look_at
from skerry.errors import NotFound

if TYPE_CHECKING:
    from skerry.model.repository import Sources


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A repository read: `request` is the body plan and apply share."""

    name: str
    names: tuple[str, ...]
    request: dict[str, Any]
    contexts: tuple[Context, ...]


def prepare(path: Path, only: Sequence[str] | None = None) -> Prepared:
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
    }
    name, names = _identity(sources)
    return Prepared(
        name=name,
        names=tuple(only) if only else names,
        request=request,
        contexts=tuple(contexts.values()),
    )


def repository_name(path: Path) -> str:
    """A repository's name alone. Raises NotFound when the path does not exist."""
    if not path.exists():
        raise NotFound("no such file or folder", subject=str(path), hint="skerry down")
    from skerry.operations.sources import read_sources

    return _identity(read_sources(path))[0]


def _identity(sources: "Sources") -> tuple[str, tuple[str, ...]]:
    """The repository's name and its services' names, read leniently: the server judges."""
    import yaml

    documents: list[dict[str, Any]] = []
    for text in sources.texts:
        try:
            found = list(yaml.safe_load_all(text.text))
        except (yaml.YAMLError, ValueError, RecursionError):
            continue
        documents += [each for each in found if isinstance(each, dict)]
    settings = next((each for each in documents if "version" in each and not _kind(each)), {})
    defaults = settings.get("defaults")
    team = defaults.get("team") if isinstance(defaults, dict) else None
    names = tuple(
        str(each["service"])
        if not (each.get("team") or team)
        else f"{each.get('team') or team}/{each['service']}"
        for each in documents
        if each.get("service")
    )
    return str(settings.get("name") or sources.name), names


def _kind(document: dict[str, Any]) -> bool:
    return any(key in document for key in ("service", "cell", "stack", "group", "job"))
