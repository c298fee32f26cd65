"""The order in which services are changed: what others depend on comes first."""

from collections.abc import Iterable, Mapping

from skerry.model.keys import ServiceKey


def layers(depends: Mapping[ServiceKey, Iterable[ServiceKey]]) -> dict[ServiceKey, int]:
    """How many services deep each one stands on others, 0 for those that stand alone.

    Targets that are not keys do not count: they are not part of what is ordered. Cycles are
    refused when documents are read; here one is cut where it closes.
    """
    depths: dict[ServiceKey, int] = {}
    for start in depends:
        _descend(start, depends, depths)
    return depths


def _descend(
    start: ServiceKey,
    depends: Mapping[ServiceKey, Iterable[ServiceKey]],
    depths: dict[ServiceKey, int],
) -> None:
    """Depth first, without recursion: a chain may be longer than Python's stack."""
    entered: set[ServiceKey] = set()
    stack = [start]
    while stack:
        key = stack[-1]
        if key in depths:
            stack.pop()
            continue
        targets = [target for target in depends[key] if target in depends]
        waiting = [target for target in targets if target not in depths and target not in entered]
        if key not in entered and waiting:
            entered.add(key)
            stack.extend(waiting)
            continue
        depths[key] = max((depths.get(target, -1) + 1 for target in targets), default=0)
        stack.pop()


def dense(numbers: Mapping[ServiceKey, int]) -> dict[ServiceKey, int]:
    """The same order without gaps: layers in which nothing changes are not waited for."""
    places = {number: place for place, number in enumerate(sorted(set(numbers.values())))}
    return {key: places[number] for key, number in numbers.items()}
