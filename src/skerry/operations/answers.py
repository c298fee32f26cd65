"""Replies of cells -> the views of `report.shapes`: one form for the API and the command line."""

from collections.abc import Iterable

from skerry.errors import SkerryError
from skerry.model.change import Plan
from skerry.model.progress import Operation
from skerry.model.world import CellReport, Finding, Snapshot
from skerry.operations.cells import Replies
from skerry.operations.deploy import Begun, Planned
from skerry.operations.everywhere import digest
from skerry.operations.history import History
from skerry.operations.platform import Platform
from skerry.operations.volumes import Volume
from skerry.report.shapes import (
    AppliedView,
    CellFailureView,
    CellStateView,
    CellsView,
    CellView,
    FindingsView,
    HistoryView,
    PlansView,
    PlanView,
    StartedView,
    StatusView,
    VolumesView,
)
from skerry.report.views import (
    error_body,
    operation_view,
    plan_view,
    releases_view,
    services_view,
)


def plans_view(planned: Replies[Planned], *, objects: bool) -> PlansView:
    """A plan for each cell; with `objects` all compiled ones."""
    return {
        "digest": digest(planned),
        "plans": [_plan_view(each, objects=objects) for _, each in planned.good],
        "unreachable": failures_view(planned.failed),
    }


def applied_view(begun: Replies[Begun]) -> AppliedView:
    """What each cell began."""
    operations = (each.operation for _, each in begun.good)
    return {
        "plans": [_plan_view(each.planned, objects=False) for _, each in begun.good],
        "operations": [operation_view(each) for each in operations if each is not None],
        "unreachable": failures_view(begun.failed),
    }


def started_view(started: Replies[Operation]) -> StartedView:
    """What each cell began."""
    return {
        "operations": [operation_view(each) for _, each in started.good],
        "unreachable": failures_view(started.failed),
    }


def status_view(looks: Replies[Snapshot], *, replicas: bool = False) -> StatusView:
    """Every service of every cell that answered, and each cell."""
    cells = [_state_view(each.platform, each.error) for each in looks.all]
    return {
        "cell": cells[0]["cell"] if len(cells) == 1 else None,
        "services": [
            view for _, each in looks.good for view in services_view(each, replicas=replicas)
        ],
        "cells": cells,
    }


def history_view(service: str, found: Replies[History]) -> HistoryView:
    """Its releases, cell by cell, newest first in each."""
    return {
        "service": service,
        "releases": [
            view
            for platform, each in found.good
            for view in releases_view(each.releases, cell=platform.name, current=each.current)
        ],
        "unreachable": failures_view(found.failed),
    }


def cells_view(reports: Replies[CellReport]) -> CellsView:
    """Every cell, also those that do not answer."""
    return {"cells": [_cell_view(each.platform, each.value, each.error) for each in reports.all]}


def volumes_view(found: Replies[tuple[Volume, ...]]) -> VolumesView:
    """Those of every cell that answered."""
    return {
        "volumes": [
            {
                "cell": platform.name,
                "name": each.name,
                "service": str(each.service),
                "repository": each.repository,
            }
            for platform, volumes in found.good
            for each in volumes
        ],
        "unreachable": failures_view(found.failed),
    }


def findings_view(found: Replies[tuple[Finding, ...]]) -> FindingsView:
    """What every cell that answered found."""
    return {
        "findings": [
            {
                "cell": platform.name,
                "trouble": each.trouble.value,
                "object": str(each.key),
                "service": None if each.service is None else str(each.service),
                "reason": each.reason,
            }
            for platform, findings in found.good
            for each in findings
        ],
        "unreachable": failures_view(found.failed),
    }


def failures_view(failed: Iterable[tuple[Platform, SkerryError]]) -> list[CellFailureView]:
    """Cells that did not, each with why."""
    return [failure_view(platform.name, error) for platform, error in failed]


def failure_view(cell: str, error: SkerryError) -> CellFailureView:
    """A cell that did not, and why."""
    return {"cell": cell, "reason": str(error), "error": error_body(error)}


def _plan_view(planned: Planned, *, objects: bool) -> PlanView:
    plan: Plan = planned.plan
    compiled = (each for bundle in planned.bundles for each in bundle.objects)
    return plan_view(plan, objects=compiled if objects else None)


def _state_view(platform: Platform, error: SkerryError | None) -> CellStateView:
    return {
        "cell": platform.name,
        "engine": platform.cells.cell.engine.value,
        "reachable": error is None,
        "reason": "" if error is None else str(error),
    }


def _cell_view(
    platform: Platform, report: CellReport | None, error: SkerryError | None
) -> CellView:
    cell = platform.cells.cell
    return {
        **_state_view(platform, error),
        "version": report.version if report else None,
        "region": cell.region,
        "country": cell.country,
        "domain": cell.domain,
        "machines": report.machines if report else None,
        "cpu_millicores": report.cpu_millicores if report else None,
        "memory_bytes": report.memory_bytes if report else None,
        "services": report.services if report else None,
        "pods": report.pods if report else None,
        "problems": list(report.problems) if report else [],
    }
