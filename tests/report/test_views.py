"""Views hold exactly the keys their shapes document."""

from datetime import UTC, datetime
from typing import Any, get_type_hints

import pytest

from skerry.errors import DeployFailed, InvalidDocuments, NotFound, Problem
from skerry.model.access import AuditEntry, Identity, Role, Token
from skerry.model.change import Action, Change, HeldBack, Hold, Plan, Release
from skerry.model.keys import ServiceKey
from skerry.model.process import Check, LogLine, Stream
from skerry.model.progress import Operation, Progress, Stage
from skerry.model.world import Override, ReplicaState, ServiceState, State
from skerry.report import shapes, views

AT = datetime(2030, 6, 1, 12, 0, tzinfo=UTC)
WEB = ServiceKey("default", "web")
REPLICA = ReplicaState(name="web-1", ready=True, reason="ready", since=AT, last_lines=("a",))
STATE = ServiceState(
    name="web",
    namespace="default",
    state=State.RUNNING,
    reason="1 replica ready",
    ready=1,
    desired=1,
    release=3,
    image="web:1",
    url=None,
    hold=Hold(by="ada", at=AT, reason="rolled back", inputs="x"),
    override=Override(replicas=1, by="ada", at=AT),
    replicas=(REPLICA,),
)
PLAN = Plan(
    cell="local",
    changes=(Change(service=WEB, action=Action.CREATE, reason="new"),),
    held=(HeldBack(service=WEB, reason="held"),),
    digest="d",
)
RELEASE = Release(
    service=WEB, number=1, image="web:1", by="ada", at=AT, reason="new", inputs="", objects=()
)
OPERATION = Operation(id="1", kind="apply", by="ada", at=AT, subject="repository/shop")
TOKEN = Token(
    id="1", digest="d", identity=Identity(name="ci", role=Role.VIEWER), created=AT, expires=AT
)
PROGRESS = Progress(at=AT, stage=Stage.WAITING, message="m", replicas=(REPLICA,), number=2)
LINE = LogLine(at=AT, replica="web-1", stream=Stream.STDOUT, text="hi")
AUDIT = AuditEntry(at=AT, by="ada", action="apply", subject="s", allowed=True)

CASES: list[tuple[Any, Any]] = [
    (views.replica_view(REPLICA), shapes.ReplicaView),
    (views.service_view(STATE, cell="local", replicas=True), shapes.ServiceView),
    (views.plan_view(PLAN, objects=[{"kind": "Service"}]), shapes.PlanView),
    (views.plan_view(PLAN)["changes"][0], shapes.ChangeView),
    (views.release_view(RELEASE, cell="local", current=True), shapes.ReleaseView),
    (views.operation_view(OPERATION), shapes.OperationView),
    (views.progress_view(PROGRESS), shapes.ProgressView),
    (views.log_line_view(LINE, cell="local"), shapes.LogLineView),
    (views.token_view(TOKEN, secret="skr_x"), shapes.TokenView),
    (views.audit_view(AUDIT), shapes.AuditView),
    (views.check_view(Check(name="n", ok=True, message="m")), shapes.CheckView),
]


@pytest.mark.parametrize(("view", "shape"), CASES, ids=lambda each: getattr(each, "__name__", ""))
def test_a_view_has_exactly_the_documented_keys(view: Any, shape: Any) -> None:
    assert set(view) == set(get_type_hints(shape))


def test_what_was_not_asked_for_is_left_out() -> None:
    assert "replicas" not in views.service_view(STATE, cell="local")
    assert "objects" not in views.plan_view(PLAN)
    assert "token" not in views.token_view(TOKEN)


def test_an_error_carries_all_it_knows() -> None:
    problem = Problem(file="a.yaml", line=3, path="web/port", message="m")
    assert views.error_body(InvalidDocuments([problem]))["problems"][0]["line"] == 3
    assert views.error_body(DeployFailed("c", last_lines=["x"]))["last_lines"] == ["x"]
    plain = views.error_body(NotFound("is not here", subject="s", hint="h"))
    assert plain == {"code": "not_found", "subject": "s", "cause": "is not here", "hint": "h"}


def test_times_are_iso_8601_in_utc() -> None:
    assert views.operation_view(OPERATION)["at"] == "2030-06-01T12:00:00+00:00"
