"""What goes wrong on real machines, and the message each gets."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.load import Load
from tests.end_to_end.platform import KINDS, Platform, wait_until

pytestmark = [pytest.mark.engine, pytest.mark.gateway, pytest.mark.timeout(600)]

WEB = """\
service: web
image: {image}
env: {{{env}}}
health: {{path: /healthz, interval: 1s, start: {start}}}
resources: {{memory: 64Mi}}
drain: 2s
deadline: {deadline}
"""


def document(image: str, env: str = "", *, start: str = "10s", deadline: str = "30s") -> str:
    """The service, with an environment that makes it misbehave."""
    return WEB.format(image=image, env=env, start=start, deadline=deadline)


@pytest.fixture
def web(skerry: Platform, test_image: str) -> Platform:
    """A Skerry with one healthy service."""
    skerry.write(document(test_image))
    skerry.skerry("up", ".")
    return skerry


@pytest.mark.parametrize(
    ("env", "deadline", "said"),
    [
        ("EXIT: '3', SAY: 'no database url'", "30s", ["exit", "3", "no database url"]),
        ("EXIT: '0', SAY: 'nothing to do'", "30s", ["exit", "0", "nothing to do"]),
        ("LISTEN_AFTER: never", "5s", ["/healthz", "8080"]),
        ("READY_AFTER: never", "5s", ["/healthz", "503"]),
        ("EAT_MIB: '500'", "30s", ["memory"]),
    ],
    ids=["exits", "exits with 0", "hangs", "never ready", "eats memory"],
)
def test_a_bad_release_is_undone_by_itself_and_says_why(
    web: Platform, test_image: str, env: str, deadline: str, said: list[str]
) -> None:
    start = "4s" if deadline == "5s" else "10s"
    web.write(document(test_image, env, start=start, deadline=deadline))
    with Load(web.http, "web.localhost", connections=2) as load:
        ended = web.run("apply", ".", "--yes")
    assert ended.returncode == 1, ended.stdout + ended.stderr
    for word in said:
        assert word in ended.stderr, ended.stderr
    assert not load.result.failures, dict(load.result.failures)
    status = web.status("web")
    assert (status["state"], status["ready"]) == ("running", 1), status
    assert len(web.left()) == 1


def test_a_missing_image_is_named_and_changes_nothing(web: Platform) -> None:
    ended = web.run("deploy", "web", "--image", "localhost/nobody/made-this:1")
    assert ended.returncode == 1
    assert "localhost/nobody/made-this:1" in ended.stderr, ended.stderr
    assert web.status("web")["state"] == "running"
    assert web.get("web.localhost") == (200, "hello")


def test_a_first_deploy_that_fails_leaves_nothing_running(
    skerry: Platform, test_image: str
) -> None:
    skerry.write(document(test_image, "EXIT: '4'"))
    assert skerry.run("up", ".").returncode == 1
    assert skerry.left() == []


def test_a_replica_that_ignores_term_is_killed_after_its_grace(
    web: Platform, test_image: str, image_saying: Callable[[str], str]
) -> None:
    web.write(document(test_image, "IGNORE_TERM: '1'"))
    web.skerry("apply", ".", "--yes")
    began = time.monotonic()
    web.skerry("deploy", "web", "--image", image_saying("two"))
    assert time.monotonic() - began < 40
    assert len(web.left()) == 1
    assert web.get("web.localhost") == (200, "two")


def test_a_crashing_replica_is_restarted_and_a_crash_loop_is_called_one(web: Platform) -> None:
    web.get("web.localhost", "/crash?code=7")
    wait_until(lambda: web.get("web.localhost") == (200, "hello"), "it is back", seconds=20)

    def crashed_again() -> bool:
        web.get("web.localhost", "/crash?code=7")
        return web.status("web")["state"] == "cooldown"

    wait_until(crashed_again, "the crash loop is called a cooldown", seconds=60)
    assert "7" in web.status("web")["reason"]


def test_a_killed_gateway_is_back_within_a_second_or_so_and_containers_stay(web: Platform) -> None:
    before = web.left()
    pid = gateway_pid(web)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: web.get("web.localhost") == (200, "hello"), "it answers", seconds=3)
    assert web.left() == before
    assert gateway_pid(web) != pid


def test_a_killed_server_changes_no_traffic_and_the_next_one_adopts_what_runs(
    web: Platform,
) -> None:
    before = web.left()
    with Load(web.http, "web.localhost", connections=2) as load:
        web.kill_server()
        time.sleep(1)
        web.start_server()
        wait_until(lambda: web.status("web")["state"] == "running", "it is adopted")
    assert not load.result.failures, dict(load.result.failures)
    assert web.left() == before


def test_a_taken_port_is_named_with_the_setting_that_helps(
    skerry: Platform, test_image: str
) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", skerry.http))
        taken.listen()
        skerry.write(document(test_image))
        ended = skerry.run("up", ".")
    assert ended.returncode == 1
    assert str(skerry.http) in ended.stderr
    assert "SKERRY_HTTP_PORT" in ended.stderr or "http:" in ended.stderr


def test_down_removes_all_of_it_and_nothing_else(web: Platform) -> None:
    gateway, server = gateway_pid(web), web.server_pid()
    web.skerry("down", "--volumes")
    wait_until(lambda: not Path(f"/proc/{server}").exists(), "the server has ended")
    assert [web.left(kind) for kind in KINDS] == [[], [], []]
    assert not Path(f"/proc/{gateway}").exists()


def test_a_container_engine_started_for_skerry_is_started_again_and_ends_with_down(
    skerry: Platform, test_image: str, needs
) -> None:
    for other in ("/run/podman/podman.sock", "/var/run/docker.sock"):
        needs(not Path(other).exists(), f"{other} would be used instead")
    needs.program("podman")
    for named in ("SKERRY_ENGINE_URL", "DOCKER_HOST"):
        skerry.environment.pop(named, None)
    skerry.write(document(test_image))
    skerry.skerry("up", ".")
    pid = int((skerry.state / "podman.pid").read_text())
    with Load(skerry.http, "web.localhost", connections=2) as load:
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: running(skerry.state / "podman.pid", but=pid), "it is started again")
    assert not load.result.failures, dict(load.result.failures)
    skerry.get("web.localhost", "/crash")
    wait_until(lambda: skerry.get("web.localhost") == (200, "hello"), "containers are healed")
    again = int((skerry.state / "podman.pid").read_text())
    skerry.skerry("down", "--volumes")
    wait_until(lambda: not Path(f"/proc/{again}").exists(), "it has ended too")


def running(file: Path, *, but: int) -> bool:
    """Whether a process other than that one is written down and runs."""
    try:
        pid = int(file.read_text())
    except (OSError, ValueError):
        return False
    return pid != but and Path(f"/proc/{pid}").exists()


def test_a_full_disk_is_said_and_nothing_is_half_done(
    tmp_path: Path, docker_url: str, test_image: str, image_saying: Callable[[str], str], needs
) -> None:
    needs.root()
    state = tmp_path / "state"
    state.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs", str(state)], check=False
    )
    needs(mounted.returncode == 0, "this machine does not let tests mount a tmpfs")
    try:
        skerry = Platform(tmp_path, docker_url)
        try:
            full_disk(skerry, test_image, image_saying("two"))
        finally:
            (state / "ballast").unlink(missing_ok=True)
            skerry.close()
    finally:
        subprocess.run(["umount", "-l", str(state)], check=True)


def full_disk(skerry: Platform, old: str, new: str) -> None:
    """Deploy on a disk without a free block, then again with room."""
    skerry.write(document(old))
    skerry.skerry("up", ".")
    with contextlib.suppress(OSError), (skerry.state / "ballast").open("wb") as ballast:
        while True:
            ballast.write(b"\0" * 4096)
    ended = skerry.run("deploy", "web", "--image", new)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "space" in ended.stderr or "full" in ended.stderr, ended.stderr
    assert skerry.get("web.localhost") == (200, "hello")
    (skerry.state / "ballast").unlink()
    skerry.skerry("deploy", "web", "--image", new)
    assert skerry.get("web.localhost") == (200, "two")


def gateway_pid(skerry: Platform) -> int:
    """The Envoy that reads this state folder's configuration."""
    marker = str(skerry.state)
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (process / "cmdline").read_bytes().decode()
            if "--restart-epoch" in command and marker in command:
                return int(process.name)
    raise AssertionError("no gateway runs")
