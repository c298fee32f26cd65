"""The stack document: a service stamped out once per customer, each copy in its own namespace."""

from typing import Annotated, Any

from pydantic import AwareDatetime, Field, StringConstraints

from skerry.model.document import Country, Document, EnvName, Name, Text
from skerry.model.keys import ServiceKey
from skerry.model.units import Seconds

WEEK_SECONDS = 7 * 24 * 3600.0
Destination = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F.:]+/[0-9]{1,3}(:[0-9]{1,5})?$")]


class Tenant(Document):
    """What one tenant has otherwise than its stack. Maps are merged over the template's."""

    version: Text | None = Field(None, description="instead of the stack's value `version`")
    values: dict[str, Text] = Field(default_factory=dict, description="over the stack's values")
    scale: dict[str, Any] = Field(default_factory=dict, description="over the template's scale")
    env: dict[EnvName, Text] = Field(default_factory=dict, description="over the template's env")
    resources: dict[str, Any] = Field(
        default_factory=dict, description="over the template's resources"
    )
    cell: Name | None = Field(None, description="the one cell it runs in; the stack's without it")
    residency: tuple[Country, ...] = Field(
        (), description="countries it may run in; narrows the stack's"
    )
    removed: AwareDatetime | None = Field(
        None, description="when it was removed: stopped since then, and gone after `grace`"
    )


class Stack(Document):
    """A service per customer. `{tenant}`, `{stack}`, `{cell}` and each of `values` are replaced
    wherever the template's texts hold them."""

    stack: Name = Field(description="its name")
    cells: tuple[Name, ...] = Field(
        (), description="cells its tenants run in; all that residency allows when empty"
    )
    residency: tuple[Country, ...] = Field((), description="countries its tenants may run in")
    template: dict[str, Any] = Field(
        description="a service's document without its name, team, cells and residency"
    )
    values: dict[str, Text] = Field(default_factory=dict, description="what the template refers to")
    allow: tuple[Destination, ...] = Field(
        (), description="networks tenants may reach besides the internet: 10.1.0.0/16:5432"
    )
    grace: Seconds = Field(
        WEEK_SECONDS, description="time a removed tenant's data is kept before it is gone"
    )
    tenants: dict[Name, Tenant] = Field(
        default_factory=dict, description="the customers, and what each has otherwise"
    )


def tenant_key(stack: str, tenant: str) -> ServiceKey:
    """A tenant's service: named after it, in a namespace of its own."""
    return ServiceKey(f"{stack}-{tenant}", tenant)
