"""Who is meant by `depends`, and who waits for whom in a circle."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from skerry.model.dependencies import Directory, find_cycles, resolve_depends
from skerry.model.keys import ServiceKey
from skerry.model.service import Service

KEYS = [ServiceKey(namespace, name) for namespace in ("default", "t") for name in "abc"]
GRAPHS = st.dictionaries(
    st.sampled_from(KEYS), st.lists(st.sampled_from(KEYS), max_size=3).map(tuple)
)


def test_a_plain_name_means_the_one_at_home() -> None:
    directory = Directory([ServiceKey("t", "db"), ServiceKey("default", "db")])
    assert directory.candidates("db", namespace="t") == (ServiceKey("t", "db"),)


def test_a_plain_name_means_the_only_one_elsewhere() -> None:
    directory = Directory([ServiceKey("t", "db")])
    assert directory.candidates("db", namespace="default") == (ServiceKey("t", "db"),)


def test_two_elsewhere_are_ambiguous_and_none_is_unknown() -> None:
    directory = Directory([ServiceKey("t", "db"), ServiceKey("u", "db")])
    assert len(directory.candidates("db", namespace="default")) == 2
    assert directory.candidates("cache", namespace="default") == ()


def test_a_full_name_means_that_one_only() -> None:
    directory = Directory([ServiceKey("t", "db")])
    assert directory.candidates("t/db", namespace="u") == (ServiceKey("t", "db"),)
    assert directory.candidates("default/db", namespace="t") == ()


def test_only_what_is_known_is_resolved() -> None:
    web = Service(service="web", image="w", depends=("db", "nothing", "default/db"))
    services = {each.key: each for each in (web, Service(service="db", image="d"))}
    assert resolve_depends(services) == {web.key: (ServiceKey("default", "db"),)}


def test_a_very_long_chain_is_no_circle() -> None:
    keys = [ServiceKey("default", f"s{number}") for number in range(20_000)]
    chain = {key: (following,) for key, following in pairwise(keys)}
    assert find_cycles(chain) == ()
    assert len(find_cycles({**chain, keys[-1]: (keys[0],)})) == 1


@given(GRAPHS)
def test_circles_are_found_exactly_where_there_are_some(
    graph: dict[ServiceKey, tuple[ServiceKey, ...]],
) -> None:
    cycles = find_cycles(graph)
    for cycle in cycles:
        assert cycle[0] == cycle[-1]
        assert all(b in graph[a] for a, b in pairwise(cycle))
    assert bool(cycles) == any(_reaches(graph, key, key) for key in graph)


def _reaches(
    graph: dict[ServiceKey, tuple[ServiceKey, ...]], start: ServiceKey, end: ServiceKey
) -> bool:
    seen: set[ServiceKey] = set()
    waiting = list(graph.get(start, ()))
    while waiting:
        key = waiting.pop()
        if key == end:
            return True
        if key not in seen:
            seen.add(key)
            waiting += graph.get(key, ())
    return False
