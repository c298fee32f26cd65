"""HTTPS_PROXY and NO_PROXY, as kubectl reads them."""

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit


def proxy_for(url: str, environ: Mapping[str, str]) -> str | None:
    """The proxy for a URL, or None: nobody goes through one to this machine itself."""
    parts = urlsplit(url)
    name = f"{parts.scheme}_proxy"
    proxy = environ.get(name) or environ.get(name.upper())
    if not proxy or urlsplit(proxy).scheme not in ("http", "https"):
        return None
    host = parts.hostname or ""
    spared = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    return None if _here(host) or any(_matches(host, one) for one in spared.split(",")) else proxy


def _here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _matches(host: str, written: str) -> bool:
    rule = written.strip().lower()
    if not rule:
        return False
    if rule == "*":
        return True
    try:
        return ip_address(host) in ip_network(rule, strict=False)
    except ValueError:
        domain = rule.lstrip("*").lstrip(".")
        return host == domain or host.endswith(f".{domain}")
