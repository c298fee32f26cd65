"""Who we are to a cluster. Every way of saying so is one small class with one method."""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from skerry.errors import Unauthenticated
from skerry.ports import Clock

# Kubelet renews a mounted token well before it ends; kubectl and client-go look this often.
TOKEN_FILE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A client certificate and its key, PEM. The repr shows neither."""

    chain: bytes
    key: bytes

    def __repr__(self) -> str:
        return "Certificate(***)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What goes with a request: an Authorization header, a certificate, both or nothing."""

    authorization: str | None = None
    certificate: Certificate | None = None

    def __repr__(self) -> str:
        return "Credentials(***)"


class Identity(Protocol):
    """A source of credentials."""

    @property
    def hint(self) -> str:
        """The command that helps when the cluster does not take them."""

    @property
    def renewable(self) -> bool:
        """Whether asking anew may give others."""

    async def credentials(self, clock: Clock, *, anew: bool = False) -> Credentials:
        """Those to use now; with `anew`, not the ones given before: the cluster refused them.
        Raises Unauthenticated with what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """A token, a password or a certificate written in the kubeconfig."""

    given: Credentials = Credentials()
    hint: str = ""
    renewable: bool = False

    async def credentials(self, clock: Clock, *, anew: bool = False) -> Credentials:
        """Always the same."""
        return self.given


class TokenFile:
    """A token in a file that somebody else renews: a mounted service account's, say."""

    renewable = True

    def __init__(self, path: Path, *, certificate: Certificate | None = None) -> None:
        self.hint = f"ls -l {path}"
        self._path = path
        self._certificate = certificate
        self._read: Credentials | None = None
        self._read_at = 0.0

    async def credentials(self, clock: Clock, *, anew: bool = False) -> Credentials:
        """What the file holds, read again every minute."""
        now = clock.monotonic()
        if anew or self._read is None or now - self._read_at >= TOKEN_FILE_SECONDS:
            self._read, self._read_at = self._load(), now
        return self._read

    def _load(self) -> Credentials:
        try:
            token = self._path.read_text().strip()
        except OSError as error:
            raise Unauthenticated(
                f"its token cannot be read: {error.strerror or error}",
                subject=str(self._path),
                hint=self.hint,
            ) from error
        return Credentials(authorization=bearer(token), certificate=self._certificate)


def bearer(token: str) -> str:
    """The header's value for a token."""
    return f"Bearer {token}"


def basic(user: str, password: str) -> str:
    """The header's value for a name and a password."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
