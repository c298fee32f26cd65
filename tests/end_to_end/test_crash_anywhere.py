"""Rule 6: a crash at any instruction loses nothing and leaves nothing half-done."""

import random
import time
from collections.abc import Callable

import pytest

from tests.end_to_end.load import Load
from tests.end_to_end.platform import Platform, wait_until
from tests.soak import soak_count

pytestmark = [pytest.mark.engine, pytest.mark.gateway, pytest.mark.timeout(3000)]

WEB = """\
service: web
image: {image}
health: {{path: /healthz, interval: 1s}}
scale: {{min: 2}}
drain: 2s
"""


def test_a_server_killed_at_any_point_of_a_deploy_leaves_the_old_or_the_new_release(
    skerry: Platform, test_image: str, image_saying: Callable[[str], str]
) -> None:
    chance = random.Random(7)
    images = [image_saying("one"), image_saying("two")]
    skerry.write(WEB.format(image=images[1]))
    skerry.skerry("up", ".")
    with Load(skerry.http, "web.localhost", connections=4) as load:
        for number in range(soak_count(4, 100)):
            old = skerry.status("web")["image"]
            new = images[number % 2]
            deploy = skerry.start("deploy", "web", "--image", new)
            time.sleep(chance.uniform(0.1, 2.5))
            skerry.kill_server()
            skerry.start_server()
            deploy.communicate(timeout=120)
            wait_until(lambda: settled(skerry), f"web is whole after kill {number}", seconds=60)
            assert skerry.status("web")["image"] in {old, new}
            assert len(skerry.left()) == 2, skerry.left()
    assert not load.result.failures, dict(load.result.failures)
    assert set(load.result.bodies) <= {"one", "two"}


def settled(skerry: Platform) -> bool:
    """Two ready replicas, no operation under way."""
    web = skerry.status("web")
    running = [each for each in skerry.json("operations")["operations"] if not each["ended"]]
    return web["state"] == "running" and web["ready"] == 2 and not running
