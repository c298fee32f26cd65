"""A cell at a glance."""

import asyncio
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from skerry.engines.kubernetes.index import Index
from skerry.engines.kubernetes.parts import Parts
from skerry.errors import Forbidden
from skerry.model.world import CellReport

_QUANTITY: Final = re.compile(r"^([0-9.]+(?:e[0-9]+)?)(m|k|[KMGTPE]i?)?$", re.IGNORECASE)
_FACTORS: Final[Mapping[str, Decimal]] = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    "k": Decimal(1000),
    **{unit: Decimal(1000) ** power for power, unit in enumerate("MGTPE", 2)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", 1)},
}


async def report(parts: Parts, index: Index) -> CellReport:
    """Raises EngineUnavailable. Capacity is None where we may not look at machines."""
    version, entries, nodes = await asyncio.gather(
        parts.client.version(), index.read(), _nodes(parts)
    )
    capacity = [(each.get("status") or {}).get("allocatable") or {} for each in nodes or ()]
    known = nodes is not None
    unwell = (_unwell(each) for each in nodes or ())
    return CellReport(
        cell=parts.name,
        version=f"Kubernetes {version.text}",
        services=len(entries),
        machines=len(capacity) if known else None,
        cpu_millicores=_sum(capacity, "cpu", thousand=True) if known else None,
        memory_bytes=_sum(capacity, "memory") if known else None,
        pods=_sum(capacity, "pods") if known else None,
        problems=tuple(each for each in unwell if each is not None),
    )


def _sum(capacity: list[Mapping[str, Any]], what: str, *, thousand: bool = False) -> int:
    factor = 1000 if thousand else 1
    return int(sum((quantity(each.get(what)) * factor for each in capacity), Decimal(0)))


async def _nodes(parts: Parts) -> list[dict[str, Any]] | None:
    try:
        return [each async for each in parts.client.list("Node")]
    except Forbidden:
        return None


def quantity(written: object) -> Decimal:
    """Kubernetes' way of writing amounts: `3920m`, `4`, `15922980Ki`, `16G`. Zero for none."""
    match = _QUANTITY.match(str(written or 0))
    if match is None:
        return Decimal(0)
    return Decimal(match[1]) * _FACTORS.get(match[2] or "", Decimal(1))


def _unwell(node: Mapping[str, Any]) -> str | None:
    """Why a machine takes no work, in a sentence."""
    name = node["metadata"]["name"]
    for condition in (node.get("status") or {}).get("conditions") or ():
        kind, status = condition.get("type"), condition.get("status")
        if kind == "Ready" and status != "True":
            said = condition.get("message") or condition.get("reason") or "it does not answer"
            return f"machine {name} is not ready: {said}"
        if kind != "Ready" and status == "True":
            return f"machine {name} has {kind}: {condition.get('message', '')}"
    return None
