"""The stack document: a service stamped out once per customer, each copy in its own namespace."""

from datetime import datetime
from ipaddress import ip_interface, ip_network
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema, field_validator

from skerry.model.document import DESTINATION, VALUE, Country, Document, EnvName, Misfit, Name, Text
from skerry.model.keys import ServiceKey
from skerry.model.service import Service
from skerry.model.units import Seconds

WEEK_SECONDS: Final = 7 * 24 * 3600.0
LONGEST_NAMESPACE: Final = 63
"""What Kubernetes allows a namespace's name."""
ALONGSIDE: Final = frozenset({"stack", "values", "cells", "tenants"})
"""What a document may hold that adds tenants to a stack whose template is elsewhere."""
GIVEN: Final = ("tenant", "stack", "cell")
"""What a template may refer to without any `values`."""
VERSION: Final = "version"


def parse_moment(written: Any) -> datetime:
    """`"2026-11-21T10:00:00Z"` -> that moment. Raises ValueError on anything else than a date,
    a time and their zone."""
    try:
        moment = datetime.fromisoformat(written)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError("should be a time with its zone, such as 2026-11-21T10:00:00Z")
    return moment


Moment = Annotated[
    datetime,
    BeforeValidator(parse_moment),
    WithJsonSchema({"type": "string", "examples": ["2026-11-21T10:00:00Z"]}),
]
Destination = Annotated[str, StringConstraints(pattern=DESTINATION.pattern)]
ValueName = Annotated[str, StringConstraints(pattern=VALUE.pattern, max_length=48)]
Values = dict[ValueName, Text]


class Tenant(Document):
    """What one tenant has otherwise than its stack. Maps are merged over the template's."""

    version: Text | None = Field(None, description="instead of the stack's value `version`")
    values: Values = Field(default_factory=dict, description="over the stack's values")
    scale: dict[str, Any] = Field(default_factory=dict, description="over the template's scale")
    env: dict[EnvName, Text] = Field(default_factory=dict, description="over the template's env")
    resources: dict[str, Any] = Field(
        default_factory=dict, description="over the template's resources"
    )
    cell: Name | None = Field(None, description="the one cell it runs in; the stack's without it")
    residency: tuple[Country, ...] = Field(
        (), description="countries it may run in; narrows the stack's"
    )
    removed: Moment | None = Field(
        None, description="when it was removed: stopped since then, and gone after `grace`"
    )

    @field_validator("values")
    @classmethod
    def _version_stands_alone(cls, values: dict[str, str]) -> dict[str, str]:
        return _refuse_given(values)


class Stack(Document):
    """A service per customer. `{tenant}`, `{stack}`, `{cell}` and each of `values` are replaced
    wherever the template's texts hold them; `{{word}}` stays `{word}`.

    A stack may be split over many documents: exactly one has the template, the others add
    tenants, with `values` and `cells` of their own if they like.
    """

    stack: Name = Field(description="its name")
    cells: tuple[Name, ...] = Field(
        (), description="cells its tenants run in; all that residency allows when empty"
    )
    residency: tuple[Country, ...] = Field((), description="countries its tenants may run in")
    template: dict[str, Any] | None = Field(
        None, description="a service's document without its name, team, cells and residency"
    )
    values: Values = Field(default_factory=dict, description="what the template refers to")
    allow: tuple[Destination, ...] = Field(
        (),
        description="networks tenants may reach, as 10.1.0.0/16:5432; nothing else is open to "
        "them but names, their own pods and what they depend on",
    )
    grace: Seconds = Field(
        WEEK_SECONDS, description="time a removed tenant's data is kept before it is gone"
    )
    tenants: dict[Name, Tenant | None] = Field(
        default_factory=dict, description="the customers, and what each has otherwise"
    )

    @field_validator("values")
    @classmethod
    def _not_given(cls, values: dict[str, str]) -> dict[str, str]:
        return _refuse_given(values)

    @field_validator("allow")
    @classmethod
    def _destinations(cls, written: tuple[str, ...]) -> tuple[str, ...]:
        for each in written:
            network, port = parse_destination(each)
            try:
                ip_network(network)
            except ValueError as error:
                raise Misfit(f"`{each}` is no network", hint=_instead(network)) from error
            if port is not None and not 1 <= port <= 65535:
                raise Misfit(f"`{each}` should have a port from 1 to 65535")
        return written


class TenantService(Service):
    """A tenant's copy of its stack's service: what stands around it, too."""

    stack: Name = Field(description="whose copy it is")
    allow: tuple[Destination, ...] = Field((), description="as the stack has it")

    @property
    def namespace(self) -> str:
        """Its own: nobody else's objects are in it."""
        return tenant_key(self.stack, self.service).namespace


def tenant_key(stack: str, tenant: str) -> ServiceKey:
    """A tenant's service: named after it, in a namespace of its own."""
    return ServiceKey(f"{stack}-{tenant}", tenant)


def parse_destination(written: str) -> tuple[str, int | None]:
    """`"10.1.0.0/16:5432"` -> the network and the port, None for every port."""
    network, slash, rest = written.partition("/")
    length, _, port = rest.partition(":")
    return f"{network}{slash}{length}", int(port) if port else None


def _refuse_given(values: dict[str, str]) -> dict[str, str]:
    for name in GIVEN:
        if name in values:
            raise Misfit(f"should not have `{name}`: it is always there", hint="remove it")
    return values


def _instead(network: str) -> str:
    try:
        return f"write `{ip_interface(network).network}`"
    except ValueError:
        return "write a network such as 10.1.0.0/16:5432"
