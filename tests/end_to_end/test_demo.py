"""`make demo`: a real application runs, a second run is quick, and `skerry down` ends it."""

import contextlib
import hashlib
import http.client
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.platform import KINDS, Platform
from tests.examples.archives import archive, layer, oci

ROOT = Path(__file__).parents[2]
SECOND_RUN_SECONDS = 10.0


def demo(platform: Platform) -> tuple[float, str]:
    """Run it; how long it took, and what it said."""
    started = time.monotonic()
    done = subprocess.run(
        ["make", "--no-print-directory", "demo"],
        cwd=ROOT,
        env=platform.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return time.monotonic() - started, done.stdout


def send(platform: Platform, host: str, image: bytes) -> None:
    """Upload an archive through the gateway."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", platform.http)) as connection:
        connection.request("POST", "/archives?name=test", image, {"Host": host})
        assert connection.getresponse().status == 202


def looked_into(platform: Platform, host: str, id: str) -> dict[str, Any]:
    """What the application says of an archive, once both workers are done."""
    for _ in range(300):
        status, said = platform.get(host, f"/images/{id}")
        image: dict[str, Any] = json.loads(said) if status == 200 else {}
        if image and {image["inspect"]["state"], image["size"]["state"]} <= {"done", "failed"}:
            return image
        time.sleep(0.1)
    raise AssertionError("the workers did not finish")


@pytest.mark.engine
@pytest.mark.gateway
def test_the_demo_runs_a_second_run_is_quick_and_down_leaves_nothing(
    skerry: Platform, base_image: str, redis_image: str, needs: Any
) -> None:
    needs.program("make")
    _, said = demo(skerry)
    url = skerry.status("api")["url"]
    assert url in said
    assert all(one["state"] == "running" for one in skerry.json("status")["services"])

    host = url.removeprefix("https://").partition(":")[0]
    image = archive(oci([layer({"etc/motd": b"hello"})], Labels={"team": "shop"}))
    send(skerry, host, image)
    seen = looked_into(skerry, host, hashlib.sha256(image).hexdigest())
    assert seen["inspect"]["result"]["labels"] == {"team": "shop"}
    assert seen["size"]["result"]["unpacked"] == 5

    again = [demo(skerry) for _ in range(3)]  # the quickest: a busy machine is no fault of ours
    assert all(url in said for _, said in again)
    assert min(seconds for seconds, _ in again) < SECOND_RUN_SECONDS

    skerry.skerry("down", "--volumes")
    assert [name for kind in KINDS for name in skerry.left(kind)] == []
