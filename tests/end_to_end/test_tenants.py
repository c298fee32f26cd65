"""A stack on this machine: a network per tenant, and one tenant's change is that tenant's."""

from collections.abc import Callable
from urllib.parse import quote

import pytest

from tests.end_to_end.platform import Platform

pytestmark = [pytest.mark.engine, pytest.mark.gateway, pytest.mark.timeout(300)]

STACK = """\
stack: customers
template:
  image: {image}
  env: {{TEXT: "hello {{tenant}}"}}
  drain: 1s
tenants:
  acme: {{}}
  globex: {{}}
  initech: {{env: {{TEXT: "initech's own"}}}}
"""


@pytest.fixture
def stack(skerry: Platform, test_image: str) -> Platform:
    """Three tenants, up."""
    skerry.write(STACK.format(image=test_image))
    skerry.skerry("up", ".")
    return skerry


def containers(skerry: Platform) -> dict[str, set[str]]:
    """Each tenant's replicas."""
    return {
        name: {each["name"] for each in skerry.json("status", key)["replicas"]}
        for name, key in (
            (each["name"], f"{each['namespace']}/{each['name']}")
            for each in skerry.json("status")["services"]
        )
    }


def test_each_tenant_answers_at_its_own_name_behind_walls(stack: Platform) -> None:
    for tenant, said in (("acme", "hello acme"), ("initech", "initech's own")):
        assert stack.get(f"{tenant}.customers.localhost") == (200, said)
    assert len(stack.left("networks")) == 3
    inside = stack.json("status", "customers-globex/globex")["replicas"][0]["address"]
    for url in ("http://globex:8080/", f"http://{inside}/"):
        answer = stack.get("acme.customers.localhost", f"/fetch?url={quote(url)}")
        assert answer[0] == 502, (url, answer)


def test_one_tenants_change_touches_only_it(
    stack: Platform, image_saying: Callable[[str], str]
) -> None:
    before = containers(stack)
    file = stack.repository / "services.yaml"
    file.write_text(file.read_text().replace("globex: {}", "globex: {env: {TEXT: new}}"))

    (plan,) = stack.json("plan")["plans"]
    assert [change["service"] for change in plan["changes"]] == ["customers-globex/globex"]
    assert plan["unchanged"] == 2
    stack.skerry("apply", "--yes")
    after = containers(stack)
    assert stack.get("globex.customers.localhost") == (200, "new")
    assert {name for name in after if after[name] != before[name]} == {"globex"}


def test_a_tenant_that_vanished_goes_on_and_one_removed_is_stopped(stack: Platform) -> None:
    file = stack.repository / "services.yaml"
    file.write_text(file.read_text().replace("  acme: {}\n", ""))

    (plan,) = stack.json("plan")["plans"]
    assert not plan["changes"]
    assert [each["service"] for each in plan["held"]] == ["customers-acme/acme"]
    assert stack.get("acme.customers.localhost")[0] == 200
    stack.skerry("tenants", "remove", "customers", "globex", "--yes")
    stack.skerry("apply", "--yes")
    assert stack.get("globex.customers.localhost")[0] == 404
    assert stack.json("status", "customers-globex/globex")["ready"] == 0
