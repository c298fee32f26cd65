"""The access log's files: rotated by size, the oldest removed."""

from pathlib import Path

MOST_BYTES = 64 * 1024 * 1024
KEPT = 5


def rotate(path: Path, *, most_bytes: int = MOST_BYTES, kept: int = KEPT) -> bool:
    """Move a log that has grown too large aside, as `.1`, and those before it one further.

    Says whether it did; then Envoy must be told to open its log anew. Until it has, it writes
    on into `.1`, so that no line is lost.
    """
    try:
        if path.stat().st_size < most_bytes:
            return False
    except FileNotFoundError:
        return False
    numbered(path, kept).unlink(missing_ok=True)
    for number in range(kept - 1, 0, -1):
        if numbered(path, number).exists():
            numbered(path, number).replace(numbered(path, number + 1))
    path.replace(numbered(path, 1))
    return True


def numbered(path: Path, number: int) -> Path:
    """The file a rotated log has: `access.log.1` is the newest."""
    return path.with_name(f"{path.name}.{number}")
