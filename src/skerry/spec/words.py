"""Small pieces of every message: a path, a value shown shortly, the nearest known word."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any, Final

# Below these, people may have written a secret where a reference or a name belongs.
PRIVATE: Final = frozenset({"env", "secrets", "command", "before"})
_LONGEST: Final = 40
_KEYS_SHOWN: Final = 30
_MANY: Final = 500


def show_path(name: str, path: Sequence[str | int]) -> str:
    """`web/scale/min`."""
    return "/".join([name, *(show_key(step) for step in path)])


def show_key(key: object) -> str:
    """A key on one line, no longer than a line."""
    text = "".join(each if each.isprintable() else "?" for each in str(key))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def show_value(value: Any, path: Sequence[str | int]) -> str:
    """`, not `70000``, or nothing where the value may be a secret or is no plain one."""
    if PRIVATE.intersection(str(step) for step in path) or value is None:
        return ""
    if isinstance(value, bool):
        return f", not `{str(value).lower()}`"
    if isinstance(value, (int, float, str)):
        return f", not `{show_key(value)}`" if value != "" else ", not empty"
    return ""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like this one, if any is. Among very many, only those of about its
    length that start alike are looked at."""
    among = list(known)
    if len(among) > _MANY:
        alike = (each for each in among if each[:1] == word[:1])
        among = [each for each in alike if abs(len(each) - len(word)) <= 2][:_MANY]
    found = get_close_matches(word[:_LONGEST], among, n=1, cutoff=0.6)
    return found[0] if found else None


def suggest(word: str, known: Sequence[str]) -> tuple[str, str]:
    """The end of a message (`: did you mean `image`?`) and a hint; or all that is known."""
    near = nearest(word, known)
    if near is not None:
        return f": did you mean `{near}`?", f"write `{near}`"
    shown = sorted(known)[:_KEYS_SHOWN]
    return "", f"known: {', '.join(shown)}" if shown else ""
