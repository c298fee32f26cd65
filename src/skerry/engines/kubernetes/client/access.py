"""How to reach one cluster: its address, whom to trust, who we are."""

import os
import ssl
import tempfile
from dataclasses import dataclass, field

from skerry.engines.kubernetes.client.identity import Certificate, Fixed, Identity
from skerry.errors import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterAccess:
    """Everything a client needs. `name` is what messages call the cluster: the context."""

    url: str
    name: str = ""
    namespace: str = "default"
    authority: bytes | None = None  # PEM; None: the machine's own
    verify: bool = True
    server_name: str | None = None  # the name its certificate is for, where not the URL's
    proxy: str | None = None
    headers: tuple[tuple[str, str], ...] = ()  # whom we act as, where not as ourselves
    identity: Identity = field(default_factory=Fixed)


def tls_of(access: ClusterAccess, certificate: Certificate | None) -> ssl.SSLContext | None:
    """The TLS context for a connection, or None without TLS. Raises Refused for a certificate
    that is none."""
    if not access.url.startswith("https:"):
        return None
    try:
        context = ssl.create_default_context(cadata=_text(access.authority))
        # Python 3.13 asks more of authorities than many clusters' own ones were made with.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if not access.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if certificate:
            _present(context, certificate)
    except (ssl.SSLError, ValueError) as error:
        raise Refused(
            f"its certificates cannot be read: {error}",
            subject=access.name or access.url,
            hint="kubectl config view --raw",
        ) from error
    return context


def _text(pem: bytes | None) -> str | None:
    return pem.decode() if pem else None


def _present(context: ssl.SSLContext, certificate: Certificate) -> None:
    """ssl reads certificates from files only; this one is nobody else's and gone at once."""
    with tempfile.NamedTemporaryFile() as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(certificate.chain + b"\n" + certificate.key)
        file.flush()
        context.load_cert_chain(file.name)
