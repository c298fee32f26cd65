"""`skerry apply` killed at random points: the next one gets there, and nothing is lost.

Several checkouts are killed side by side, for the lease a dead writer leaves has to run out.
"""

import random
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.cluster import TestCluster
from tests.cluster.proxy import FaultProxy, fault_proxy
from tests.end_to_end.kubernetes.checkout import Checkout, new_checkout
from tests.end_to_end.kubernetes.looks import Look
from tests.soak import soak_count

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(0)]
AT_ONCE = 6
CHANGED = 0.6  # requests of a change, of those it took to make it all
BLOCKED_SECONDS = 25.0  # a lease of fifteen, and a look whether its holder is alive
CLAIMS = "/api/v1/namespaces/{}/persistentvolumeclaims"
DOCUMENTS = """\
service: web
team: {team}
image: web:{form}
depends: [api]
files: {{/etc/web.conf: ./web.conf}}
secrets: {{PASSWORD: env:PASSWORD}}
scale: {{min: 1, max: {most}}}
---
service: api
team: {team}
image: api:{form}
volumes: {{data: /data}}
"""
MORE = """\
---
service: more{form}
team: {team}
image: more:{form}
"""
STACK = """\
stack: stack-{mark}
template: {{image: "app:{{version}}"}}
values: {{version: "{form}"}}
tenants: {{a: {{}}, b: {{}}}}
"""


@dataclass
class Victim:
    """One repository, and what stands beside it in the cluster and is not Skerry's."""

    checkout: Checkout
    proxy: FaultProxy
    look: Look
    chance: random.Random
    form: int = 1
    said: list[str] = field(default_factory=list)

    @property
    def team(self) -> str:
        return self.checkout.team

    def write(self, form: int) -> None:
        """Another form of everything; odd and even ones have other services."""
        self.form = form
        given: dict[str, Any] = {"team": self.team, "mark": self.checkout.mark, "form": form}
        text = DOCUMENTS.format(**given, most=2 + form)
        self.checkout.write("web.conf", f"form {form}")
        self.checkout.write("team.yaml", text + (MORE.format(**given) if form % 2 else ""))
        self.checkout.write("stack.yaml", STACK.format(**given))
        self.checkout.environ["PASSWORD"] = f"pl4nted-{form}"

    def foreign(self) -> dict[str, str]:
        """What is somebody else's, as it is now."""
        metadata = [
            self.look.get(f"/api/v1/namespaces/{self.team}/configmaps/theirs")["metadata"],
            self.look.get(f"/api/v1/namespaces/{self.team}/services/theirs")["metadata"],
            *(each["metadata"] for each in self.look.items(CLAIMS.format(self.team))),
        ]
        return {f"{each['name']} {each['uid']}": each["resourceVersion"] for each in metadata}

    def plant(self) -> None:
        """Somebody else's objects, one with our kind of labels."""
        path = f"/api/v1/namespaces/{self.team}"
        labels = {"app.kubernetes.io/name": "web", "team": self.team}
        self.look.make(f"{path}/configmaps", {"metadata": {"name": "theirs", "labels": labels}})
        spec = {"selector": {"app": "theirs"}, "ports": [{"port": 80}]}
        self.look.make(f"{path}/services", {"metadata": {"name": "theirs"}, "spec": spec})

    def kill_an_apply(self, most: int) -> None:
        """After some request between the first and the last."""
        self.proxy.seen.clear()
        after = self.chance.randrange(1, most)
        command = self.checkout.start("apply", str(self.checkout.folder), "--yes")
        while command.poll() is None and len(self.proxy.seen) < after:
            time.sleep(0.002)
        command.send_signal(signal.SIGKILL)
        _, said = command.communicate(timeout=30)
        self.said += [f"killed after {after} of {most} requests", *said.splitlines()]

    def apply_until_done(self) -> None:
        """The next apply, which is refused for as long as the dead one's lease holds."""
        began = refused = time.monotonic()
        while (
            ended := self.checkout.skerry("apply", str(self.checkout.folder), "--yes")
        ).returncode:
            self.said += ended.stderr.splitlines()
            assert "is being changed" in ended.stderr, "\n".join(self.said)
            assert refused - began < BLOCKED_SECONDS, "\n".join(self.said)
            time.sleep(1.0)
            refused = time.monotonic()
        self.said += ended.stderr.splitlines()

    def check(self, foreign: dict[str, str]) -> None:
        """All is as wanted, and nothing else has changed."""
        told = "\n".join(self.said)
        assert self.checkout.changes() == [], told
        wanted = {"web": f"web:{self.form}", "api": f"api:{self.form}"}
        wanted |= {f"more{self.form}": f"more:{self.form}"} if self.form % 2 else {}
        assert self.look.images(self.team) == wanted, told
        for tenant in "ab":
            images = self.look.images(f"stack-{self.checkout.mark}-{tenant}")
            assert images == {tenant: f"app:{self.form}"}, told
        assert self.foreign() == foreign, told
        self.check_history(told)

    def check_history(self, told: str) -> None:
        """Of each service: numbers without a gap, a verdict on each, the last one up."""
        verdicts: dict[str, dict[int, str]] = {}
        for name in (f"{self.team}/web", f"stack-{self.checkout.mark}-a/a"):
            releases = self.checkout.json("history", name)["releases"]
            verdicts[name] = {each["number"]: each["verdict"] for each in releases}
        for found in verdicts.values():
            assert sorted(found) == list(range(1, len(found) + 1)), (found, told)
            assert set(found.values()) <= {"deployed", "failed"}, (found, told)
            assert found[max(found)] == "deployed", (found, told)

    def findings(self) -> list[Any]:
        """What `verify` has against what is this repository's."""
        found = self.checkout.json("verify")["findings"]
        mine = (each for each in found if self.checkout.mark in each["object"] + each["service"])
        return [each for each in mine if each["trouble"] != "orphan"]


@pytest.fixture
def victims(elsewhere: TestCluster, tmp_path: Path) -> Iterator[list[Victim]]:
    """In a cluster of their own, so that nothing has to be taken down."""
    with ExitStack() as opened:
        yield [
            Victim(
                checkout=new_checkout(tmp_path),
                proxy=opened.enter_context(fault_proxy(elsewhere)),
                look=Look(elsewhere),
                chance=random.Random(number),
            )
            for number in range(AT_ONCE)
        ]


def at_once(act: Callable[[Victim], Any], victims: list[Victim]) -> list[Any]:
    """What it gives for each, all of them side by side."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(act, victims))


def test_killed_anywhere_the_next_apply_gets_there(victims: list[Victim]) -> None:
    def live(victim: Victim) -> None:
        victim.checkout.cell("eu-1", victim.proxy.kubeconfig)
        victim.write(1)
        victim.checkout.apply()
        most = round(len(victim.proxy.seen) * CHANGED)
        victim.plant()
        foreign = victim.foreign()
        for form in range(2, 2 + soak_count(1, 17)):
            victim.said.clear()
            victim.write(form)
            victim.kill_an_apply(most)
            if victim.chance.random() < 0.3:  # the next apply wants something else again
                victim.write(form + 100)
            victim.apply_until_done()
            victim.check(foreign)

    at_once(live, victims[: soak_count(4, AT_ONCE)])
    found = victims[0].findings()
    assert {each["trouble"] for each in found} <= {"index"}  # behind, which costs a look
    assert victims[0].findings() == []  # and is put right by looking
