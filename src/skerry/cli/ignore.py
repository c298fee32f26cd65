"""What a build context leaves out: `.containerignore` or `.dockerignore`. Pure.

The rules are those of the file's reference: one pattern a line, relative to the context's
root; `#` comments; `*` and `?` within a path segment, `**` across; `!` takes back; the
last pattern that matches decides, and a folder left out leaves out what is below.
"""

import re
from collections.abc import Callable, Iterable

Ignores = Callable[[str], bool]


def parse_ignores(text: str) -> Ignores:
    """A function that says of a path (relative, with `/`) whether it is left out."""
    rules: list[tuple[re.Pattern[str], bool]] = []
    for raw in text.splitlines():
        written = raw.strip()
        if not written or written.startswith("#"):
            continue
        keep = written.startswith("!")
        pattern = written.removeprefix("!").strip().strip("/").removeprefix("./")
        if pattern and pattern != ".":
            rules.append((re.compile(_expression(pattern)), not keep))

    def ignored(path: str) -> bool:
        out = False
        for expression, leaves_out in rules:
            if any(expression.fullmatch(each) for each in _with_parents(path)):
                out = leaves_out
        return out

    return ignored


def _with_parents(path: str) -> Iterable[str]:
    parts = path.split("/")
    return ("/".join(parts[:count]) for count in range(1, len(parts) + 1))


def _expression(pattern: str) -> str:
    made, at = "", 0
    while at < len(pattern):
        if pattern.startswith("**/", at):
            made, at = made + "(?:[^/]+/)*", at + 3
        elif pattern.startswith("**", at):
            made, at = made + ".*", at + 2
        elif pattern[at] == "*":
            made, at = made + "[^/]*", at + 1
        elif pattern[at] == "?":
            made, at = made + "[^/]", at + 1
        elif pattern[at] == "[" and "]" in pattern[at + 2 :]:
            end = pattern.index("]", at + 2) + 1
            made, at = made + pattern[at:end].replace("[!", "[^"), end
        elif pattern[at] == "\\" and at + 1 < len(pattern):
            made, at = made + re.escape(pattern[at + 1]), at + 2
        else:
            made, at = made + re.escape(pattern[at]), at + 1
    return made
