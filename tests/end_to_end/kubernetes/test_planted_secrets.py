"""A planted value is in the Secret of its service's own namespace, and nowhere else at all."""

import json
from base64 import b64encode
from typing import Final

import pytest

from tests.cluster.cluster import TestCluster
from tests.end_to_end.kubernetes.checkout import Checkout
from tests.end_to_end.kubernetes.looks import Look

pytestmark = pytest.mark.cluster
VALUES: Final = ("pl4nted-once", "pl4nted-twice")


def test_a_planted_value_is_in_its_own_secret_and_nowhere_else(
    checkout: Checkout, ours: TestCluster
) -> None:
    checkout.cell("eu-1", ours.kubeconfig)
    checkout.services(1, more="secrets: {PASSWORD: env:PLANTED}\n")
    said = ""
    for value in VALUES:
        checkout.environ["PLANTED"] = value
        ended = checkout.apply("-o", "json")
        said += ended.stdout + ended.stderr
    for command in (("status",), ("verify",), ("history", f"{checkout.team}/s0")):
        said += json.dumps(checkout.json(*command))
    plan = checkout.skerry("plan", str(checkout.folder), "-o", "yaml")
    said += plan.stdout + plan.stderr
    for value in VALUES:
        assert value not in said
        assert holders(Look(ours), value) == {f"secrets/{checkout.team}"}
        kept = (file for file in checkout.state.rglob("*") if file.is_file())
        assert [file for file in kept if value.encode() in file.read_bytes()] == []


def holders(look: Look, value: str) -> set[str]:
    """Resource and namespace of every object there is that holds it, as text or in base64."""
    encoded = b64encode(value.encode()).decode().rstrip("=")
    found: set[str] = set()
    for folder in folders(look):
        for each in look.items(folder):
            text = json.dumps(each)
            if value in text or encoded[:-1] in text:
                found.add(f"{folder.rsplit('/')[-1]}/{each['metadata'].get('namespace', '')}")
    return found


def folders(look: Look) -> list[str]:
    """Where each kind that can be listed is."""
    groups = look.get("/apis")["groups"]
    versions = [version["groupVersion"] for group in groups for version in group["versions"]]
    places = ["/api/v1", *(f"/apis/{version}" for version in versions)]
    return [
        f"{place}/{each['name']}"
        for place in places
        for each in look.get(place)["resources"]
        if "list" in each["verbs"]
    ]
