"""Roll-outs of stacks: their view, and the lines a person reads."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from skerry.report.lines import Line, Piece, clean, line, since
from skerry.report.tables import table

if TYPE_CHECKING:
    from skerry.model.rollout import Rollout
    from skerry.report.rollout_shapes import RolloutsView, RolloutView

_STATES: Final = {"running": "warn", "done": "good", "halted": "bad", "aborted": "dim"}


def rollout_view(rollout: "Rollout", *, carried: bool) -> "RolloutView":
    """One of a cell."""
    return {
        "id": rollout.id,
        "stack": rollout.stack,
        "cell": rollout.cell,
        "version": rollout.version,
        "back": bool(rollout.undoes),
        "by": rollout.by,
        "at": rollout.at.isoformat(),
        "state": rollout.state.value,
        "reason": rollout.reason,
        "carried": carried,
        "waves": [len(each) for each in rollout.waves],
        "wave": rollout.wave,
        "tenants": rollout.tenants,
        "finished": rollout.finished,
        "since": rollout.since.isoformat(),
        "baking": None if rollout.baking is None else rollout.baking.isoformat(),
        "bake_seconds": rollout.bake_seconds,
        "max_failures": rollout.max_failures,
        "failed": [{"tenant": each, "reason": why} for each, why in sorted(rollout.failed.items())],
        "skipped": [
            {"tenant": each, "reason": why} for each, why in sorted(rollout.skipped.items())
        ],
    }


def rollouts_table(view: "RolloutsView", *, now: datetime, wide: bool = False) -> Iterator[Line]:
    """A stack and cell on a line; then the cells that did not answer."""
    if not view["rollouts"] and not view["unreachable"]:
        yield line("no roll-outs; skerry deploy STACK --version X --waves 1%,10%,100% begins one")
    heads = ["STACK", "CELL", "VERSION", "STATE", "WAVE", "TENANTS", "SINCE", "BY"]
    heads = [*heads, "STARTED", "REASON"] if wide else [*heads, "REASON"]
    if view["rollouts"]:
        yield from table(heads, [_row(each, now=now, wide=wide) for each in view["rollouts"]])
    for failure in view["unreachable"]:
        yield line(Piece(failure["cell"], "bad"), f": {clean(failure['reason'])}")


def rollout_lines(view: "RolloutView", *, now: datetime) -> Iterator[Line]:
    """One in full: where it stands, who failed, who was left alone."""
    state = Piece(view["state"], _STATES.get(view["state"], ""))
    what = f"back from {view['version']}" if view["back"] else f"to version {view['version']}"
    yield line(Piece(f"{view['stack']}@{view['cell']}", "strong"), " ", state, f": {what}")
    if view["reason"]:
        yield line(f"  {clean(view['reason'])}")
    sizes = ", ".join(str(each) for each in view["waves"])
    tenants = f"{view['tenants']} tenant{'s' if view['tenants'] != 1 else ''}"
    how = f"waves of {sizes}" if len(view["waves"]) != 1 else "one wave"
    yield line(f"  {view['finished']} of {tenants} done, in {how}")
    yield line(f"  begun by {view['by']} {since(view['at'], now)} ago")
    if view["state"] == "running" and not view["carried"]:
        yield line(Piece("  nobody is at it", "warn"), f"; skerry resume {view['stack']}")
    for said, style, apart in (
        ("failed", "bad", view["failed"]),
        ("left alone", "dim", view["skipped"]),
    ):
        for each in apart:
            yield line("  ", Piece(said, style), f" {each['tenant']}: {clean(each['reason'])}")


def _row(view: "RolloutView", *, now: datetime, wide: bool) -> Sequence[str | Piece]:
    state = view["state"]
    place = min(view["wave"] + 1, len(view["waves"])) if state != "done" else len(view["waves"])
    baking = " bakes" if view["baking"] and state == "running" else ""
    row: list[str | Piece] = [
        view["stack"],
        view["cell"],
        f"back from {view['version']}" if view["back"] else view["version"],
        Piece(state, _STATES.get(state, "")),
        f"{place}/{len(view['waves'])}{baking}",
        f"{view['finished']}/{view['tenants']}",
        since(view["since"], now),
        view["by"],
    ]
    reason = clean(view["reason"])
    if state == "running" and not view["carried"]:
        reason = f"nobody is at it: skerry resume {view['stack']}"
    return [*row, *([since(view["at"], now)] if wide else []), reason]
