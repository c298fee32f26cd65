"""The service document: two lines are a whole service, every default is written here, once."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from skerry.model.document import AbsolutePath, Country, Document, EnvName, Host, Name, Port
from skerry.model.keys import DEFAULT_NAMESPACE, ServiceKey
from skerry.model.units import Bytes, Fraction, Millicores, Seconds

SecretReference = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*:[A-Za-z0-9._/-]+(#[A-Za-z0-9._-]+)?$")
]


class Protocol(StrEnum):
    """What is spoken on the port. `grpc` is HTTP/2 without TLS to the container."""

    HTTP = "http"
    GRPC = "grpc"
    TCP = "tcp"


class Health(Document):
    """How a replica says it can take traffic. Without a path or a command: it accepts a
    TCP connection; without a port either: it runs."""

    path: Annotated[str, StringConstraints(pattern=r"^/")] | None = Field(
        None, description="HTTP path answered with 200 to 399"
    )
    command: tuple[str, ...] = Field((), description="run in the container; exit 0 is healthy")
    interval: Seconds = Field(5.0, description="between two checks of a running replica")
    timeout: Seconds = Field(2.0, description="a check that takes longer has failed")
    start: Seconds = Field(30.0, description="time a new replica gets to pass its first check")
    failures: Annotated[int, Field(ge=1, le=100)] = Field(
        3, description="failed checks in a row after which a replica is restarted"
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.path is not None and self.command:
            raise ValueError("has both path and command: keep one")
        return self


class Resources(Document):
    """What one replica may use. Memory is a hard limit; CPU is a guaranteed share and a limit."""

    cpu: Millicores = Field(250, description="cores, as 250m or 0.5")
    memory: Bytes = Field(256 * 2**20, description="memory, as 256Mi; more is killed")


class Scale(Document):
    """How many replicas: `min` always, up to `max` under load."""

    min: Annotated[int, Field(ge=0, le=1000)] = Field(1, description="replicas at rest")
    max: Annotated[int, Field(ge=0, le=1000)] | None = Field(
        None, description="replicas under load; min when not given"
    )
    cpu: Fraction = Field(0.5, description="CPU use, as a share of resources.cpu, to aim for")

    @property
    def most(self) -> int:
        """The upper bound in force."""
        return self.min if self.max is None else self.max

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max is not None and self.max < self.min:
            raise ValueError(f"max is {self.max}, below min {self.min}")
        return self


class Route(Document):
    """Where the service is found from outside."""

    host: Host | None = Field(None, description="SERVICE.DOMAIN of the cell when not given")
    path: Annotated[str, StringConstraints(pattern=r"^/")] = Field(
        "/", description="only requests under this path; the longest wins"
    )


class Access(Document):
    """The cloud role the service may assume."""

    role: Name | None = Field(None, description="the service's own name when not given")


class Latency(Document):
    """Latency objectives, by percentile."""

    p50: Seconds | None = None
    p95: Seconds | None = None
    p99: Seconds | None = None


class Slo(Document):
    """Objectives the service is measured against."""

    availability: Fraction = Field(0.999, description="share of requests answered without 5xx")
    latency: Latency = Latency()


class Service(Document):
    """One long-running workload."""

    service: Name = Field(description="its name: a DNS label")
    image: Annotated[str, StringConstraints(min_length=1, max_length=512)] | None = Field(
        None, description="the container image to run"
    )
    build: str | None = Field(
        None, description="instead of image: a folder with a Containerfile, relative to this file"
    )
    team: Name | None = Field(None, description="who owns it; also its namespace")
    tags: dict[str, str] = Field({}, description="kept as labels; the repository may require keys")
    command: tuple[str, ...] = Field((), description="arguments instead of the image's CMD")
    port: Port | Literal["none"] = Field(8080, description="where it listens; none for a worker")
    protocol: Protocol = Field(Protocol.HTTP, description="http, grpc or tcp; tcp has no URL")
    before: tuple[str, ...] = Field(
        (),
        description="a command run once, in the new image, before each release; if it fails, "
        "the release is not made",
    )
    env: dict[EnvName, str] = Field({}, description="environment variables")
    files: dict[AbsolutePath, str] = Field(
        {}, description="path in the container: file in the repository; a changed file is a release"
    )
    secrets: dict[EnvName, SecretReference] = Field(
        {}, description="environment variable: reference, as store:db-password"
    )
    health: Health = Health()
    resources: Resources = Resources()
    scale: Scale = Scale()
    route: Route | Literal["none"] = Route()
    drain: Seconds = Field(
        30.0, description="time a replica gets to finish its work before it is stopped"
    )
    deadline: Seconds = Field(300.0, description="a release not ready by then is undone, by itself")
    residency: tuple[Country, ...] = Field(
        (), description="countries it may run in; everywhere when empty"
    )
    cells: tuple[Name, ...] = Field(
        (), description="cells it runs in; all that residency allows when empty"
    )
    access: Access = Access()
    slo: Slo = Slo()
    volumes: dict[Name, AbsolutePath] = Field(
        {}, description="name: path; data that survives deploys; one writer, replaced, not rolled"
    )
    depends: tuple[
        Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+(/[a-z0-9-]+)?$")], ...
    ] = Field((), description="services started first, and reachable by plain name")

    @property
    def namespace(self) -> str:
        """Where it lives: its team's namespace."""
        return self.team or DEFAULT_NAMESPACE

    @property
    def key(self) -> ServiceKey:
        """Its identity within a cell."""
        return ServiceKey(self.namespace, self.service)

    @property
    def listens(self) -> int | None:
        """Its port, or None for a worker."""
        return None if self.port == "none" else self.port

    @property
    def routed(self) -> Route | None:
        """Its public route, or None: a worker, a TCP service and `route: none` have no URL."""
        if self.route == "none" or self.listens is None or self.protocol is Protocol.TCP:
            return None
        return self.route

    @model_validator(mode="after")
    def _one_image(self) -> Self:
        if (self.image is None) == (self.build is None):
            raise ValueError("needs exactly one of image and build")
        if self.volumes and self.scale.most > 1:
            raise ValueError("has volumes, which have one writer: scale must stay at 1")
        return self
