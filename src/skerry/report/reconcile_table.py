"""How continuous mode stands, as text. Pure."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from skerry.report.lines import Line, Piece, clean, line, show_age, since
from skerry.report.tables import table

if TYPE_CHECKING:
    from skerry.report.reconciling import CellWatchView, CommitView, ReconcileView, TroubleView


def reconcile_table(view: "ReconcileView", *, now: datetime, wide: bool = False) -> Iterator[Line]:
    """The repository, each cell on a line, and under them what is wrong. `wide` names every
    object that drifted and every service left alone."""
    if view["leader"] is not None and view["leader"]["url"]:
        yield line(f"server {view['leader']['name']} leads, at {view['leader']['url']}")
    repository = view["repository"]
    if repository is None:
        yield line("no repository is followed: set SKERRY_REPOSITORY (docs/continuous.md)")
        return
    yield line(f"{repository['subject']} at {_commit(repository['good'])}")
    if repository["seen"] != repository["good"]:
        yield line(f"the newest commit is not taken: {_commit(repository['seen'])}")
    yield from _troubles(repository["troubles"], now=now)
    if view["cells"]:
        yield line("")
        heads = ["CELL", "COMMIT", "APPLIED", "DRIFT", "LOOKED", "HELD"]
        yield from table(heads, [_row(each, now=now) for each in view["cells"]])
    for cell in view["cells"]:
        yield from _below(cell, now=now, wide=wide)


def _row(cell: "CellWatchView", *, now: datetime) -> list[str | Piece]:
    found = len(cell["findings"])
    said = "none" if cell["verified"] else "-"
    if found:
        said = f"{found}, {cell['repaired']} repaired" if cell["mode"] == "repair" else str(found)
    wrong = bool(cell["troubles"])
    return [
        Piece(cell["cell"], "bad" if wrong else ""),
        cell["commit"]["id"][:10] if cell["commit"] else "-",
        _age(cell["applied"], now),
        Piece("off" if cell["mode"] == "off" else said, "warn" if found else ""),
        _age(cell["verified"], now),
        str(len(cell["held"])) if cell["held"] else "-",
    ]


def _below(cell: "CellWatchView", *, now: datetime, wide: bool) -> Iterator[Line]:
    yield from _troubles(cell["troubles"], now=now, who=f"{cell['cell']}: ")
    if not wide:
        return
    for finding in cell["findings"]:
        said = f"{finding['object']}@{cell['cell']}: {finding['trouble']}: {finding['reason']}"
        yield line(f"  {clean(said)}")
    for held in cell["held"]:
        yield line(f"  {held['service']}@{cell['cell']}: {clean(held['reason'])}")


def _troubles(troubles: "list[TroubleView]", *, now: datetime, who: str = "") -> Iterator[Line]:
    for trouble in troubles:
        for said in trouble["said"].splitlines():
            yield (Piece(f"  {who}{clean(said)}", "bad"),)
        if trouble["since"]:
            again = f", again in {_left(trouble['again'], now)}" if trouble["again"] else ""
            hint = f"  {trouble['hint']}" if trouble["hint"] else ""
            yield (Piece(f"    for {_age(trouble['since'], now)}{again}{hint}", "dim"),)


def _commit(commit: "CommitView | None") -> str:
    return "no commit" if commit is None else clean(f"{commit['id'][:10]} {commit['subject']}")


def _age(at: str | None, now: datetime) -> str:
    return since(at, now) or "-"


def _left(at: str, now: datetime) -> str:
    return show_age((datetime.fromisoformat(at) - now).total_seconds())
