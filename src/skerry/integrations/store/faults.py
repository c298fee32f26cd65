"""What a database's error means to a person, and which command helps."""

import sqlite3

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from skerry.errors import Unavailable

# SQLite's result codes (sqlite.org/rescode.html) by name, the part before a second underscore.
_SQLITE = {
    "SQLITE_FULL": ("the disk is full", "make room, Skerry then goes on by itself: df -h {folder}"),
    "SQLITE_IOERR": ("the disk cannot be written or read", "df -h {folder}; dmesg | tail"),
    "SQLITE_BUSY": ("another process keeps it locked", "find out which: fuser -v {path}"),
    "SQLITE_READONLY": ("it may not be written", "ls -l {path}; findmnt -T {path}"),
    "SQLITE_CANTOPEN": ("it cannot be opened", "ls -ld {folder} {path}"),
    "SQLITE_CORRUPT": ("it is damaged", "stop the server and put back a copy of {path}"),
    "SQLITE_NOTADB": ("it is no database", "ls -l {path}; move it away or put back a copy"),
}


def subject_of(url: URL) -> str:
    """How the database is called in messages; never with a password."""
    if url.get_backend_name() == "sqlite":
        return f"store/{url.database}"
    return f"store/{url.host or url.query.get('host', '')}/{url.database or ''}"


def explain(error: DBAPIError, url: URL) -> Unavailable:
    """The error in Skerry's words. Statements and values are left out: they may be secret."""
    subject = subject_of(url)
    cause = error.orig or error
    if isinstance(cause, sqlite3.Error):
        name = getattr(cause, "sqlite_errorname", "")
        code = "_".join(name.split("_")[:2])
        said, hint = _SQLITE.get(code, (str(cause), "skerry doctor"))
        path = url.database or ""
        folder = path.rpartition("/")[0] or "."
        detail = f"{said} ({name or cause})"
        return Unavailable(detail, subject=subject, hint=hint.format(path=path, folder=folder))
    first_line = str(cause).strip().partition("\n")[0]
    return Unavailable(
        f"the database does not do its part: {first_line}",
        subject=subject,
        hint="see that it runs and takes this user: psql, with the address in SKERRY_DATABASE",
    )
