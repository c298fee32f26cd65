"""The service document: two lines are a whole service, every default is written here, once."""

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from skerry.model.document import (
    DEPENDENCY,
    IMAGE,
    REFERENCE,
    RELATIVE_PATH,
    ROUTE_PATH,
    URL_PATH,
    AbsolutePath,
    Country,
    Document,
    EnvName,
    Host,
    Name,
    Port,
    Text,
)
from skerry.model.keys import DEFAULT_NAMESPACE, ServiceKey
from skerry.model.manifests import Target, WholeObject
from skerry.model.secret import qualify
from skerry.model.units import Bytes, Fraction, Millicores, Seconds, TimeLimit

SecretReference = Annotated[str, StringConstraints(pattern=REFERENCE.pattern, max_length=512)]
Image = Annotated[str, StringConstraints(pattern=IMAGE.pattern, max_length=512)]
RelativePath = Annotated[str, StringConstraints(pattern=RELATIVE_PATH.pattern, max_length=4096)]
Replicas = Annotated[int, Field(strict=True, ge=0, le=1000)]

# The least memory container engines accept.
LEAST_BYTES = 6 * 2**20


class Protocol(StrEnum):
    """What is spoken on the port. `grpc` is HTTP/2 without TLS to the container."""

    HTTP = "http"
    GRPC = "grpc"
    TCP = "tcp"


