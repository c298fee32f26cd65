"""A plan without what only drifted."""

from datetime import UTC, datetime

from skerry.model.change import Action, Change
from skerry.model.keys import ServiceKey
from skerry.model.world import Snapshot
from skerry.planner.drifted import without_drift
from skerry.planner.plan import finish

WEB, API, OLD = (ServiceKey("default", name) for name in ("web", "api", "old"))


def test_only_what_the_documents_changed_stays() -> None:
    plan = finish(
        "eu-1",
        [
            Change(service=WEB, action=Action.CONFIGURE, reason="drifted", inputs="1"),
            Change(service=API, action=Action.UPDATE, reason="changed", inputs="2"),
            Change(service=OLD, action=Action.DELETE, reason="not declared any more"),
        ],
    )
    snapshot = Snapshot(
        cell="eu-1",
        at=datetime(2030, 1, 1, tzinfo=UTC),
        objects={},
        services={},
        inputs={WEB: "1", API: "1", OLD: ""},
    )
    found = without_drift(plan, snapshot)
    assert [each.service for each in found.changes] == [API, OLD]
    assert [each.service for each in found.held] == [WEB]
    assert "not as they were applied" in found.held[0].reason
