"""The cell document: one place to run."""

from enum import StrEnum
from ipaddress import ip_network
from typing import Annotated, Any, Final, Self

from pydantic import (
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from skerry.model.document import (
    IP_ADDRESS,
    NETWORK,
    Country,
    Document,
    Host,
    Misfit,
    Name,
    Port,
)
from skerry.model.units import TimeLimit

Network = Annotated[str, StringConstraints(pattern=NETWORK.pattern)]
ROLE: Final = "{role}"
_SHARED_FIELDS: Final = frozenset(
    {"cell", "engine", "domain", "region", "country", "zones", "reconcile"}
)
_LOCAL_FIELDS: Final = frozenset({"listen", "http", "https"})


class EngineKind(StrEnum):
    """What runs the objects."""

    LOCAL = "local"
    KUBERNETES = "kubernetes"


class Security(StrEnum):
    """How far containers are shut in; the names are those of Pod Security Standards."""

    RESTRICTED = "restricted"  # never as root, no capability
    BASELINE = "baseline"  # as root if the image wants to, no way to gain privileges


class Routes(StrEnum):
    """What public routes are made of."""

    GATEWAY = "gateway"  # HTTPRoute of the Gateway API
    INGRESS = "ingress"
    NONE = "none"  # no URLs


class CloudIdentity(StrEnum):
    """How replicas get their cloud role."""

    NONE = "none"
    IRSA = "irsa"  # an annotation on the ServiceAccount
    POD_IDENTITY = "pod-identity"  # an association, made by AWS Controllers for Kubernetes


class Reconcile(StrEnum):
    """What a server does about a cell that is not as its documents say."""

    REPAIR = "repair"
    REPORT = "report"
    OFF = "off"


class GatewayRef(Document):
    """The Gateway that public routes hang on."""

    name: Name = Field("skerry", description="its name")
    namespace: Name = Field("skerry", description="the namespace it is in")
    section: Name | None = Field(
        None, description="the listener to hang on, the one with TLS; all without it"
    )
    proxies: Name | None = Field(
        None, description="the namespace its proxies run in, where that is another"
    )


class IngressRef(Document):
    """The controller that serves public routes."""

    model_config = ConfigDict(serialize_by_alias=True)

    class_name: Host | None = Field(
        None, alias="class", description="the IngressClass; the cluster's default without it"
    )
    issuer: Host | None = Field(
        None, description="cert-manager's ClusterIssuer; without it the controller has certificates"
    )
    namespace: Name = Field("ingress-nginx", description="the namespace its proxies run in")


class Cell(Document):
    """A machine, or a Kubernetes cluster. Without any cell document there is one: `local`."""

    cell: Name = Field("local", description="its name")
    engine: EngineKind = Field(EngineKind.LOCAL, description="local (Podman, Docker) or kubernetes")
    domain: Host = Field("localhost", description="services are found at SERVICE.DOMAIN")
    region: str | None = Field(None, description="where it is, in the provider's words")
    country: Country | None = Field(None, description="ISO 3166 code; checked against residency")
    zones: tuple[str, ...] = Field((), description="failure domains replicas spread over")
    reconcile: Reconcile = Field(
        Reconcile.REPAIR, description="what a server does about drift: repair, report or off"
    )
    listen: Annotated[str, StringConstraints(pattern=IP_ADDRESS.pattern)] = Field(
        "127.0.0.1", description="local: address the gateway listens on"
    )
    http: Port = Field(80, description="local: the gateway's port for HTTP")
    https: Port = Field(443, description="local: the gateway's port for HTTPS")
    context: str | None = Field(
        None, description="kubernetes: the kubeconfig's context; the current one without it"
    )
    kubeconfig: str | None = Field(
        None, description="kubernetes: a kubeconfig's path, instead of KUBECONFIG's"
    )
    security: Security | None = Field(
        None, description="kubernetes: restricted (without it) or baseline, which allows root"
    )
    routes: Routes = Field(
        Routes.GATEWAY, description="kubernetes: what URLs are made of: gateway, ingress or none"
    )
    gateway: GatewayRef = Field(
        GatewayRef(), description="kubernetes, routes gateway: the Gateway routes hang on"
    )
    ingress: IngressRef = Field(
        IngressRef(), description="kubernetes, routes ingress: the controller that serves them"
    )
    external_dns: bool = Field(
        False, strict=True, description="kubernetes: external-dns makes the names of routes"
    )
    load_balancers: tuple[Network, ...] = Field(
        (), description="kubernetes: networks that load balancers outside the cluster connect from"
    )
    node_ports: bool = Field(
        False, strict=True, description="kubernetes: routed services get a port on every node"
    )
    leave: TimeLimit = Field(
        10.0, description="kubernetes: time its load balancers take to forget a replica"
    )
    identity: CloudIdentity = Field(
        CloudIdentity.NONE, description="kubernetes: cloud roles by none, irsa or pod-identity"
    )
    role_arn: str | None = Field(
        None, description="kubernetes: a role's ARN, with `{role}` where its name goes"
    )
    cluster: str | None = Field(
        None, description="kubernetes, pod-identity: the cluster's name in the cloud"
    )
    storage_class: Host | None = Field(
        None, description="kubernetes: StorageClass of volumes; the cluster's default without it"
    )
    cluster_domain: Host = Field(
        "cluster.local", description="kubernetes: the end of names inside the cluster"
    )

    @property
    def on_kubernetes(self) -> bool:
        """Whether it is a cluster."""
        return self.engine is EngineKind.KUBERNETES

    @property
    def restricted(self) -> bool:
        """Whether containers may not run as root."""
        return self.on_kubernetes and self.security is not Security.BASELINE

    @property
    def proxy_namespace(self) -> str | None:
        """The namespace that public requests come from, or None without routes."""
        if self.routes is Routes.GATEWAY:
            return self.gateway.proxies or self.gateway.namespace
        return self.ingress.namespace if self.routes is Routes.INGRESS else None

    @field_validator("*")
    @classmethod
    def _of_its_engine(cls, value: Any, info: ValidationInfo) -> Any:
        field, engine = info.field_name or "", info.data.get("engine")
        of = EngineKind.LOCAL if field in _LOCAL_FIELDS else EngineKind.KUBERNETES
        fits = field in _SHARED_FIELDS or engine in (None, of)
        if fits or value == cls.model_fields[field].default:
            return value
        where = "a local cell" if of is EngineKind.LOCAL else "a Kubernetes cell"
        raise Misfit(f"is for {where} only", hint=f"remove it, or write `engine: {of}`")

    @field_validator("gateway", "ingress")
    @classmethod
    def _of_its_routes(cls, value: Document, info: ValidationInfo) -> Document:
        routes = info.data.get("routes")
        if routes not in (None, info.field_name) and value != type(value)():
            raise Misfit(
                f"is not used with routes {routes}",
                hint=f"remove it, or write `routes: {info.field_name}`",
            )
        return value

    @field_validator("external_dns")
    @classmethod
    def _has_names(cls, wanted: bool, info: ValidationInfo) -> bool:
        if wanted and info.data.get("routes") is Routes.NONE:
            raise Misfit("has no names to make with routes none", hint="remove it")
        return wanted

    @field_validator("load_balancers")
    @classmethod
    def _networks(cls, written: tuple[str, ...]) -> tuple[str, ...]:
        for each in written:
            try:
                ip_network(each)
            except ValueError as error:
                raise Misfit(f"should be networks such as 10.0.0.0/16: {error}") from error
        return written

    @field_validator("role_arn")
    @classmethod
    def _has_a_place_for_the_role(cls, written: str | None) -> str | None:
        if written is not None and not (written.startswith("arn:") and ROLE in written):
            raise Misfit(
                f"should be an ARN with {ROLE} in it",
                hint=f"write `role_arn: arn:aws:iam::123456789012:role/{ROLE}`",
            )
        return written

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.node_ports and not self.load_balancers:
            raise Misfit(
                "node_ports needs load_balancers: the walls have to know whom to let in",
                hint="write `load_balancers: [NETWORK]`, the network of the nodes at least",
            )
        if self.identity is not CloudIdentity.NONE and self.role_arn is None:
            raise Misfit(
                f"identity {self.identity} needs role_arn",
                hint=f"write `role_arn: arn:aws:iam::123456789012:role/{ROLE}`",
            )
        if self.identity is CloudIdentity.POD_IDENTITY and self.cluster is None:
            raise Misfit("identity pod-identity needs cluster", hint="write `cluster: NAME`")
        return self


LOCAL = Cell()
