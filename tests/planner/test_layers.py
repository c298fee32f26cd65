"""The order of services by what they stand on."""

from skerry.model.keys import ServiceKey
from skerry.planner.layers import dense, layers


def key(name: str) -> ServiceKey:
    return ServiceKey("default", name)


def ordered(**depends: str) -> dict[str, int]:
    """Layers by name; targets are written as one string, a letter each."""
    wanted = {key(name): [key(each) for each in targets] for name, targets in depends.items()}
    return {service.name: layer for service, layer in layers(wanted).items()}


def test_a_service_comes_after_the_last_of_its_targets() -> None:
    assert ordered(a="bc", b="c", c="") == {"c": 0, "b": 1, "a": 2}
    assert ordered(a="cb", b="c", c="") == {"c": 0, "b": 1, "a": 2}


def test_targets_that_are_not_there_do_not_count() -> None:
    assert ordered(a="z") == {"a": 0}


def test_a_cycle_is_cut_instead_of_followed_for_ever() -> None:
    assert set(ordered(a="b", b="a", c="a")) == {"a", "b", "c"}


def test_a_chain_longer_than_the_stack_is_ordered() -> None:
    chain = {key(f"s{n}"): [key(f"s{n - 1}")] for n in range(5000, 0, -1)} | {key("s0"): []}
    assert layers(chain)[key("s5000")] == 5000


def test_empty_layers_are_closed_up() -> None:
    assert dense({key("a"): 3, key("b"): 7, key("c"): 3}) == {key("a"): 0, key("b"): 1, key("c"): 0}
