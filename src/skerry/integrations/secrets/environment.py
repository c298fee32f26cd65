"""`env:NAME`: the value from the environment of whoever applies."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from skerry.errors import NotFound
from skerry.model.secret import SecretValue

PREFIX: Final = "env:"
_DIGITS: Final = 16


class EnvironmentSecrets:
    """For commands that apply by themselves, as a CI job does. `key` is the cell's own: the
    same value has the same fingerprint whoever applies it, and nothing to guess from."""

    def __init__(self, environ: Mapping[str, str], key: Callable[[], Awaitable[bytes]]) -> None:
        self._environ = environ
        self._key = key

    async def resolve(self, reference: str) -> SecretValue:
        """The variable's value. Raises NotFound."""
        return SecretValue(self._value(reference))

    async def fingerprint(self, reference: str) -> str:
        """A keyed HMAC of the value. Raises NotFound."""
        value = self._value(reference).encode()
        return hmac.new(await self._key(), value, hashlib.sha256).hexdigest()[:_DIGITS]

    def _value(self, reference: str) -> str:
        name = _name(reference)
        value = self._environ.get(name, "")
        if not value:
            raise NotFound(
                "is not set in this command's environment",
                subject=f"secret/{reference}",
                hint=f"export {name}=...",
            )
        return value


class NoEnvironment:
    """In a server: its environment is not that of whoever applies."""

    async def resolve(self, reference: str) -> SecretValue:
        """Raises NotFound."""
        raise self._refusal(reference)

    async def fingerprint(self, reference: str) -> str:
        """Raises NotFound."""
        raise self._refusal(reference)

    def _refusal(self, reference: str) -> NotFound:
        name = _name(reference)
        return NotFound(
            "is the environment of whoever applies, which a server does not have",
            subject=f"secret/{reference}",
            hint=f"skerry secrets set {name}, then write store:{name}",
        )


def _name(reference: str) -> str:
    return reference.removeprefix(PREFIX)
