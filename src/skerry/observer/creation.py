"""Why a cell refuses to create replicas: quota, limit range, Pod Security, webhook."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from skerry.model.objects import Manifest
from skerry.observer.times import moment

_QUOTA: Final = re.compile(
    r"exceeded quota: (?P<name>[^,]+), requested: (?P<asked>.+?), "
    r"used: (?P<used>.+?), limited: (?P<limited>.+)"
)
_UNSET: Final = re.compile(r"failed quota: (?P<name>[^:]+): must specify (?P<what>[^;]+?)(?:;|$)")
_LIMITS: Final = re.compile(
    r"(?P<said>(?:minimum|maximum) [\w./-]+ usage per \w+|[\w./-]+ max limit to request ratio)"
)
_POD_SECURITY: Final = re.compile(r'violates PodSecurity "(?P<level>[^":]+)[^"]*": (?P<what>.+)')
_WEBHOOK: Final = re.compile(
    r'admission webhook "(?P<name>[^"]+)" denied the request(?:: (?P<said>.*))?', re.DOTALL
)
_WEBHOOK_SILENT: Final = re.compile(r'failed calling webhook "(?P<name>[^"]+)":(?P<said>.*)', re.S)
_POLICY: Final = re.compile(
    r"ValidatingAdmissionPolicy '(?P<name>[^']+)'.* denied request: (?P<said>.*)", re.DOTALL
)
_ENDING: Final = re.compile(r"namespace (?P<name>\S+) because it is being terminated")
_ACCOUNT: Final = re.compile(r'serviceaccount "(?P<name>[^"]+)" not found')
_PREFIX: Final = re.compile(r'^(?:pods "[^"]*" is forbidden|Pod "[^"]*" is invalid): ')
_FINAL: Final = re.compile(r"is forbidden|is invalid|unsupported value", re.IGNORECASE)
_ROOM: Final = timedelta(seconds=10)
"""So long a full quota may be full of replicas that are on their way out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """What keeps replicas from coming. `hopeless`: waiting does not help."""

    reason: str
    hopeless: bool = False


def obstacle(deployment: Manifest, *, leaving: bool, now: datetime) -> Obstacle | None:
    """Why no replica can be created, as the Deployment's condition says; `leaving` says that
    some are about to make room. None when nothing is in the way."""
    for condition in (deployment.get("status") or {}).get("conditions", ()):
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
            return _read(condition, leaving=leaving, now=now)
    return None


def _read(condition: Mapping[str, Any], *, leaving: bool, now: datetime) -> Obstacle:
    message = str(condition.get("message", "")).strip()
    found = _quota(message)
    if found:
        since = moment(condition.get("lastTransitionTime"))
        fresh = since is not None and now - since < _ROOM
        return Obstacle(
            reason=f"no replica can be created: {found}", hopeless=not (leaving or fresh)
        )
    said = explain(message)
    return Obstacle(reason=f"no replica can be created: {said.reason}", hopeless=said.hopeless)


def explain(message: str) -> Obstacle:
    """An API server's refusal of an object, in fewer words."""
    if found := _quota(message):
        return Obstacle(reason=found, hopeless=True)
    if found := _security(message):
        return Obstacle(reason=found, hopeless=True)
    if match := _WEBHOOK.search(message):
        return Obstacle(reason=_denial("admission webhook", match), hopeless=True)
    if match := _POLICY.search(message):
        return Obstacle(reason=_denial("admission policy", match), hopeless=True)
    if match := _WEBHOOK_SILENT.search(message):
        said = match["said"].rpartition(": ")[2].strip()
        return Obstacle(reason=f"admission webhook {match['name']} does not answer: {said}")
    if match := _ENDING.search(message):
        return Obstacle(reason=f"namespace {match['name']} is being deleted", hopeless=True)
    if match := _ACCOUNT.search(message):
        return Obstacle(reason=f"its service account {match['name']} is not there")
    rest = _PREFIX.sub("", message)
    if _LIMITS.search(message):
        said = rest.strip("[]")
        return Obstacle(reason=f"the namespace's limit range forbids it: {said}", hopeless=True)
    return Obstacle(reason=rest, hopeless=_FINAL.search(message) is not None)


def _quota(message: str) -> str:
    if match := _UNSET.search(message):
        return f"quota {match['name']} wants {match['what']} to be set"
    match = _QUOTA.search(message)
    if match is None:
        return ""
    asked, used, limited = (_amounts(match[part]) for part in ("asked", "used", "limited"))
    said = [
        f"{used.get(what, '?')} of {limited.get(what, '?')} {what} used, {more} more asked for"
        for what, more in asked.items()
    ]
    return f"quota {match['name']} is used up: {'; '.join(said)}"


def _amounts(written: str) -> dict[str, str]:
    pairs = (each.partition("=") for each in written.split(","))
    return {name.strip(): amount.strip() for name, _, amount in pairs}


def _security(message: str) -> str:
    match = _POD_SECURITY.search(message)
    if match is None:
        return ""
    what = re.sub(r" \([^()]*(?:\([^()]*\)[^()]*)*\)", "", match["what"])
    return f"Pod Security {match['level']} forbids it: {what}"


def _denial(who: str, match: re.Match[str]) -> str:
    said = (match["said"] or "").strip()
    return f"{who} {match['name']} denies it" + (f": {said}" if said else "")
