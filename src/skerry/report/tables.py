"""Views -> tables of styled text. Pure; `wide` adds columns, and only adds."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from skerry.report.lines import (
    STATES,
    Line,
    Piece,
    clean,
    in_order,
    line,
    name_of,
    replica_line,
    show_age,
    since,
)

if TYPE_CHECKING:
    from skerry.report.shapes import (
        AuditsView,
        CellsView,
        CellView,
        ChecksView,
        CheckView,
        FindingsView,
        FindingView,
        HistoryView,
        OperationsView,
        ServiceView,
        StatusView,
        TokensView,
    )

Row = Sequence[str | Piece]
_VERDICTS = {"deployed": "good", "deploying": "warn", "failed": "bad"}
_OUTCOMES = {"done": "good", "running": "warn", "failed": "bad"}


def table(heads: Sequence[str], rows: Sequence[Row]) -> Iterator[Line]:
    """Columns as wide as their widest cell, two spaces apart; the last is not padded."""
    cells = [[cell if isinstance(cell, Piece) else Piece(cell) for cell in row] for row in rows]
    widths = [
        max(len(head), *(len(row[at].text) for row in cells)) if cells else len(head)
        for at, head in enumerate(heads)
    ]
    for row in [[Piece(head, "dim") for head in heads], *cells]:
        padded = [
            Piece(cell.text.ljust(width) + "  ", cell.style)
            for cell, width in zip(row[:-1], widths, strict=False)
        ]
        yield (*padded, row[-1])


def status_table(view: "StatusView", *, now: datetime, wide: bool = False) -> Iterator[Line]:
    """Every service on a line; the reason where it is not simply running."""
    services = in_order(view["services"])
    if not services:
        cells = ", ".join(each["cell"] for each in view["cells"] if each["reachable"])
        if not view["cells"]:
            yield line("no cell is known yet: apply documents that declare one (docs/fleet.md)")
        elif cells:
            yield line(f"{cells}: no services; `skerry init` writes one, `skerry up` runs it")
        return
    heads = ["NAME", "STATE", "READY", "RELEASE", "SINCE", "URL"]
    heads = [*heads, "IMAGE", "REASON"] if wide else [*heads, "REASON"]
    rows = [_status_row(service, now=now, wide=wide) for service in services]
    if len(view["cells"]) > 1:
        heads = ["CELL", *heads]
        rows = [[service["cell"], *row] for service, row in zip(services, rows, strict=True)]
    yield from table(heads, rows)


def cells_table(view: "CellsView", *, wide: bool = False) -> Iterator[Line]:
    """Every cell on a line; why, where one does not answer."""
    heads = ["CELL", "ENGINE", "STATE", "REGION", "COUNTRY", "SERVICES", "MACHINES", "CPU"]
    heads = [*heads, "MEMORY", *(("DOMAIN", "PODS") if wide else ()), "REASON"]
    yield from table(heads, [_cell_row(each, wide=wide) for each in view["cells"]])


def findings_table(view: "FindingsView", *, cells: bool) -> Iterator[Line]:
    """What is not as it was applied, a thing on a line; `cells` says whose it is."""
    heads = [*(("CELL",) if cells else ()), "FOUND", "OBJECT", "SERVICE", "WHAT"]
    yield from table(heads, [_finding_row(each, cells=cells) for each in view["findings"]])


def service_lines(service: "ServiceView", *, now: datetime, cell: str = "") -> Iterator[Line]:
    """One service in full: its facts, why it is as it is, and its replicas."""
    yield line(
        Piece(f"{cell}  " if cell else "", "dim"),
        Piece(name_of(service), "strong"),
        " ",
        Piece(service["state"], STATES.get(service["state"], "")),
        f": {clean(service['reason'])}",
    )
    facts = [
        ("url", service["url"]),
        ("image", service["image"]),
        ("release", service["release"]),
        ("ready", f"{service['ready']} of {service['desired']}"),
        ("since", since(service["since"], now)),
        ("held", _held(service)),
        ("by hand", _by_hand(service, now)),
    ]
    for name, fact in facts:
        if fact:
            yield line(Piece(f"  {name:<8}", "dim"), f" {fact}")
    for replica in service.get("replicas", []):
        yield replica_line(replica, now)
        for said in replica["last_lines"][-5:] if not replica["ready"] else ():
            yield line(Piece(f"      | {clean(said)}", "dim"))


def history_table(view: "HistoryView", *, now: datetime, wide: bool = False) -> Iterator[Line]:
    """Releases, newest first; the one that runs is marked."""
    heads = ["", "RELEASE", "VERDICT", "AGE", "BY", "IMAGE", "REASON"]
    several = len({release["cell"] for release in view["releases"]}) > 1
    heads = ["CELL", *heads] if several else heads
    rows: list[Row] = []
    for release in view["releases"]:
        why = release["reason"]
        if release["verdict_reason"] and (wide or release["verdict"] == "failed"):
            why = f"{why}; {release['verdict_reason']}"
        rows.append(
            [
                *((release["cell"],) if several else ()),
                Piece("*" if release["current"] else "", "good"),
                str(release["number"]),
                Piece(release["verdict"], _VERDICTS.get(release["verdict"], "")),
                since(release["at"], now),
                release["by"],
                release["image"],
                clean(why).replace("\n", " "),
            ]
        )
    yield from table(heads, rows)


def operations_table(view: "OperationsView", *, now: datetime) -> Iterator[Line]:
    """Operations, newest first."""
    rows: list[Row] = [
        [
            each["id"],
            each["kind"],
            each["subject"],
            Piece(each["state"], _OUTCOMES.get(each["state"], "")),
            each["by"],
            since(each["at"], now),
            clean(each["error"]).replace("\n", " "),
        ]
        for each in view["operations"]
    ]
    heads = ["ID", "KIND", "SUBJECT", "STATE", "BY", "AGE", "ERROR"]
    if len({each["cell"] for each in view["operations"]} - {""}) > 1:
        heads = ["CELL", *heads]
        rows = [[each["cell"], *row] for each, row in zip(view["operations"], rows, strict=True)]
    yield from table(heads, rows)


def tokens_table(view: "TokensView", *, now: datetime) -> Iterator[Line]:
    """Tokens, without what they are."""
    rows: list[Row] = [
        [
            each["id"],
            each["name"],
            each["role"],
            ", ".join(each["namespaces"]) or "all",
            since(each["created"], now),
            (each["expires"] or "never")[:19],
        ]
        for each in view["tokens"]
    ]
    yield from table(["ID", "NAME", "ROLE", "NAMESPACES", "AGE", "EXPIRES"], rows)


def audit_table(view: "AuditsView") -> Iterator[Line]:
    """Who asked for what, newest first."""
    rows: list[Row] = [
        [
            each["at"][:19],
            each["by"],
            each["action"],
            each["subject"],
            Piece("allowed", "good") if each["allowed"] else Piece("refused", "bad"),
            clean(each["detail"]),
        ]
        for each in view["entries"]
    ]
    yield from table(["AT (UTC)", "BY", "ACTION", "SUBJECT", "ALLOWED", "DETAIL"], rows)


def checks_lines(view: "ChecksView") -> Iterator[Line]:
    """What the doctor looked at, and what to do about what is not well."""
    for check in view["checks"]:
        yield line(_mark(check), Piece(f"{check['name']}: ", "strong"), clean(check["message"]))
        if check["hint"] and not check["ok"]:
            yield line(Piece("      try: ", "strong"), check["hint"])


def _cell_row(cell: "CellView", *, wide: bool) -> Row:
    cpu, memory = cell["cpu_millicores"], cell["memory_bytes"]
    reason = "; ".join([cell["reason"], *cell["problems"]]).strip("; ")
    return [
        Piece(cell["cell"], "strong"),
        cell["version"] or cell["engine"],
        Piece("answers", "good") if cell["reachable"] else Piece("silent", "bad"),
        cell["region"] or "-",
        cell["country"] or "-",
        _count(cell["services"]),
        _count(cell["machines"]),
        "-" if cpu is None else f"{cpu / 1000:g}",
        "-" if memory is None else f"{memory / 2**30:.0f}Gi",
        *((cell["domain"], _count(cell["pods"])) if wide else ()),
        clean(reason).replace("\n", " "),
    ]


def _finding_row(finding: "FindingView", *, cells: bool) -> Row:
    return [
        *((finding["cell"],) if cells else ()),
        Piece(finding["trouble"], "warn"),
        finding["object"],
        finding["service"] or "",
        clean(finding["reason"]),
    ]


def _count(number: int | None) -> str:
    return "-" if number is None else str(number)


def _mark(check: "CheckView") -> Piece:
    if check["ok"]:
        return Piece("ok    ", "good")
    return Piece("lacks ", "bad") if check["stops"] else Piece("warn  ", "warn")


def _status_row(service: "ServiceView", *, now: datetime, wide: bool) -> Row:
    notes = [] if service["state"] == "running" and not wide else [clean(service["reason"])]
    if held := _held(service):
        notes.append(f"held {held}")
    if by_hand := _by_hand(service, now):
        notes.append(by_hand)
    reason = "; ".join(note for note in notes if note).replace("\n", " ")
    row: list[str | Piece] = [
        name_of(service),
        Piece(service["state"], STATES.get(service["state"], "")),
        f"{service['ready']}/{service['desired']}",
        "-" if service["release"] is None else str(service["release"]),
        since(service["since"], now) or "-",
        service["url"] or "-",
    ]
    return [*row, service["image"], reason] if wide else [*row, reason]


def _held(service: "ServiceView") -> str:
    hold = service["hold"]
    return f"by {hold['by']}: {clean(hold['reason'])}" if hold else ""


def _by_hand(service: "ServiceView", now: datetime) -> str:
    override = service["override"]
    if not override:
        return ""
    until = override["until"]
    left = f", {_left(until, now)} left" if until else ", until `skerry scale NAME auto`"
    return f"{override['replicas']} replicas set by {override['by']}{left}"


def _left(until: str, now: datetime) -> str:
    return show_age((datetime.fromisoformat(until) - now).total_seconds())
