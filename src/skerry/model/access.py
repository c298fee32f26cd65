"""Who may do what: tokens, roles, scopes, and the record of what they did."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What a token may do. Each may also do what those before it may."""

    VIEWER = "viewer"
    DEPLOYER = "deployer"
    ADMIN = "admin"

    def reaches(self, needed: "Role") -> bool:
        """Whether this role includes the needed one."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who is asking. `namespaces` empty: all of them."""

    name: str
    role: Role
    namespaces: frozenset[str] = frozenset()

    def sees(self, namespace: str) -> bool:
        """Whether the namespace is within the token's scope."""
        return not self.namespaces or namespace in self.namespaces


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as kept: never the secret itself, only its SHA-256 in hexadecimal."""

    id: str
    digest: str
    identity: Identity
    created: datetime
    expires: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One mutation somebody asked for: kept whether it was allowed or not."""

    at: datetime
    by: str
    action: str
    subject: str
    allowed: bool
    detail: str = ""
    number: int = 0
