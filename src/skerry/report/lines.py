"""Views -> lines of styled text: plans, progress, errors, results. Pure.

A line is a tuple of pieces; a piece is a text and the name of a style (`good`, `warn`,
`bad`, `dim`, `strong`, `add`, `remove`, or nothing). Front doors decide how a style looks.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:  # the shapes cost 20 ms to import, and only their names are needed
    from skerry.report.shapes import (
        ChangeView,
        ErrorBody,
        PlanView,
        ProgressView,
        ReplicaView,
        ServiceView,
    )


class Piece(NamedTuple):
    """A text and the name of its style."""

    text: str
    style: str = ""


Line = tuple[Piece, ...]

STATES: Final = {
    "running": "good",
    "deploying": "warn",
    "degraded": "warn",
    "cooldown": "bad",
    "down": "bad",
    "stopped": "dim",
}
_SIGNS: Final = {
    "create": ("+", "add"),
    "update": ("~", "warn"),
    "replace": ("!", "warn"),
    "configure": ("~", "dim"),
    "settle": ("…", "dim"),
    "delete": ("-", "remove"),
}
_CONTROL: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b.|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def line(*pieces: str | Piece) -> Line:
    """A line from texts and pieces."""
    return tuple(piece if isinstance(piece, Piece) else Piece(piece) for piece in pieces)


def clean(text: str) -> str:
    """The text without control characters: what a container says must not steer a terminal."""
    return _CONTROL.sub("", text)


def show_age(seconds: float) -> str:
    """8.2 -> `8s`, 200 -> `3m`, 7500 -> `2h5m`, 200000 -> `2d`: two units where it matters."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 600:
        return f"{whole // 60}m{whole % 60}s" if whole % 60 else f"{whole // 60}m"
    if whole < 3600:
        return f"{whole // 60}m"
    if whole < 86400:
        hours, minutes = whole // 3600, whole % 3600 // 60
        return f"{hours}h{minutes}m" if minutes else f"{hours}h"
    return f"{whole // 86400}d"


def since(at: str | None, now: datetime) -> str:
    """The age of an ISO time; nothing when there is none."""
    return show_age((now - datetime.fromisoformat(at)).total_seconds()) if at else ""


def plan_lines(plan: "PlanView", *, diffs: bool = True) -> Iterator[Line]:
    """A plan for people: each change with its reason, what is held, and a count at the end."""
    for change in plan["changes"]:
        yield from _change_lines(change, diffs=diffs)
    for held in plan["held"]:
        yield line(Piece("= ", "dim"), Piece(held["service"], "strong"), f" held: {held['reason']}")
    yield plan_summary(plan)


def plan_summary(plan: "PlanView") -> Line:
    """`2 to create, 1 to update, 3 unchanged, 1 held`, or that nothing is to do."""
    counts: dict[str, int] = {}
    for change in plan["changes"]:
        counts[change["action"]] = counts.get(change["action"], 0) + 1
    parts = [f"{counts[action]} to {action}" for action in _SIGNS if action in counts]
    if not parts:
        parts = ["nothing to change"]
    parts.append(f"{plan['unchanged']} unchanged")
    if plan["held"]:
        parts.append(f"{len(plan['held'])} held")
    return line(Piece(f"{plan['cell']}: ", "dim"), ", ".join(parts))


def progress_line(progress: "ProgressView", *, cell: str = "") -> Line:
    """One thing an operation said, on a line of its own; the cell first, where it matters."""
    style = {"done": "good", "failed": "bad", "restoring": "warn"}.get(progress["stage"], "dim")
    subject = (Piece(clean(progress["service"]) + " ", "strong"),) if progress["service"] else ()
    return (
        *((Piece(f"{cell}  ", "dim"),) if cell else ()),
        *subject,
        Piece(f"{progress['stage']}: ", style),
        Piece(clean(progress["message"]).replace("\n", " ")),
    )


