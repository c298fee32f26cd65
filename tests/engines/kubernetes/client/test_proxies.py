"""HTTPS_PROXY and NO_PROXY."""

import pytest

from skerry.engines.kubernetes.client.proxies import proxy_for

PROXY = "http://proxy.acme.dev:3128"


@pytest.mark.parametrize(
    ("url", "spared", "proxied"),
    [
        ("https://eu-1.acme.dev", "", True),
        ("https://eu-1.acme.dev", "other.dev", True),
        ("https://eu-1.acme.dev", "acme.dev", False),
        ("https://eu-1.acme.dev", ".acme.dev, x", False),
        ("https://eu-1.acme.dev", "*.acme.dev", False),
        ("https://eu-1.notacme.dev", "acme.dev", True),
        ("https://10.1.2.3:6443", "10.0.0.0/8", False),
        ("https://11.1.2.3:6443", "10.0.0.0/8", True),
        ("https://eu-1.acme.dev", "*", False),
        ("https://127.0.0.1:6443", "", False),
        ("https://localhost:6443", "", False),
        ("http://eu-1.acme.dev", "", False),
    ],
)
def test_who_goes_through_the_proxy(url: str, spared: str, proxied: bool) -> None:
    environ = {"HTTPS_PROXY": PROXY, "NO_PROXY": spared}
    assert proxy_for(url, environ) == (PROXY if proxied else None)


def test_without_one_nobody_does() -> None:
    assert proxy_for("https://eu-1.acme.dev", {}) is None
