"""All providers of secrets behind one door."""

from collections.abc import Mapping

from skerry.errors import NotFound
from skerry.model.secret import REFERENCE, SecretValue
from skerry.ports import Secrets


class Providers:
    """Picks the provider by a reference's prefix: `store:db-password` is asked of `store`.
    Each provider gets the whole reference."""

    def __init__(self, providers: Mapping[str, Secrets]) -> None:
        self._providers = dict(providers)

    async def resolve(self, reference: str) -> SecretValue:
        """The value. Raises NotFound, also for a provider that is not known."""
        return await self._provider(reference).resolve(reference)

    async def fingerprint(self, reference: str) -> str:
        """A keyed HMAC of the value. Raises NotFound, as `resolve`."""
        return await self._provider(reference).fingerprint(reference)

    def _provider(self, reference: str) -> Secrets:
        match = REFERENCE.fullmatch(reference)
        known = ", ".join(f"{name}:" for name in sorted(self._providers))
        if match is None:
            raise NotFound(
                "is no reference", subject="secret", hint=f"write PROVIDER:NAME, as {known}NAME"
            )
        provider = self._providers.get(match["provider"])
        if provider is None:
            raise NotFound(
                f"nobody here provides {match['provider']}:",
                subject=f"secret/{reference}",
                hint=f"known are: {known}",
            )
        return provider
