"""Checks in words: what a replica is asked, and what it answered last."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from shlex import join
from typing import Any, Final

from skerry.model.objects import Manifest
from skerry.observer.events import newest

_FAILED: Final = re.compile(r"^(?P<probe>\w+) probe (?:failed|errored)[^:]*: (?P<said>.*)", re.S)
_CODE: Final = re.compile(r"HTTP probe failed with statuscode: (?P<code>\d+)")
_KILLED: Final = re.compile(r"failed (?:liveness|startup) probe")


def check_of(spec: Mapping[str, Any]) -> str:
    """The readiness check of a pod's first container: `GET /healthz on 8080`. Empty without."""
    containers: Sequence[Mapping[str, Any]] = spec.get("containers") or ({},)
    probe = containers[0].get("readinessProbe") or {}
    if get := probe.get("httpGet"):
        return f"GET {get['path']} on {get['port']}"
    if tcp := probe.get("tcpSocket"):
        return f"a TCP connection on {tcp['port']}"
    if command := probe.get("exec"):
        return f"`{join(command['command'])}`"
    return ""


def last_answer(events: Sequence[Manifest], *, since: datetime | None) -> str:
    """What the newest failed probe got, and which it was: `answers 503 (readiness probe)`.
    Empty when none failed `since`."""
    said = newest(events, {"Unhealthy"})
    if said is None or (since is not None and said.at < since):
        return ""
    match = _FAILED.match(said.message)
    if match is None:
        return said.message
    return f"{_answer(match['said'].strip())} ({match['probe'].lower()} probe)"


def killed_unhealthy(events: Sequence[Manifest], terminated: Mapping[str, Any]) -> bool:
    """Whether that run of the container was ended because a probe failed."""
    said = newest(events, {"Killing"})
    if said is None or not _KILLED.search(said.message):
        return False
    started = terminated.get("startedAt")
    return not started or said.at >= datetime.fromisoformat(str(started))


def _answer(said: str) -> str:
    if match := _CODE.search(said):
        return f"answers {match['code']}"
    if "connection refused" in said:
        return "connection refused"
    if re.search(r"deadline exceeded|Client\.Timeout|i/o timeout|timed out", said):
        return "no answer in time"
    lines = said.splitlines()
    return lines[-1].strip() if lines else "no answer"
