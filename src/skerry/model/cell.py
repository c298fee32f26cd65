"""The cell document: one place to run."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from skerry.model.document import IP_ADDRESS, Country, Document, Host, Name, Port


class EngineKind(StrEnum):
    """What runs the objects."""

    LOCAL = "local"
    KUBERNETES = "kubernetes"


class Cell(Document):
    """A machine, or a Kubernetes cluster. Without any cell document there is one: `local`."""

    cell: Name = Field("local", description="its name")
    engine: EngineKind = Field(EngineKind.LOCAL, description="local (Podman, Docker) or kubernetes")
    domain: Host = Field("localhost", description="services are found at SERVICE.DOMAIN")
    region: str | None = Field(None, description="where it is, in the provider's words")
    country: Country | None = Field(None, description="ISO 3166 code; checked against residency")
    zones: tuple[str, ...] = Field((), description="failure domains replicas spread over")
    context: str | None = Field(None, description="kubernetes: the kubeconfig's context")
    listen: Annotated[str, StringConstraints(pattern=IP_ADDRESS.pattern)] = Field(
        "127.0.0.1", description="local: address the gateway listens on"
    )
    http: Port = Field(80, description="local: the gateway's port for HTTP")
    https: Port = Field(443, description="local: the gateway's port for HTTPS")


LOCAL = Cell()
