"""A file's text -> its documents, each with the line it starts at. Nothing is parsed."""

import re
from typing import Final, NamedTuple

# A marker at the start of a line separates documents wherever it stands: YAML allows it
# inside no scalar.
_SEPARATOR: Final = re.compile(r"^(?:---|\.\.\.)(?=[ \t\n]|\Z)", re.MULTILINE)
_DIRECTIVES: Final = re.compile(r"(?:[ \t]*(?:#[^\n]*)?(?:\n|\Z)|%YAML 1\.[0-9][ \t]*(?:\n|\Z))*")


class Chunk(NamedTuple):
    """One document's text, and the line of the file its first line is."""

    text: str
    line: int


def normalize(text: str) -> str:
    """The text without a byte order mark, with `\\n` for every line break."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.removeprefix("\ufeff")


def split(text: str) -> list[Chunk]:
    """The documents of a normalized text. Those that say nothing are left out."""
    chunks: list[Chunk] = []
    line, start = 1, 0
    for end in (*(match.start() for match in _SEPARATOR.finditer(text)), len(text)):
        if end > start:
            chunk = _chunk(text[start:end], line)
            if chunk is not None:
                chunks.append(chunk)
            line += text.count("\n", start, end)
            start = end
    return chunks


def _chunk(text: str, line: int) -> Chunk | None:
    if text.startswith("---\n"):
        text, line = text[4:], line + 1
    elif text.startswith("..."):
        text = text[3:]
    if text.startswith(("%", "#", " ", "\n")) and _DIRECTIVES.fullmatch(text):
        return None
    return Chunk(text, line) if text and not text.isspace() else None