def waiting_lines(progress: "ProgressView", now: datetime, *, cell: str = "") -> Iterator[Line]:
    """A wait, live: what for, for how long, each replica, and what the last said."""
    waited = since(progress["since"], now)
    yield (*progress_line(progress, cell=cell), Piece(f" ({waited})" if waited else "", "dim"))
    for replica in progress["replicas"]:
        yield replica_line(replica, now)
    for said in progress["last_lines"][-3:]:
        yield line(Piece(f"      | {clean(said)}", "dim"))


def replica_line(replica: "ReplicaView", now: datetime) -> Line:
    """One replica: a mark, its name, why it is as it is, for how long."""
    mark, style = ("●", "good") if replica["ready"] else ("○", "warn")
    if replica["failed"]:
        mark, style = "✗", "bad"
    elif replica["draining"]:
        mark, style = "◌", "dim"
    age = since(replica["since"], now)
    return line(
        Piece(f"    {mark} ", style),
        f"{replica['name']}  {clean(replica['reason'])}",
        Piece(f" ({age})" if age else "", "dim"),
    )


def url_lines(services: Sequence["ServiceView"]) -> Iterator[Line]:
    """Where each service is found, its state and the reason when it is not simply running."""
    width = max((len(name_of(service)) for service in services), default=0)
    cells = {service["cell"] for service in services}
    beside = max(map(len, cells)) + 2 if len(cells) > 1 else 0
    for service in in_order(services):
        usual = service["state"] == "running"
        yield line(
            Piece(f"  {service['cell']:<{beside - 2}}" if beside else "", "dim"),
            Piece(f"  {name_of(service):<{width}}  ", "strong"),
            Piece(f"{service['state']:<9}  ", STATES.get(service["state"], "")),
            service["url"] or Piece("no URL", "dim"),
            Piece("" if usual else f"  {clean(service['reason'])}", "dim"),
        )


def in_order(services: Sequence["ServiceView"]) -> list["ServiceView"]:
    """By namespace, name and cell."""
    return sorted(services, key=lambda each: (each["namespace"], each["name"], each["cell"]))


def name_of(service: "ServiceView") -> str:
    """`web`, or `payments/web` outside the default namespace: what every command takes."""
    bare = service["namespace"] == "default"
    return service["name"] if bare else f"{service['namespace']}/{service['name']}"


def error_lines(error: "ErrorBody") -> Iterator[Line]:
    """Subject and cause, every problem, the last the container said, the command that helps."""
    problems = error.get("problems") or []
    if problems:
        count = len(problems)
        yield line(
            Piece("error: ", "bad"),
            f"{count} problem{'s' if count != 1 else ''} in the documents; nothing was changed",
        )
        for each in problems:
            hint = f" ({each['hint']})" if each["hint"] else ""
            where = f"  {each['file']}:{each['line']}: "
            yield line(Piece(where, "strong"), clean(f"{each['path']}: {each['message']}{hint}"))
    else:
        subject = f"{clean(error['subject'])}: " if error["subject"] else ""
        yield line(Piece("error: ", "bad"), Piece(subject, "strong"), clean(error["cause"]))
    for said in error.get("last_lines") or []:
        yield line(Piece(f"  | {clean(said)}", "dim"))
    if error["hint"]:
        yield line(Piece("  try: ", "strong"), clean(error["hint"]))


def _change_lines(change: "ChangeView", *, diffs: bool) -> Iterator[Line]:
    sign, style = _SIGNS.get(change["action"], ("~", ""))
    yield line(
        Piece(f"{sign} ", style),
        Piece(change["service"], "strong"),
        f" {change['action']}: {clean(change['reason'])}",
    )
    for warning in change["warnings"]:
        yield line(Piece("    warning: ", "warn"), clean(warning))
    for text in change["diff"] if diffs else ():
        style = {"+": "add", "-": "remove"}.get(text[:1], "dim")
        first, *more = text.splitlines() or ("",)
        yield line(Piece(f"    {clean(first)}", style))
        for said in more:
            yield line(Piece(f"    {text[:1]}   {clean(said)}", style))
