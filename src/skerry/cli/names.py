"""Names as people type them, and the nearest when one is wrong."""

from collections.abc import Iterable


def nearest(typed: str, known: Iterable[str]) -> str | None:
    """The known name most like the typed one, or None. `checkout` finds `payments/checkout`."""
    from difflib import get_close_matches

    names = list(known)
    for name in names:
        if name.rpartition("/")[2] == typed or name == typed.rpartition("/")[2]:
            return name
    bare = {name.rpartition("/")[2]: name for name in names}
    close = get_close_matches(typed, [*names, *bare], n=1, cutoff=0.6)
    return bare.get(close[0], close[0]) if close else None
