"""OpenID Connect (`auth-provider: oidc`): an id token, renewed with a refresh token."""

import asyncio
import base64
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import orjson

from skerry.engines.kubernetes.client.identity import Credentials, bearer
from skerry.errors import Unauthenticated
from skerry.ports import Clock

EARLY_SECONDS: Final = 30.0
_PATIENCE: Final = aiohttp.ClientTimeout(total=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """The configuration of the provider. The repr shows no token."""

    issuer: str
    client: str
    secret: str
    refresh_token: str
    authority: bytes | None = None  # PEM; None: the machine's own

    def __repr__(self) -> str:
        return f"Provider({self.issuer})"


class OpenId:
    """The id token while it lasts, then another. A provider that gives a new refresh token with
    it ends the old one: the new one is used from then on, and is not written back, for the file
    may be shared; kubectl's is then over."""

    def __init__(self, provider: Provider, *, id_token: str, hint: str) -> None:
        self.hint = hint
        self._provider = provider
        self._token = id_token
        self._refresh_token = provider.refresh_token
        self._renewing = asyncio.Lock()
        self._renewed = 0

    @property
    def renewable(self) -> bool:
        """Whether there is something to renew it with."""
        return bool(self._refresh_token)

    async def credentials(self, clock: Clock, *, anew: bool = False) -> Credentials:
        """The token. Raises Unauthenticated when it is over and the provider gives no other."""
        over = not self._token or _ends(self._token) - EARLY_SECONDS <= clock.now().timestamp()
        if over or anew:
            renewed = self._renewed
            async with self._renewing:
                if renewed == self._renewed:  # nobody renewed it while we waited
                    await self._renew()
                    self._renewed += 1
        return Credentials(authorization=bearer(self._token))

    async def _renew(self) -> None:
        if not self._refresh_token:
            raise self._failure("the id token is over and there is no refresh token")
        authority = self._provider.authority
        trust = ssl.create_default_context(cadata=authority.decode() if authority else None)
        try:
            connector = aiohttp.TCPConnector(ssl=trust)
            async with aiohttp.ClientSession(connector=connector, timeout=_PATIENCE) as session:
                said = await self._ask(session)
        except (aiohttp.ClientError, TimeoutError, orjson.JSONDecodeError, KeyError) as error:
            raise self._failure(f"the provider gives no new token: {error}") from error
        self._token = str(said["id_token"])
        self._refresh_token = str(said.get("refresh_token") or self._refresh_token)

    async def _ask(self, session: aiohttp.ClientSession) -> Mapping[str, Any]:
        issuer = self._provider.issuer.rstrip("/")
        async with session.get(f"{issuer}/.well-known/openid-configuration") as answer:
            answer.raise_for_status()
            endpoint = str(orjson.loads(await answer.read())["token_endpoint"])
        form = {
            "grant_type": "refresh_token",
            "refresh_token": self._refresh_token,
            "client_id": self._provider.client,
            "client_secret": self._provider.secret,
        }
        async with session.post(endpoint, data=form) as answer:
            answer.raise_for_status()
            said: dict[str, Any] = orjson.loads(await answer.read())
        if "id_token" not in said:
            raise self._failure("the provider gives no id token with its answer")
        return said

    def _failure(self, cause: str) -> Unauthenticated:
        return Unauthenticated(cause, subject=self._provider.issuer, hint=self.hint)


def _ends(token: str) -> float:
    """When a token says it ends, in seconds since 1970; never, where it does not say."""
    try:
        body = token.split(".")[1]
        said = orjson.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return float(said["exp"])
    except (IndexError, ValueError, KeyError, TypeError):
        return float("inf")
