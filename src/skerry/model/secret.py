"""Secrets: references that may be written anywhere, values that may be written nowhere."""

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from skerry.model.keys import DEFAULT_NAMESPACE

REFERENCE: Final = re.compile(r"^(?P<provider>[a-z][a-z0-9-]*):(?P<name>[A-Za-z0-9._/#-]+)$")
STORE: Final = "store:"  # references to Skerry's own secrets


@dataclass(frozen=True, slots=True)
class SecretValue:
    """A secret's value. Its repr, str and format are `***`; only `reveal()` gives it."""

    _value: str

    def reveal(self) -> str:
        """The value itself: for the engine that hands it to a container, and for nobody else."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__


class SecretKey(NamedTuple):
    """A secret of Skerry's own, which belongs to a namespace as services do. Written `name` in
    the default namespace, else `namespace/name`."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return self.name if self.namespace == DEFAULT_NAMESPACE else f"{self.namespace}/{self.name}"


def parse_secret_key(written: str, *, namespace: str = DEFAULT_NAMESPACE) -> SecretKey:
    """`"db"` -> the namespace's own, `"payments/db"` -> payments/db."""
    other, slash, name = written.partition("/")
    return SecretKey(other, name) if slash else SecretKey(namespace, other)


def qualify(reference: str, *, namespace: str) -> str:
    """A document's reference, with its namespace spelt out: `store:db` written in payments is
    `store:payments/db`. Other providers' references stay. Raises ValueError for a secret of
    another namespace: whoever may deploy could print it from a container."""
    if not reference.startswith(STORE):
        return reference
    key = parse_secret_key(reference.removeprefix(STORE), namespace=namespace)
    if key.namespace != namespace:
        raise ValueError(
            f"{reference} belongs to namespace {key.namespace}, and this service is in {namespace}"
        )
    return f"{STORE}{key}"
