"""The difference between two essences, as lines and as a sentence."""

from collections.abc import Iterable

from skerry.model.keys import ObjectKey
from skerry.planner.essence import MASK, Essence, hushed, mask

MOST_NAMED = 4
"""So many changed fields are named in a reason; more are counted."""


def diff_lines(old: Essence, new: Essence) -> tuple[str, ...]:
    """`- path: old` and `+ path: new` for each field that differs, by path."""
    lines: list[str] = []
    for path in changed_paths(old, new):
        if path in old:
            lines.append(f"- {path}: {_shown(path, old[path])}")
        if path in new:
            lines.append(f"+ {path}: {_shown(path, new[path])}")
    return tuple(lines)


def object_lines(
    added: Iterable[ObjectKey], changed: Iterable[ObjectKey], removed: Iterable[ObjectKey]
) -> tuple[str, ...]:
    """Which objects come, change and go; for those that no field of the document names."""
    return (
        *(f"+ {key}" for key in sorted(added)),
        *(f"  {key} changes" for key in sorted(changed)),
        *(f"- {key}" for key in sorted(removed)),
    )


def changed_paths(old: Essence, new: Essence) -> tuple[str, ...]:
    """Every path whose value differs: image first, the rest by name."""
    paths = [path for path in {**old, **new} if old.get(path) != new.get(path)]
    return tuple(sorted(paths, key=lambda path: (path != "image", path)))


def difference(old: Essence, new: Essence) -> str:
    """One sentence: `image 1.4.1 -> 1.4.2 and env LOG_LEVEL`. Empty when nothing differs."""
    paths = changed_paths(old, new)
    named = [_phrase(path, old.get(path), new.get(path)) for path in paths[:MOST_NAMED]]
    if more := len(paths) - MOST_NAMED:
        if more == 1:
            named.append(_phrase(paths[-1], old.get(paths[-1]), new.get(paths[-1])))
        elif more > 1:
            named.append(f"{more} more fields")
    return joined(named)


def joined(parts: list[str]) -> str:
    """`a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def _phrase(path: str, old: str | None, new: str | None) -> str:
    group, _dot, name = path.partition(".")
    if path == "image" and old and new:
        return f"image {_image_change(old, new)}"
    if path == "held":
        return "no longer held" if new is None else f"held by {new}"
    if group in {"env", "secrets", "files", "volumes", "tags"}:
        word = {"env": "env", "secrets": "secret", "files": "file"}.get(group, group.rstrip("s"))
        verb = " added" if old is None else " removed" if new is None else ""
        return f"{word} {name}{verb}"
    if old is None:
        return f"{path} {new}"
    if new is None:
        return f"no {path}"
    return f"{path} {old} -> {new}" if len(old) + len(new) < 60 else path


def _image_change(old: str, new: str) -> str:
    """Only the tags, where the rest is the same."""
    old_name, old_tag = _split(old)
    new_name, new_tag = _split(new)
    same = old_name == new_name and old_tag and new_tag
    return f"{old_tag} -> {new_tag}" if same else f"{old} -> {new}"


def _split(image: str) -> tuple[str, str]:
    name, at, digest = image.partition("@")
    if at:
        return name, digest[:19]
    head, colon, tag = image.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (image, "")


def _shown(path: str, value: str) -> str:
    if path.startswith("env."):
        return MASK if hushed(path[4:]) else mask(value)
    return value
