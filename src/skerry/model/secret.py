"""Secrets: references that may be written anywhere, values that may be written nowhere."""

import re
from dataclasses import dataclass
from typing import Final

REFERENCE: Final = re.compile(r"^(?P<provider>[a-z][a-z0-9-]*):(?P<name>[A-Za-z0-9._/#-]+)$")


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
