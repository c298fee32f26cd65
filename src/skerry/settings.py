"""Operator settings: every variable once, with its meaning, unit, default and reason.

Read from the environment only, so that a container, a unit file and a shell set them the
same way. The reference page is made from `describe()`.
"""

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from enum import StrEnum
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from skerry.errors import SkerryError
from skerry.following import Following
from skerry.integrations.store.folder import State, open_folder
from skerry.integrations.store.history import History
from skerry.model.secret import SecretValue
from skerry.variables import Variable, about, address, folder, network, starts, whole


class Reach(StrEnum):
    """How the gateway reaches containers."""

    AUTO = "auto"  # routed where that works, else published
    ROUTED = "routed"  # at their own addresses
    PUBLISHED = "published"  # at ports published on loopback: rootless, Docker Desktop


class Local(StrEnum):
    """Whether the machine a server runs on is a cell of it."""

    AUTO = "auto"  # where services run on it, or nothing else is known
    ON = "on"  # needs a container engine to start
    OFF = "off"  # Kubernetes cells only


class LogLevel(StrEnum):
    """What the server's log holds."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


_KEPT = History()
_PORT = "a port from 1 to 65535"
_COUNT = "a number from {} to {}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Following):
    """What an operator may set. `state` has a default in the environment only: see
    `from_environment`."""

    state: Path = field(
        metadata=about(
            "SKERRY_STATE",
            folder,
            expected="an absolute path without a question mark",
            meaning="folder of everything this server keeps",
            why="the place the XDG specification gives to state; one folder is one server",
            shown="$XDG_STATE_HOME/skerry, or ~/.local/state/skerry",
        )
    )
    listen: str = field(
        default="127.0.0.1",
        metadata=about(
            "SKERRY_LISTEN",
            address,
            expected="an IP address of this machine, or 0.0.0.0 for all",
            meaning="address the server's API listens on",
            why="nobody else can connect until told otherwise",
        ),
    )
    port: int = field(
        default=7575,
        metadata=about(
            "SKERRY_LISTEN_PORT",
            whole(0, 65_535),
            expected=f"{_PORT}, or 0 for any that is free",
            meaning="port the server's API listens on",
            why="needs no root; and not SKERRY_PORT, which Kubernetes sets by itself wherever a "
            "Service is named skerry",
        ),
    )
    database: str = field(
        default="",
        repr=False,  # may hold a password
        metadata=about(
            "SKERRY_DATABASE",
            starts("sqlite:////", "postgresql://", "postgresql+psycopg://"),
            expected="sqlite:////absolute/path or postgresql://user@host/database",
            meaning="where objects, releases, operations and tokens are kept",
            why="one file needs nobody to look after it; PostgreSQL for those who have one",
            shown="skerry.db in the state folder",
        ),
    )
    local: Local = field(
        default=Local.AUTO,
        metadata=about(
            "SKERRY_LOCAL",
            Local,
            expected="auto, on or off",
            meaning="whether the machine the server runs on is a cell too: on needs a container "
            "engine to start, off never asks for one, auto is a cell from when it is meant",
            why="a server of Kubernetes cells, in a pod say, needs no container engine",
        ),
    )
    engine_url: str = field(
        default="",
        metadata=about(
            "SKERRY_ENGINE_URL",
            starts("unix:///", "tcp://", "http://", "https://"),
            expected="unix:///path/to/socket or tcp://host:port",
            meaning="the container engine's API (Podman or Docker)",
            why="what other tools on the machine use is most likely meant",
            shown="DOCKER_HOST, or else the first socket that answers",
        ),
    )
    reach: Reach = field(
        default=Reach.AUTO,
        metadata=about(
            "SKERRY_REACH",
            Reach,
            expected="auto, routed or published",
            meaning="how the gateway reaches containers: at their addresses (routed), or at "
            "ports published on loopback (published)",
            why="routed is faster; rootless engines and virtual machines cannot, and are found out",
        ),
    )
    bridges: IPv4Network = field(
        default=IPv4Network("10.208.0.0/12"),
        metadata=about(
            "SKERRY_BRIDGES",
            network(20),
            expected="an IPv4 network of /20 or larger, as 10.208.0.0/12",
            meaning="range the networks of namespaces are cut from",
            why="a corner of 10.0.0.0/8 that engines' and clouds' own defaults leave alone",
        ),
    )
    addresses: IPv4Network = field(
        default=IPv4Network("198.18.0.0/15"),
        metadata=about(
            "SKERRY_ADDRESSES",
            network(19),
            expected="an IPv4 network of /19 or larger, as 198.18.0.0/15",
            meaning="range services' stable addresses are cut from, a /19 for each server",
            why="set apart for tests between devices (RFC 2544): never routed, so never in use",
        ),
    )
    http_port: int | None = field(
        default=None,
        metadata=about(
            "SKERRY_HTTP_PORT",
            whole(1, 65_535),
            expected=_PORT,
            meaning="the gateway's port for HTTP, where no cell document says it; changed, it "
            "holds from the next start, and services go on",
            why="what browsers ask for; ports under 1024 may need root",
            shown="80",
        ),
    )
    https_port: int | None = field(
        default=None,
        metadata=about(
            "SKERRY_HTTPS_PORT",
            whole(1, 65_535),
            expected=_PORT,
            meaning="the gateway's port for HTTPS, where no cell document says it; changed, the "
            "next apply gives services their new URLs",
            why="what browsers ask for; ports under 1024 may need root",
            shown="443",
        ),
    )
    log_level: LogLevel = field(
        default=LogLevel.INFO,
        metadata=about(
            "SKERRY_LOG_LEVEL",
            LogLevel,
            expected="debug, info, warning or error",
            meaning="the least important lines the server's log holds",
            why="one line for each change and each fault",
        ),
    )
    releases_kept: int = field(
        default=_KEPT.releases,
        metadata=about(
            "SKERRY_RELEASES_KEPT",
            whole(2, 10_000),
            expected=_COUNT.format(2, 10_000),
            meaning="releases kept of each service",
            why="weeks of several deploys a day; the two deployed last are kept in any case",
        ),
    )
    operations_kept: int = field(
        default=_KEPT.operations,
        metadata=about(
            "SKERRY_OPERATIONS_KEPT",
            whole(10, 1_000_000),
            expected=_COUNT.format(10, 1_000_000),
            meaning="operations kept, with all they said",
            why="enough to ask what changed last week; running ones are kept in any case",
        ),
    )
    audit_kept: int = field(
        default=_KEPT.audit_entries,
        metadata=about(
            "SKERRY_AUDIT_KEPT",
            whole(1_000, 100_000_000),
            expected=_COUNT.format(1_000, 100_000_000),
            meaning="audit entries kept",
            why="about 20 MB",
        ),
    )
    audit_days: int = field(
        default=_KEPT.audit_days,
        metadata=about(
            "SKERRY_AUDIT_DAYS",
            whole(1, 36_500),
            expected="days, from 1 to 36500",
            meaning="age at which an audit entry goes; the newest 1,000 stay",
            why="a year, as PCI DSS asks",
        ),
    )
    server: str = field(
        default="",
        metadata=about(
            "SKERRY_SERVER",
            starts("http://", "https://"),
            expected="http://host:port or https://host",
            meaning="the server the command line talks to",
            why="most use the one on their own machine",
            shown="the one of the state folder",
        ),
    )
    token: SecretValue | None = field(
        default=None,
        repr=False,
        metadata=about(
            "SKERRY_TOKEN",
            SecretValue,
            expected="a token, as skerry token create prints it",
            meaning="who the command line is, for that server",
            why="the local server's own token is found by itself",
            shown="the one of the state folder",
        ),
    )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """An unset or empty variable means its default. Raises SkerryError that names every
        bad one, with what is expected."""
        values: dict[str, Any] = {}
        bad: list[tuple[str, str]] = []
        for one in _fields():
            written = environ.get(one.metadata["variable"], "").strip()
            try:
                if written:
                    values[one.name] = one.metadata["parse"](written)
            except ValueError:
                bad.append(_complaint(one, written))
        values.setdefault("state", _default_state(environ))
        values.setdefault("engine_url", environ.get("DOCKER_HOST", ""))
        if not bad:
            settings = cls(**values)
            if not settings.bridges.overlaps(settings.addresses):
                return settings
            bad.append(("SKERRY_ADDRESSES", "should not overlap with SKERRY_BRIDGES"))
        raise _refusal(bad)

    @property
    def database_url(self) -> str:
        """Where the store is."""
        return self.database or f"sqlite:///{self.state}/skerry.db"

    @property
    def history(self) -> History:
        """How much of the past is kept."""
        return History(
            releases=self.releases_kept,
            operations=self.operations_kept,
            audit_entries=self.audit_kept,
            audit_days=self.audit_days,
        )


def describe() -> tuple[Variable, ...]:
    """Every setting, in the order of the documentation."""
    return tuple(
        Variable(
            name=one.metadata["variable"],
            meaning=one.metadata["meaning"],
            expected=one.metadata["expected"],
            default=one.metadata["shown"] or str(one.default),
            reason=one.metadata["why"],
        )
        for one in _fields()
    )


def _fields() -> "tuple[Field[Any], ...]":
    """All, in the order of the documentation: what every server has first."""
    inherited = {one.name for one in fields(Following)}
    return tuple(sorted(fields(Settings), key=lambda one: one.name in inherited))


def state_folder(environ: Mapping[str, str]) -> Path:
    """Where the server of this environment keeps what it must not forget, whatever else is
    set. Raises SkerryError."""
    (state,) = (one for one in fields(Settings) if one.name == "state")
    written = environ.get(state.metadata["variable"], "").strip()
    try:
        return folder(written) if written else _default_state(environ)
    except ValueError:
        raise _refusal([_complaint(state, written)]) from None


def _default_state(environ: Mapping[str, str]) -> Path:
    base = environ.get("XDG_STATE_HOME", "")
    if base.startswith("/"):  # the specification has relative ones ignored
        return Path(base) / "skerry"
    home = environ.get("HOME", "")
    return (Path(home) if home else Path.home()) / ".local" / "state" / "skerry"


def _complaint(one: "Field[Any]", written: str) -> tuple[str, str]:
    said = f", not {written[:80]!r}" if one.repr else ""
    return one.metadata["variable"], f"should be {one.metadata['expected']}{said}"


def _refusal(bad: list[tuple[str, str]]) -> SkerryError:
    hint = f"set it, or take the default: unset {' '.join(name for name, _ in bad)}"
    if len(bad) == 1:
        name, cause = bad[0]
        return SkerryError(cause, subject=name, hint=hint)
    causes = "\n".join(f"{name}: {cause}" for name, cause in bad)
    return SkerryError(causes, subject="settings", hint=hint)


def open_state(settings: Settings) -> State:
    """Make the state folder and give it its identity, or find both: see `open_folder`."""
    return open_folder(settings.state)
