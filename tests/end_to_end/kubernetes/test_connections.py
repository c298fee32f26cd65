"""The reader of NetworkPolicies that the walls are proven with, on cases whose outcome
Kubernetes' documentation tells."""

from typing import Any

import pytest

from tests.end_to_end.kubernetes.connections import End, Network

WEB = {"podSelector": {"matchLabels": {"app": "web"}}}
PROD = {"namespaceSelector": {"matchLabels": {"env": "prod"}}}
OWN_NET = {"ipBlock": {"cidr": "172.17.0.0/16", "except": ["172.17.1.0/24"]}}


def pod(namespace: str, app: str, env: str = "prod") -> End:
    labels = {"app": app}
    return End(address="10.1.1.1", namespace=namespace, labels=labels, around={"env": env})


def policy(**spec: Any) -> Network:
    given = {"podSelector": {}, **spec}
    return Network(policies=[{"metadata": {"namespace": "default"}, "spec": given}])


DB, OTHER = pod("default", "db"), pod("elsewhere", "web", env="test")
CASES = {
    "no policy speaks of it": (Network(policies=[]), OTHER, DB, True),
    "nothing may come in": (policy(), OTHER, DB, False),
    "and what is walled may go out": (policy(), DB, OTHER, True),
    "an empty rule lets in all": (policy(ingress=[{}]), OTHER, DB, True),
    "egress shuts when it is named": (policy(policyTypes=["Egress"]), DB, OTHER, False),
    "egress shuts when it has rules": (policy(egress=[{"to": [WEB]}]), DB, OTHER, False),
    "egress alone lets in": (policy(policyTypes=["Egress"]), OTHER, DB, True),
    "pods mean the policy's own namespace": (policy(ingress=[{"from": [WEB]}]), OTHER, DB, False),
    "two peers are either": (policy(ingress=[{"from": [WEB, PROD]}]), pod("x", "y"), DB, True),
    "one peer is both": (policy(ingress=[{"from": [WEB | PROD]}]), pod("x", "y"), DB, False),
    "an empty namespace selector is every namespace": (
        policy(ingress=[{"from": [{"namespaceSelector": {}}]}]),
        OTHER,
        DB,
        True,
    ),
    "a range of ports": (policy(ingress=[{"ports": [{"port": 79, "endPort": 81}]}]), OTHER, DB, 1),
    "another port": (policy(ingress=[{"ports": [{"port": 81}]}]), OTHER, DB, False),
    "another protocol": (
        policy(ingress=[{"ports": [{"port": 80, "protocol": "UDP"}]}]),
        OTHER,
        DB,
        False,
    ),
    "a network": (policy(ingress=[{"from": [OWN_NET]}]), End(address="172.17.2.3"), DB, True),
    "but for a part": (policy(ingress=[{"from": [OWN_NET]}]), End(address="172.17.1.3"), DB, False),
    "a policy of another namespace": (policy(), OTHER, OTHER, True),
    "one that selects others": (policy(podSelector={"matchLabels": {"app": "x"}}), OTHER, DB, True),
}


@pytest.mark.parametrize("name", CASES)
def test_a_policy_means_what_is_documented(name: str) -> None:
    network, source, target, passes = CASES[name]
    assert network.certain(source, target, 80) is bool(passes)
    assert network.possible(source, target, 80) is bool(passes)


def test_whether_a_network_means_pods_too_is_the_plug_ins_choice() -> None:
    network = policy(ingress=[{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}])
    assert network.possible(OTHER, DB, 80)
    assert not network.certain(OTHER, DB, 80)


def test_what_it_does_not_understand_it_does_not_pass_over() -> None:
    with pytest.raises(AssertionError, match="not understood"):
        policy(ingress=[{"fromAll": True}]).certain(OTHER, DB, 80)
