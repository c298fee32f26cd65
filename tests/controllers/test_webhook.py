"""Webhooks: who rings, and who does not."""

import hashlib
import hmac
from datetime import timedelta

import pytest

from skerry.controllers.webhook import Seen, proof
from skerry.errors import Unauthenticated
from tests.fakes.clock import NOON

SECRET = "correct horse"
BODY = b'{"ref": "refs/heads/main"}'


def signed(signed: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def own(at: int, body: bytes = BODY, secret: str = SECRET) -> dict[str, str]:
    return {
        "x-skerry-timestamp": str(at),
        "x-skerry-signature": signed(f"{at}.".encode() + body, secret),
    }


NOW = int(NOON.timestamp())
GOOD = {
    "github": {"x-hub-signature-256": signed(BODY)},
    "bitbucket": {"x-hub-signature": signed(BODY)},
    "gitlab": {"x-gitlab-token": SECRET, "x-gitlab-event-uuid": "1"},
    "own": own(NOW),
    "own, a slow clock": own(NOW - 299),
}
BAD = {
    "not signed": {},
    "another secret": {"x-hub-signature-256": signed(BODY, "wrong")},
    "another body": {"x-hub-signature-256": signed(b"{}")},
    "sha1": {"x-hub-signature": "sha1=" + hmac.new(b"x", BODY, hashlib.sha1).hexdigest()},
    "empty": {"x-hub-signature-256": ""},
    "not ASCII": {"x-hub-signature-256": "sha256=ä"},
    "gitlab, another token": {"x-gitlab-token": "correct"},
    "gitlab, no token": {"x-gitlab-token": ""},
    "good beside bad": {"x-hub-signature-256": "sha256=00", "x-gitlab-token": SECRET},
    "own, too old": own(NOW - 301),
    "own, from the future": own(NOW + 301),
    "own, no time": {"x-skerry-signature": signed(b"." + BODY)},
    "own, time changed": {**own(NOW), "x-skerry-timestamp": str(NOW + 1)},
    "own, time no number": {
        "x-skerry-signature": signed(b"nan." + BODY),
        "x-skerry-timestamp": "nan",
    },
}


@pytest.mark.parametrize("headers", GOOD.values(), ids=GOOD.keys())
def test_who_knows_the_secret_rings(headers: dict[str, str]) -> None:
    assert proof(headers, BODY, secret=SECRET, now=NOON)


@pytest.mark.parametrize("headers", BAD.values(), ids=BAD.keys())
def test_who_does_not_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated):
        proof(headers, BODY, secret=SECRET, now=NOON)


@pytest.mark.parametrize("headers", GOOD.values(), ids=GOOD.keys())
def test_nobody_rings_twice_with_the_same(headers: dict[str, str]) -> None:
    seen = Seen()
    seen.accept(proof(headers, BODY, secret=SECRET, now=NOON))
    again = proof(headers, BODY, secret=SECRET, now=NOON + timedelta(seconds=1))
    with pytest.raises(Unauthenticated, match="was delivered before"):
        seen.accept(again)


def test_what_was_seen_is_bounded() -> None:
    seen = Seen()
    for number in range(20_000):
        seen.accept(str(number))
    assert len(seen._proofs) == 10_000
