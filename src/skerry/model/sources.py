"""A repository as read from disk: texts and files, before anybody understood them.

Free of pydantic, so that the command line may read and send a repository without the
price of importing the models.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from posixpath import dirname, join, normpath


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceText:
    """One YAML file as read: `path` relative to the repository's root, for messages."""

    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """All a front door read from disk. `name` is the root folder's name; `contents` are the
    files that `files:` point to, by path relative to the root; `builds` gives, for each
    `build:` folder (likewise), the image built from it."""

    name: str
    texts: tuple[SourceText, ...]
    contents: Mapping[str, bytes] = field(default_factory=dict)
    builds: Mapping[str, str] = field(default_factory=dict)


def folder_of(file: str) -> str:
    """What the relative paths in a document start from."""
    return dirname(file)


def path_of(folder: str, written: str) -> str:
    """A path as a document writes it -> from the repository's root."""
    return normpath(join(folder, written))


def is_outside(path: str) -> bool:
    """Whether a path from `path_of` leaves the repository."""
    return path == ".." or path.startswith(("../", "/"))
