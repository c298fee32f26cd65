"""Which services a `depends` means, and whether they wait for each other in a circle."""

from collections.abc import Iterable, Iterator, Mapping

from skerry.model.keys import ServiceKey
from skerry.model.service import Service


class Directory:
    """The services of a repository, to be found by what a document calls them."""

    def __init__(self, keys: Iterable[ServiceKey]) -> None:
        self._by_name: dict[str, list[ServiceKey]] = {}
        for key in keys:
            self._by_name.setdefault(key.name, []).append(key)

    def candidates(self, written: str, *, namespace: str) -> tuple[ServiceKey, ...]:
        """`namespace/name` means that one. A plain name means the one in the service's own
        namespace, or else the only one of that name in any: none is unknown, several ambiguous.
        """
        target, slash, name = written.partition("/")
        named = self._by_name.get(name or target, [])
        wanted = ServiceKey(target if slash else namespace, name or target)
        if slash or wanted in named:
            return (wanted,) if wanted in named else ()
        return tuple(named)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name a document could use, for suggestions."""
        return tuple(self._by_name)

    @property
    def full_names(self) -> tuple[str, ...]:
        """The same, as `namespace/name`."""
        keys = (key for named in self._by_name.values() for key in named)
        return tuple(f"{key.namespace}/{key.name}" for key in keys)


def resolve_depends(
    services: Mapping[ServiceKey, Service],
) -> dict[ServiceKey, tuple[ServiceKey, ...]]:
    """What each service depends on, for those that depend on anything; entries that are
    unknown or ambiguous are left out (spec makes problems of them)."""
    directory = Directory(services)
    return {
        key: resolve(service, directory=directory)
        for key, service in services.items()
        if service.depends
    }


def resolve(service: Service, *, directory: Directory) -> tuple[ServiceKey, ...]:
    """What one service depends on, in the order written, each once."""
    found: dict[ServiceKey, None] = {}
    for written in service.depends:
        candidates = directory.candidates(written, namespace=service.namespace)
        if len(candidates) == 1:
            found[candidates[0]] = None
    return tuple(found)


def find_cycles(
    depends: Mapping[ServiceKey, tuple[ServiceKey, ...]],
) -> tuple[tuple[ServiceKey, ...], ...]:
    """Circles of services that wait for each other, each once, as `(a, b, a)`.

    Not every circle there is, but at least one for each knot: without recursion, in time
    proportional to the edges.
    """
    cycles: list[tuple[ServiceKey, ...]] = []
    done: set[ServiceKey] = set()
    for start in depends:
        path: dict[ServiceKey, Iterator[ServiceKey]] = {}
        if start not in done:
            path[start] = iter(depends[start])
        while path:
            here = next(reversed(path))
            following = next(path[here], None)
            if following is None:
                done.add(here)
                del path[here]
            elif following in path:
                trail = list(path)
                cycles.append((*trail[trail.index(following) :], following))
            elif following not in done:
                path[following] = iter(depends.get(following, ()))
    return tuple(cycles)
