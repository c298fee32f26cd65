"""Tenants in a plan: kept when they vanish, gone with their data when their time is over."""

from datetime import UTC, datetime, timedelta
from typing import Any

from skerry.compiler.tenancy_compile import Look, compile_tenants
from skerry.engines.memory.engine import MemoryEngine
from skerry.model.change import Action, Plan
from skerry.model.objects import Manifest
from skerry.model.sources import Sources, SourceText
from skerry.model.stack import tenant_key
from skerry.model.world import Scope
from skerry.observer.understand import understand
from skerry.planner.plan import differing, plan
from skerry.planner.removal import Elsewhere
from skerry.spec.load import load
from tests.fakes.clock import FakeClock
from tests.planner.worlds import run

CELLS = "cell: one\nengine: kubernetes\n---\ncell: two\nengine: kubernetes\n"
STACK_TEXT = """\
stack: eu
template: {image: "app:1", volumes: {data: /data}}
cells: [one]
grace: 7d
tenants:
  acme: {}
  globex: {}
"""
ACME, GLOBEX = tenant_key("eu", "acme"), tenant_key("eu", "globex")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Cluster:
    """A cell with a stack in it."""

    def __init__(self, text: str = STACK_TEXT) -> None:
        repository = self._read(text)
        self.engine = MemoryEngine(repository.cells[0], FakeClock())
        self.apply(self.plan(text))

    def plan(self, text: str, *, now: datetime = NOW) -> Plan:
        """The way a plan takes in operations."""
        repository, index = self._read(text), run(self.engine.index())
        found = compile_tenants(
            repository,
            repository.cells[0],
            contents={},
            fingerprints={},
            look=Look(index=index, now=now),
        )
        opened = differing(found.bundles, index, repository=repository.name, settled=found.settled)
        return plan(
            found.bundles,
            understand(run(self.engine.inventory(Scope(services=opened)))),
            repository=repository.name,
            limits=self.engine.limits,
            elsewhere=Elsewhere(settled=found.settled, moved=found.moved, ended=found.ended),
        )

    def apply(self, made: Plan) -> None:
        """Do it, as operations do."""
        for change in made.changes:
            if change.action is Action.DELETE:
                data = any(key.kind == "PersistentVolumeClaim" for key in change.delete)
                run(self.engine.delete(change.service, volumes=data))
            else:
                run(self.engine.apply(change))

    @property
    def objects(self) -> tuple[Manifest, ...]:
        """All there are."""
        return run(self.engine.inventory()).objects

    def _read(self, text: str) -> Any:
        texts = (SourceText(path="c.yaml", text=CELLS), SourceText(path="s.yaml", text=text))
        return load(Sources(name="shop", texts=texts))


def test_planning_after_applying_is_empty_and_opens_nobody() -> None:
    made = Cluster().plan(STACK_TEXT)
    assert made.empty and made.unchanged == 2


def test_one_tenants_change_is_one_change() -> None:
    made = Cluster().plan(STACK_TEXT.replace("acme: {}", "acme: {env: {A: b}}"))
    assert [each.service for each in made.changes] == [ACME]
    assert made.unchanged == 1


def test_a_tenant_that_vanished_is_kept_with_the_commands_that_remove_it() -> None:
    made = Cluster().plan(STACK_TEXT.replace("  acme: {}\n", ""))
    assert made.empty
    (held,) = made.held
    assert held.service == ACME
    assert "skerry tenants remove eu acme" in held.reason


def test_a_stack_that_vanished_is_kept_as_a_whole() -> None:
    made = Cluster().plan("service: web\nimage: web:1")
    assert made.empty and [each.service for each in made.held] == [ACME, GLOBEX]


def test_a_removed_tenant_is_stopped_then_gone_with_its_namespace_and_data() -> None:
    cluster = Cluster()
    removed = STACK_TEXT.replace("acme: {}", "acme: {removed: 2026-11-21T12:00:00Z}")
    stopped = cluster.plan(removed)
    assert [(each.service, each.action) for each in stopped.changes] == [(ACME, Action.CONFIGURE)]
    assert "its data goes 7d later" in stopped.changes[0].warnings[0]
    cluster.apply(stopped)
    assert cluster.plan(removed, now=NOW + timedelta(days=6)).empty
    (gone,) = cluster.plan(removed, now=NOW + timedelta(days=7)).changes
    assert gone.action is Action.DELETE
    assert {"Namespace", "PersistentVolumeClaim"} <= {key.kind for key in gone.delete}
    cluster.apply(cluster.plan(removed, now=NOW + timedelta(days=7)))
    assert {each["metadata"]["labels"]["skerry.dev/tenant"] for each in cluster.objects} == {
        "globex"
    }
    assert cluster.plan(removed, now=NOW + timedelta(days=8)).empty


def test_a_tenant_that_comes_back_in_time_has_its_data() -> None:
    cluster = Cluster()
    cluster.apply(
        cluster.plan(STACK_TEXT.replace("acme: {}", "acme: {removed: 2026-11-21T12:00:00Z}"))
    )
    (back,) = cluster.plan(STACK_TEXT).changes
    assert back.action is Action.CONFIGURE and not back.delete


def test_a_tenant_that_moved_leaves_its_data_and_the_namespace_it_is_in() -> None:
    cluster = Cluster()
    made = cluster.plan(STACK_TEXT.replace("acme: {}", "acme: {cell: two}"))
    (change,) = made.changes
    assert (change.action, change.reason) == (Action.DELETE, "runs in two, not in one")
    assert not {"Namespace", "PersistentVolumeClaim"} & {key.kind for key in change.delete}
    assert "stay" in change.warnings[0]
    cluster.apply(made)
    left = {each["kind"] for each in cluster.objects if "acme" in str(each["metadata"]["name"])}
    assert left == {"Namespace", "PersistentVolumeClaim"}
