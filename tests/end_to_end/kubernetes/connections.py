"""What NetworkPolicies let through, by the rules Kubernetes documents for them.

Strict: a field that is not understood here is an error, not ignored. Whether an `ipBlock` speaks
of pods is the network plug-in's choice, so both are asked: `certain` is what passes whichever it
chose, `possible` what passes with one of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """One end of a connection: a pod, or (without a namespace) an address outside."""

    address: str
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    around: Mapping[str, str] = field(default_factory=dict)  # its namespace's labels
    ports: Mapping[str, int] = field(default_factory=dict)  # those that have names

    @property
    def is_pod(self) -> bool:
        """Whether policies can select it."""
        return bool(self.namespace)


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A cluster's policies. Only pods are walled; what is outside may do as it likes."""

    policies: Sequence[Object]

    def certain(self, source: End, target: End, port: int, protocol: str = "TCP") -> bool:
        """Whether it passes however the plug-in reads `ipBlock`."""
        both = (self._passes(source, target, port, protocol, blocks) for blocks in (True, False))
        return all(both)

    def possible(self, source: End, target: End, port: int, protocol: str = "TCP") -> bool:
        """Whether it passes with a plug-in that reads `ipBlock` one way or the other."""
        both = (self._passes(source, target, port, protocol, blocks) for blocks in (True, False))
        return any(both)

    def _passes(self, source: End, target: End, port: int, protocol: str, blocks: bool) -> bool:
        wanted = Wanted(port=port, protocol=protocol, target=target, blocks=blocks)
        out = self._side(source, target, wanted, kind="Egress", peers="to")
        return out and self._side(target, source, wanted, kind="Ingress", peers="from")

    def _side(self, own: End, other: End, wanted: "Wanted", *, kind: str, peers: str) -> bool:
        """Whether the policies of one end let it: none that speaks of it, or a rule that fits."""
        if not own.is_pod:
            return True
        speaking = [each for each in self.policies if _speaks(each, own, kind)]
        return not speaking or any(
            _rule_fits(rule, policy, other, wanted, peers)
            for policy in speaking
            for rule in policy["spec"].get(kind.lower()) or ()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for: a port of the target; `blocks`: an ipBlock speaks of pods too."""

    port: int
    protocol: str
    target: End
    blocks: bool


def selects(selector: Object, labels: Mapping[str, str]) -> bool:
    """A label selector; an empty one selects all."""
    _only(selector, "matchLabels", "matchExpressions")
    equal = (selector.get("matchLabels") or {}).items()
    return all(labels.get(name) == value for name, value in equal) and all(
        _expression_fits(each, labels) for each in selector.get("matchExpressions") or ()
    )


def _expression_fits(expression: Object, labels: Mapping[str, str]) -> bool:
    _only(expression, "key", "operator", "values")
    value, values = labels.get(expression["key"]), expression.get("values") or ()
    match expression["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    raise AssertionError(expression)


def _speaks(policy: Object, pod: End, kind: str) -> bool:
    spec = policy["spec"]
    _only(spec, "podSelector", "policyTypes", "ingress", "egress")
    kinds = spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]
    return (
        policy["metadata"]["namespace"] == pod.namespace
        and kind in kinds
        and selects(spec.get("podSelector") or {}, pod.labels)
    )


def _rule_fits(rule: Object, policy: Object, other: End, wanted: Wanted, peers: str) -> bool:
    _only(rule, peers, "ports")
    named, ports = rule.get(peers) or (), rule.get("ports") or ()
    here = policy["metadata"]["namespace"]
    return (not named or any(_peer_fits(each, here, other, wanted) for each in named)) and (
        not ports or any(_port_fits(each, wanted) for each in ports)
    )


def _peer_fits(peer: Object, here: str, other: End, wanted: Wanted) -> bool:
    _only(peer, "podSelector", "namespaceSelector", "ipBlock")
    if "ipBlock" in peer:
        assert len(peer) == 1, f"an ipBlock stands alone: {peer}"
        return (wanted.blocks or not other.is_pod) and _within(peer["ipBlock"], other.address)
    assert peer, "an empty peer is refused by Kubernetes"
    if not other.is_pod:
        return False
    spaces = peer.get("namespaceSelector")
    there = other.namespace == here if spaces is None else selects(spaces, other.around)
    return there and selects(peer.get("podSelector") or {}, other.labels)


def _within(block: Object, address: str) -> bool:
    _only(block, "cidr", "except")
    given = ip_address(address)
    return given in ip_network(block["cidr"]) and not any(
        given in ip_network(each) for each in block.get("except") or ()
    )


def _port_fits(port: Object, wanted: Wanted) -> bool:
    _only(port, "protocol", "port", "endPort")
    if port.get("protocol", "TCP") != wanted.protocol:
        return False
    first = port.get("port")
    if first is None:
        return True
    if isinstance(first, str):
        return wanted.target.ports.get(first) == wanted.port
    return bool(first <= wanted.port <= port.get("endPort", first))


def _only(read: Object, *known: str) -> None:
    unknown = set(read) - set(known)
    assert not unknown, f"not understood: {sorted(unknown)} of {read}"
