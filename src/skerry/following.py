"""Settings of continuous mode, and of several servers on one database."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from skerry.model.secret import SecretValue
from skerry.variables import about, folder, starts, whole

_SCHEMES: Final = ("https://", "http://", "ssh://", "git://", "file:///", "/")
_SCP: Final = re.compile(r"^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:[^-\s][^\s]*$")  # git@host:team/shop
_DAY_SECONDS: Final = 86_400
_SECONDS: Final = "seconds, from {} to {}"


def _repository(written: str) -> str:
    if any(each.isspace() for each in written):
        raise ValueError
    if not written.startswith(_SCHEMES) and not _SCP.fullmatch(written):
        raise ValueError
    return written


def _branch(written: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]*", written) or ".." in written:
        raise ValueError
    return written.removeprefix("refs/heads/")


def _inside(written: str) -> str:
    path = written.strip("/")
    if ".." in Path(path).parts or "\x00" in path:
        raise ValueError
    return "" if path == "." else path.removeprefix("./")


def _name(written: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", written):
        raise ValueError
    return written


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """What `Settings` says of a repository to follow, and of other servers."""

    repository: str = field(
        default="",
        repr=False,  # may hold a password
        metadata=about(
            "SKERRY_REPOSITORY",
            _repository,
            expected="https://host/path, ssh://user@host/path, user@host:path or an absolute path",
            meaning="git repository the server keeps its cells as: see docs/continuous.md",
            why="a server does nothing by itself until told what to follow",
            shown="none",
        ),
    )
    branch: str = field(
        default="main",
        metadata=about(
            "SKERRY_BRANCH",
            _branch,
            expected="a branch's name",
            meaning="branch of it that is followed",
            why="what hosts make by themselves",
        ),
    )
    repository_path: str = field(
        default="",
        metadata=about(
            "SKERRY_REPOSITORY_PATH",
            _inside,
            expected="a folder within it, as deploy/prod",
            meaning="folder of it that holds the documents; what changes outside is not looked at",
            why="a repository of its own is simplest",
            shown="all of it",
        ),
    )
    repository_token_file: Path | None = field(
        default=None,
        metadata=about(
            "SKERRY_REPOSITORY_TOKEN_FILE",
            folder,
            expected="an absolute path",
            meaning="file with the token or password that lets git in over HTTPS; read each time",
            why="git's own ways serve as well: ssh keys, its agent, credential helpers",
            shown="none",
        ),
    )
    poll_seconds: int = field(
        default=30,
        metadata=about(
            "SKERRY_POLL_SECONDS",
            whole(1, _DAY_SECONDS),
            expected=_SECONDS.format(1, _DAY_SECONDS),
            meaning="time between two looks at the branch",
            why="costs the host next to nothing, and a webhook makes it moments",
        ),
    )
    look_seconds: int = field(
        default=1800,
        metadata=about(
            "SKERRY_LOOK_SECONDS",
            whole(10, _DAY_SECONDS),
            expected=_SECONDS.format(10, _DAY_SECONDS),
            meaning="time between two looks at every object of a cell, for drift",
            why="a look at the objects of 10,000 tenants takes 15 s of a core",
        ),
    )
    webhook_secret: SecretValue | None = field(
        default=None,
        repr=False,  # may hold a password
        metadata=about(
            "SKERRY_WEBHOOK_SECRET",
            SecretValue,
            expected="the secret itself, or store:NAME",
            meaning="secret that POST /v1/webhook must be signed with; without one there is none",
            why="an open doorbell is rung by everybody",
            shown="none",
        ),
    )
    name: str = field(
        default="",
        metadata=about(
            "SKERRY_NAME",
            _name,
            expected="letters, digits, dots and dashes",
            meaning="this server's name among several on one PostgreSQL database",
            why="what people call the machine, or the pod",
            shown="the host's name",
        ),
    )
    url: str = field(
        default="",
        metadata=about(
            "SKERRY_URL",
            starts("http://", "https://"),
            expected="http://host:port or https://host",
            meaning="where the other servers on the database reach this one's API, to hand on "
            "what only the leader does",
            why="only the operator knows which of a machine's addresses others reach",
            shown="the address it listens on, when that is a single one",
        ),
    )
