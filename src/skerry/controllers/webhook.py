"""Whether a webhook is from whom it says. Pure: time and secret are arguments.

It is a doorbell: a good one wakes the look at the repository, and nothing in it is believed or
even read. So the worst a stolen secret gives is an early look.
"""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from skerry.errors import Unauthenticated

AGE_SECONDS: Final = 300.0
"""Seconds a signed time may be away: clocks differ, and a captured request gets old."""
_KEPT: Final = 10_000
_HINT: Final = "send the secret of SKERRY_WEBHOOK_SECRET: docs/continuous.md"


def proof(headers: Mapping[str, str], body: bytes, *, secret: str, now: datetime) -> str:
    """What shows that the sender knows the secret, to be accepted once. Header names are in
    lower case. Raises Unauthenticated.

    GitHub, Gitea, Forgejo, Bitbucket: `X-Hub-Signature-256` or `X-Hub-Signature`, `sha256=` and
    the HMAC of the body. GitLab: `X-Gitlab-Token`, the secret itself. Anything else:
    `X-Skerry-Signature`, `sha256=` and the HMAC of `X-Skerry-Timestamp`, a dot and the body.
    """
    for name in ("x-hub-signature-256", "x-hub-signature"):
        if name in headers:
            _compare(headers[name], _signature(secret, body))
            return headers[name]
    if "x-gitlab-token" in headers:
        _compare(headers["x-gitlab-token"], secret)
        event = headers.get("x-gitlab-event-uuid", "").encode()
        return hashlib.sha256(event + b"." + body).hexdigest()
    if "x-skerry-signature" in headers:
        stamp = headers.get("x-skerry-timestamp", "")
        _compare(headers["x-skerry-signature"], _signature(secret, stamp.encode() + b"." + body))
        _check_age(stamp, now)
        return headers["x-skerry-signature"]
    raise Unauthenticated("is not signed", subject="webhook", hint=_HINT)


class Seen:
    """The proofs accepted so far, so that a captured request opens nothing a second time."""

    def __init__(self) -> None:
        self._proofs: OrderedDict[str, None] = OrderedDict()

    def accept(self, proof: str) -> None:
        """Once each. Raises Unauthenticated."""
        if proof in self._proofs:
            raise Unauthenticated("was delivered before", subject="webhook", hint=_HINT)
        self._proofs[proof] = None
        if len(self._proofs) > _KEPT:
            self._proofs.popitem(last=False)


def _signature(secret: str, signed: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def _compare(given: str, expected: str) -> None:
    # As bytes: text with other than ASCII cannot be compared in constant time.
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise Unauthenticated("is signed with another secret", subject="webhook", hint=_HINT)


def _check_age(stamp: str, now: datetime) -> None:
    at = float(stamp) if stamp.isascii() and stamp.isdigit() else 0.0
    if abs(now.timestamp() - at) > AGE_SECONDS:
        raise Unauthenticated(
            "was signed at another time than now: X-Skerry-Timestamp is seconds since 1970",
            subject="webhook",
            hint=_HINT,
        )
