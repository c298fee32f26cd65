"""Making tokens, and telling whose a presented one is."""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from datetime import datetime
from typing import Final

from skerry.errors import Refused, Unauthenticated
from skerry.model.access import Identity, Role, Token
from skerry.ports import Clock, Ledger

PREFIX: Final = "skr_"  # so that scanners for leaked secrets can know one
_RANDOM_BYTES = 32
_SECRET = re.compile(r"skr_[A-Za-z0-9_-]{43}")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._@-]{0,62}[A-Za-z0-9])?")


async def issue(
    ledger: Ledger,
    clock: Clock,
    *,
    name: str,
    role: Role,
    namespaces: frozenset[str] = frozenset(),
    expires: datetime | None = None,
) -> tuple[str, Token]:
    """Make a token: its secret, given this once, and what is kept of it.

    No namespaces: all of them. Raises Refused for a bad name or an expiry that has passed,
    Conflict when the name is taken.
    """
    _check(name, expires, now=clock.now())
    secret = secret_of(secrets.token_bytes(_RANDOM_BYTES))
    token = Token(
        id=secrets.token_hex(4),
        digest=digest_of(secret),
        identity=Identity(name=name, role=role, namespaces=namespaces),
        created=clock.now(),
        expires=expires,
    )
    await ledger.put_token(token)
    return secret, token


async def adopt(ledger: Ledger, clock: Clock, *, secret: str, name: str, role: Role) -> None:
    """Take a token whose secret others know already. Raises Conflict when the name is taken."""
    identity = Identity(name=name, role=role)
    token = Token(
        id=secrets.token_hex(4),
        digest=digest_of(secret),
        identity=identity,
        created=clock.now(),
    )
    await ledger.put_token(token)


def secret_of(seed: bytes) -> str:
    """A token's secret, of 32 bytes."""
    return PREFIX + urlsafe_b64encode(seed).decode().rstrip("=")


async def authenticate(ledger: Ledger, clock: Clock, presented: str) -> Identity:
    """Whose token it is. Raises Unauthenticated for one not known, and for one expired."""
    if not _SECRET.fullmatch(presented):
        raise _unknown()
    # Looked up by digest: what the lookup's duration tells says nothing about a token.
    digest = digest_of(presented)
    token = await ledger.token(digest)
    if token is None or not hmac.compare_digest(token.digest, digest):
        raise _unknown()
    if token.expires is not None and clock.now() >= token.expires:
        raise Unauthenticated(
            f"has expired at {token.expires:%Y-%m-%d %H:%M} UTC",
            subject=f"token/{token.identity.name}",
            hint="skerry token create NAME",
        )
    return token.identity


def digest_of(secret: str) -> str:
    """SHA-256 in hexadecimal. No salt, no stretching: 256 random bits cannot be guessed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _check(name: str, expires: datetime | None, *, now: datetime) -> None:
    if not _NAME.fullmatch(name):
        raise Refused(
            "is no name for a token: use letters, digits and . _ @ - between them, at most 64",
            subject=f"token/{name[:64]}",
            hint="skerry token create ci",
        )
    if expires is not None and expires <= now:
        raise Refused("would have expired already", subject=f"token/{name}")


def _unknown() -> Unauthenticated:
    return Unauthenticated(
        "is not known",
        subject="token",
        hint="set SKERRY_TOKEN, or ask for: skerry token create NAME",
    )