class Health(Document):
    """How a replica says it can take traffic. Without a path or a command: it accepts a
    TCP connection; without a port either: it runs."""

    path: Annotated[str, StringConstraints(pattern=URL_PATH.pattern)] | None = Field(
        None, description="HTTP path that answers 200 to 399 when the replica can take traffic"
    )
    command: tuple[Text, ...] = Field(
        (), description="instead of path: run in the container; exit 0 is healthy"
    )
    interval: TimeLimit = Field(5.0, description="between two checks of a running replica")
    timeout: TimeLimit = Field(2.0, description="a check that takes longer has failed")
    start: TimeLimit = Field(30.0, description="time a new replica gets to pass its first check")
    failures: Annotated[int, Field(strict=True, ge=1, le=100)] = Field(
        3, description="failed checks in a row after which a replica is restarted"
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.path is not None and self.command:
            raise ValueError("should have path or command, not both")
        return self


class Resources(Document):
    """What one replica may use. Memory is a hard limit; CPU is a guaranteed share and a limit."""

    cpu: Millicores = Field(250, description="cores, as 250m (a quarter of one) or 0.5")
    memory: Bytes = Field(
        256 * 2**20, description="memory, as 256Mi; a replica that takes more is killed"
    )

    @field_validator("memory")
    @classmethod
    def _enough(cls, count: int) -> int:
        if count < LEAST_BYTES:
            raise ValueError("should be at least 6Mi: no container starts with less")
        return count


class Scale(Document):
    """How many replicas: `min` always, up to `max` under load."""

    min: Replicas = Field(1, description="replicas at rest; 0 keeps the service stopped")
    max: Replicas | None = Field(None, description="replicas under load; min when not given")
    cpu: Fraction = Field(
        0.5, description="average CPU use to aim for between min and max, of resources.cpu"
    )

    @property
    def most(self) -> int:
        """The upper bound in force."""
        return self.min if self.max is None else self.max

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max is not None and self.max < self.min:
            raise ValueError(f"max should be at least min, which is {self.min}")
        return self

    @field_validator("cpu")
    @classmethod
    def _something(cls, share: float) -> float:
        if share == 0:
            raise ValueError("should be more than 0%")
        return share


class Route(Document):
    """Where the service is found from outside."""

    host: Host | None = Field(None, description="SERVICE.DOMAIN of the cell when not given")
    path: Annotated[str, StringConstraints(pattern=ROUTE_PATH.pattern)] = Field(
        "/", description="only requests under this path; the longest wins"
    )


class Access(Document):
    """The cloud role the service may assume."""

    role: Name | None = Field(
        None, description="the service's own name when not given; none for no role"
    )

    def role_of(self, service: str) -> str | None:
        """The role's name, or None for none."""
        return None if self.role == "none" else self.role or service


class Latency(Document):
    """Latency objectives, by percentile."""

    p50: TimeLimit | None = Field(None, description="half of the requests are faster")
    p95: TimeLimit | None = Field(None, description="95 of 100 requests are faster")
    p99: TimeLimit | None = Field(None, description="99 of 100 requests are faster")


class Slo(Document):
    """Objectives the service is measured against."""

    availability: Fraction = Field(0.999, description="share of requests answered without 5xx")
    latency: Latency = Field(Latency(), description="how fast requests are answered")


class CellOverride(Document):
    """What one cell has otherwise. Maps are merged over the service's, the rest replaces it.
    Who it is, where it may run, its port, files and volumes are the same everywhere."""

    image: Image | None = Field(None, description="instead of the service's image")
    command: tuple[Text, ...] = Field((), description="instead of the service's command")
    env: dict[EnvName, Text] = Field(default_factory=dict, description="over the service's env")
    secrets: dict[EnvName, SecretReference] = Field(
        default_factory=dict, description="over the service's secrets"
    )
    health: dict[str, Any] = Field(default_factory=dict, description="over the service's health")
    resources: dict[str, Any] = Field(
        default_factory=dict, description="over the service's resources"
    )
    scale: dict[str, Any] = Field(default_factory=dict, description="over the service's scale")
    route: dict[str, Any] | Literal["none"] = Field(
        default_factory=dict, description="over the service's route; none gives no URL there"
    )
    drain: Seconds | None = Field(None, description="instead of the service's drain")
    deadline: TimeLimit | None = Field(None, description="instead of the service's deadline")
    access: dict[str, Any] = Field(default_factory=dict, description="over the service's access")
    slo: dict[str, Any] = Field(default_factory=dict, description="over the service's slo")


class Service(Document):
    """One long-running workload."""

    service: Name = Field(description="its name: a DNS label")
    image: Image | None = Field(None, description="the container image to run")
    build: RelativePath | None = Field(
        None, description="instead of image: a folder with a Containerfile, relative to this file"
    )
    team: Name | None = Field(None, description="who owns it; also its namespace")
    tags: dict[str, Text] = Field(
        default_factory=dict, description="kept as labels; the repository may require keys"
    )
    command: tuple[Text, ...] = Field((), description="arguments instead of the image's CMD")
    port: Port | Literal["none"] = Field(
        8080, description="where the container listens; none for a worker that does not"
    )
    protocol: Protocol = Field(Protocol.HTTP, description="http, grpc or tcp; tcp has no URL")
    before: tuple[Text, ...] = Field(
        (),
        description="a command run once, in the new image, before each release; if it fails, "
        "the release is not made",
    )
    env: dict[EnvName, Text] = Field(
        default_factory=dict,
        description="environment variables; quote anything but text and whole numbers",
    )
    files: dict[AbsolutePath, RelativePath] = Field(
        default_factory=dict,
        description="path in the container: file relative to this document; a changed file is "
        "a new release",
    )
    secrets: dict[EnvName, SecretReference] = Field(
        default_factory=dict,
        description="environment variable: reference to its value, as store:db-password; "
        "a secret of the service's own namespace",
    )
    health: Health = Field(Health(), description="how a replica says it can take traffic")
    resources: Resources = Field(Resources(), description="what one replica may use")
    scale: Scale = Field(Scale(), description="how many replicas")
    route: Route | Literal["none"] = Field(
        Route(), description="where it is found from outside; none gives no URL"
    )
    drain: Seconds = Field(
        30.0, description="time a replica gets to finish its work before it is stopped"
    )
    deadline: TimeLimit = Field(
        300.0, description="a release not ready by then is undone, by itself"
    )
    residency: tuple[Country, ...] = Field(
        (), description="countries it may run in; everywhere when empty"
    )
    cells: tuple[Name, ...] | dict[Name, CellOverride | None] = Field(
        (),
        description="cells it runs in; all that residency allows when empty; as a map, with what "
        "each has otherwise",
    )
    access: Access = Field(Access(), description="the cloud role it may assume")
    slo: Slo = Field(Slo(), description="objectives it is measured against")
    volumes: dict[Name, AbsolutePath] = Field(
        default_factory=dict,
        description="name: path in the container; data that survives deploys; it has one "
        "writer, so the service is replaced (away for a moment), not rolled",
    )
    depends: tuple[Annotated[str, StringConstraints(pattern=DEPENDENCY.pattern)], ...] = Field(
        (),
        description="services started first, found by plain name, and reachable; "
        "namespace/name for one of another team",
    )
    patch: dict[Target, dict[str, Any]] = Field(
        default_factory=dict,
        description="what Skerry does not model: kind of object: fields merged into it, last",
    )
    extra: tuple[WholeObject, ...] = Field(
        (), description="whole Kubernetes objects beside the service's, in its namespace"
    )

    @property
    def namespace(self) -> str:
        """Where it lives: its team's namespace."""
        return self.team or DEFAULT_NAMESPACE

    @property
    def key(self) -> ServiceKey:
        """Its identity within a cell."""
        return ServiceKey(self.namespace, self.service)

    @property
    def references(self) -> dict[str, str]:
        """Each secret's variable, and its reference with the namespace spelt out. Raises
        ValueError for a secret of another namespace (spec makes a problem of it)."""
        return {
            variable: qualify(reference, namespace=self.namespace)
            for variable, reference in self.secrets.items()
        }

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
            raise ValueError("should have exactly one of image and build")
        if self.volumes and self.scale.most > 1:
            raise ValueError("has volumes, which have one writer: scale should stay at 1")
        if len(set(self.volumes.values()) | set(self.files)) < len(self.volumes) + len(self.files):
            raise ValueError("should not put two volumes or files at the same path")
        if twice := sorted(self.env.keys() & self.secrets.keys()):
            raise ValueError(f"should have {twice[0]} in env or in secrets, not in both")
        return self
