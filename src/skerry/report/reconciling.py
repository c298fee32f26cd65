"""How continuous mode stands -> a view."""

from collections.abc import Iterable

from typing_extensions import TypedDict

from skerry.model.commit import Commit
from skerry.model.leader import Leader
from skerry.model.reconcile import CellWatch, RepositoryWatch, Trial
from skerry.model.world import Finding


class WokenView(TypedDict):
    """That it looks now."""

    woken: bool


class CommitView(TypedDict):
    """One commit."""

    id: str
    subject: str
    by: str
    at: str


class TroubleView(TypedDict):
    """What is wrong, since when, and when it is tried again; null when only a change helps."""

    said: str
    hint: str
    since: str | None
    again: str | None


class RepositoryWatchView(TypedDict):
    """The repository followed: `seen` is its newest commit, `good` the newest that is valid."""

    subject: str
    seen: CommitView | None
    good: CommitView | None
    looked: str | None
    troubles: list[TroubleView]


class FindingView(TypedDict):
    """An object that is not as it should be."""

    trouble: str
    object: str
    service: str | None
    reason: str


class HeldBackView(TypedDict):
    """A service left alone, and why."""

    service: str
    reason: str


class CellWatchView(TypedDict):
    """A cell: the commit it is at, what was left alone, what drifted and how much of it was
    repaired."""

    cell: str
    mode: str
    commit: CommitView | None
    applied: str | None
    operation: str
    held: list[HeldBackView]
    verified: str | None
    findings: list[FindingView]
    repaired: int
    troubles: list[TroubleView]


class LeaderView(TypedDict):
    """The server that acts."""

    name: str
    url: str
    term: int
    since: str


class ReconcileView(TypedDict):
    """Continuous mode as a whole; `repository` is null when none is followed."""

    leader: LeaderView | None
    repository: RepositoryWatchView | None
    cells: list[CellWatchView]


def reconcile_view(
    leader: Leader | None, *, repository: RepositoryWatch | None, cells: Iterable[CellWatch]
) -> ReconcileView:
    """All of it."""
    return {
        "leader": _leader(leader),
        "repository": None if repository is None else _repository(repository),
        "cells": [_cell(each) for each in cells],
    }


def _leader(leader: Leader | None) -> LeaderView | None:
    if leader is None:
        return None
    since = leader.since.isoformat()
    return {"name": leader.name, "url": leader.url, "term": leader.term, "since": since}


def _repository(watch: RepositoryWatch) -> RepositoryWatchView:
    return {
        "subject": watch.subject,
        "seen": _commit(watch.seen),
        "good": _commit(watch.good),
        "looked": watch.looked.isoformat() if watch.looked else None,
        "troubles": _troubles(watch.reaching, watch.reading),
    }


def _cell(watch: CellWatch) -> CellWatchView:
    return {
        "cell": watch.cell,
        "mode": watch.mode,
        "commit": _commit(watch.commit),
        "applied": watch.applied.isoformat() if watch.applied else None,
        "operation": watch.operation,
        "held": [{"service": str(each.service), "reason": each.reason} for each in watch.held],
        "verified": watch.verified.isoformat() if watch.verified else None,
        "findings": [_finding(each) for each in watch.findings],
        "repaired": watch.repaired,
        "troubles": _troubles(watch.trial, watch.verifying),
    }


def _finding(finding: Finding) -> FindingView:
    return {
        "trouble": finding.trouble.value,
        "object": str(finding.key),
        "service": None if finding.service is None else str(finding.service),
        "reason": finding.reason,
    }


def _commit(commit: Commit | None) -> CommitView | None:
    if commit is None:
        return None
    at = commit.at.isoformat()
    return {"id": commit.id, "subject": commit.subject, "by": commit.by, "at": at}


def _troubles(*trials: Trial) -> list[TroubleView]:
    return [
        {
            "said": each.said,
            "hint": each.hint,
            "since": each.since.isoformat() if each.since else None,
            "again": each.again.isoformat() if each.again else None,
        }
        for each in trials
        if each.failing
    ]
