"""Small files that are made once, whole, and never again: keys, identities."""

import os
from pathlib import Path


def create_once(path: Path, content: bytes) -> bytes:
    """The file's content: `content` if it was not there, else what is there. Mode 0600.

    Whoever comes second, even at the same moment, reads what the first wrote; a crash
    leaves the whole file or none. Raises OSError.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        pass
    draft = _write_draft(path, content)
    try:
        os.link(draft, path)
    except FileExistsError:
        return path.read_bytes()
    finally:
        draft.unlink()
    _sync_folder(path.parent)
    return content


def replace_whole(path: Path, content: bytes) -> None:
    """Put `content` in the place of what is there: it is the old or the new. Mode 0600."""
    os.replace(_write_draft(path, content), path)
    _sync_folder(path.parent)


def _write_draft(path: Path, content: bytes) -> Path:
    """A file beside `path`, on the disk, readable by its owner only."""
    draft = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        with open(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        draft.unlink()
        raise
    return draft


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
