"""Statements on releases. Their objects are compressed: fifty are kept of every service."""

import zlib
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, insert, select, update

from skerry.integrations.store.columns import dump, load
from skerry.integrations.store.history import DEPLOYED_FLOOR, History
from skerry.integrations.store.tables import releases
from skerry.model.change import Release, Verdict
from skerry.model.keys import ServiceKey

_FAST = 1  # zlib's level: within 15% of the best one's size, at a fraction of its time
_PLAIN = ("number", "image", "by", "at", "reason", "inputs", "verdict_reason")


def record(connection: Connection, release: Release, *, history: History) -> None:
    """Write a release. Again: only its verdict changes. Old ones go."""
    c = releases.c
    judged = (
        update(releases)
        .where(_of(release.service), c.number == release.number)
        .values(verdict=release.verdict.value, verdict_reason=release.verdict_reason)
    )
    if not connection.execute(judged).rowcount:
        connection.execute(insert(releases).values(_row(release)))
    if release.number > history.releases:
        _prune(connection, release.service, keep=history.releases)


def listed(
    connection: Connection, service: ServiceKey | None, *, newest_only: bool
) -> tuple[Release, ...]:
    """Newest first, by service."""
    c = releases.c
    query = select(releases).order_by(c.namespace, c.name, c.number.desc())
    if service is not None:
        query = query.where(_of(service))
    if newest_only:
        newest = (
            select(c.namespace, c.name, func.max(c.number).label("number"))
            .group_by(c.namespace, c.name)
            .subquery()
        )
        query = query.join(
            newest,
            and_(
                c.namespace == newest.c.namespace,
                c.name == newest.c.name,
                c.number == newest.c.number,
            ),
        )
    return tuple(_release(row) for row in connection.execute(query))


def _of(service: ServiceKey) -> Any:
    return and_(releases.c.namespace == service.namespace, releases.c.name == service.name)


def _prune(connection: Connection, service: ServiceKey, *, keep: int) -> None:
    c = releases.c
    numbers = select(c.number).where(_of(service)).order_by(c.number.desc())
    oldest_kept = connection.execute(numbers.offset(keep - 1).limit(1)).scalar()
    if oldest_kept is None:
        return
    deployed = numbers.where(c.verdict == Verdict.DEPLOYED.value).limit(DEPLOYED_FLOOR)
    kept = connection.execute(deployed).scalars().all()
    connection.execute(
        delete(releases).where(_of(service), c.number < oldest_kept, c.number.not_in(kept))
    )


def _row(release: Release) -> dict[str, Any]:
    body = dump({"objects": release.objects, "before": release.before})
    return {
        **{name: getattr(release, name) for name in _PLAIN},
        **release.service._asdict(),
        "verdict": release.verdict.value,
        "body": zlib.compress(body, _FAST),
    }


def _release(row: Row[Any]) -> Release:
    body = load(zlib.decompress(row.body))
    return Release(
        **{name: getattr(row, name) for name in _PLAIN},
        service=ServiceKey(row.namespace, row.name),
        verdict=Verdict(row.verdict),
        objects=tuple(body["objects"]),
        before=body["before"],
    )
