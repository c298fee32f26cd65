"""What real containers do to the engine, and what it says of them."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from skerry.engines.local.containers import Settings, container_name, volume_name
from skerry.model.keys import ServiceKey
from skerry.model.world import Observation, Override, State
from tests.engines.local.harness import Bench

pytestmark = pytest.mark.engine

WEB = ServiceKey("default", "web")


def container(observation: Observation) -> dict[str, object]:
    """The first replica's container."""
    status = observation.pods[0]["status"]["containerStatuses"][0] if observation.pods else {}
    return dict(status)


def waiting(observation: Observation) -> dict[str, str]:
    state = container(observation).get("state", {})
    return dict(state.get("waiting", {})) if isinstance(state, dict) else {}


def terminated(observation: Observation) -> dict[str, object]:
    last = container(observation).get("lastState", {})
    return dict(last.get("terminated", {})) if isinstance(last, dict) else {}


def is_ready(observation: Observation) -> bool:
    return bool(observation.pods) and all(
        pod["status"]["conditions"][0]["status"] == "True" for pod in observation.pods
    )


class TestFailures:
    async def test_a_missing_image_is_a_sentence(self, bench: Bench) -> None:
        await bench.apply(bench.web().image("localhost/skerry/nowhere:1"))
        seen = await bench.until(lambda now: waiting(now).get("reason") == "ErrImagePull")
        assert "localhost/skerry/nowhere:1 is not on this machine" in waiting(seen)["message"]

    async def test_an_exit_is_said_at_once_with_the_last_lines(self, bench: Bench) -> None:
        await bench.apply(bench.web(SAY="no database", EXIT="3"))
        seen = await bench.until(lambda now: bool(terminated(now)), within_seconds=5)
        assert terminated(seen)["exitCode"] == 3
        assert terminated(seen)["message"] == "no database"
        assert waiting(seen)["reason"] == "CrashLoopBackOff"

    async def test_exit_zero_is_an_end_and_is_tried_again(self, bench: Bench) -> None:
        await bench.apply(bench.web(EXIT="0"))
        seen = await bench.until(lambda now: container(now).get("restartCount") == 2)
        assert terminated(seen)["exitCode"] == 0

    async def test_three_crashes_cool_down(self, bench: Bench) -> None:
        await bench.apply(bench.web(EXIT="1"))
        seen = await bench.until(lambda now: container(now).get("restartCount") == 3)
        assert "cooling down" in waiting(seen)["message"]

    async def test_what_hangs_is_restarted_after_its_start_time(self, bench: Bench) -> None:
        hanging = bench.web(LISTEN_AFTER="never")
        await bench.apply(hanging.having(health={"path": "/healthz", "start": "1s"}))
        seen = await bench.until(lambda now: bool(terminated(now)))
        assert terminated(seen)["reason"] == "Unhealthy"
        assert "was not ready after 1 s: GET /healthz on port 8080" in str(
            terminated(seen)["message"]
        )

    async def test_what_never_gets_ready_says_what_its_check_heard(self, bench: Bench) -> None:
        await bench.apply(bench.web(READY_AFTER="never"))
        seen = await bench.until(
            lambda now: (
                bool(now.pods)
                and "503" in now.pods[0]["status"]["conditions"][0].get("message", "")
            )
        )
        message = seen.pods[0]["status"]["conditions"][0]["message"]
        assert message == "GET /healthz answered 503: not ready"

    async def test_eating_memory_is_said_as_such(self, bench: Bench) -> None:
        await bench.apply(bench.web(EAT_MIB="200"))
        seen = await bench.until(lambda now: bool(terminated(now)))
        assert terminated(seen)["reason"] == "OOMKilled"

    async def test_a_command_that_is_not_there_cannot_be_started(self, bench: Bench) -> None:
        await bench.apply(bench.web().having(command=["/no/such/program"]))
        seen = await bench.until(lambda now: bool(terminated(now)))
        assert "No such file or directory" in str(terminated(seen)["message"])

    async def test_a_secret_nobody_set_is_said_with_what_sets_it(self, bench: Bench) -> None:
        await bench.apply(bench.web().secret("PASSWORD", "store:db"))
        seen = await bench.until(
            lambda now: waiting(now).get("reason") == "CreateContainerConfigError"
        )
        assert "skerry secrets set db" in waiting(seen)["message"]

    async def test_a_crash_after_a_while_is_mended(self, bench: Bench) -> None:
        await bench.apply(bench.web())
        before = await bench.running(WEB)
        address = before.services[WEB].replicas[0].address
        assert address
        with pytest.raises(OSError):
            await bench.get(address, "/crash?code=7")
        seen = await bench.until(lambda now: bool(terminated(now)))
        assert terminated(seen)["exitCode"] == 7
        after = await bench.until(is_ready)
        assert after.pods[0]["metadata"]["name"] == before.services[WEB].replicas[0].name
        assert bench.gateway.endpoints("default/web")

    async def test_an_unhealthy_replica_leaves_the_traffic_and_is_restarted(
        self, bench: Bench
    ) -> None:
        await bench.apply(bench.web())
        state = (await bench.running(WEB)).services[WEB]
        await bench.get(state.replicas[0].address or "", "/unready")
        await bench.until(lambda now: not is_ready(now))
        seen = await bench.until(lambda now: bool(terminated(now)))
        assert terminated(seen)["reason"] == "Unhealthy"
        assert "failed its check 3 times in a row" in str(terminated(seen)["message"])
        await bench.until(is_ready)

    async def test_a_container_somebody_removed_is_replaced(self, bench: Bench) -> None:
        await bench.apply(bench.web())
        before = (await bench.running(WEB)).services[WEB].replicas[0].name
        found = await bench.runtime.list()
        await bench.runtime.remove(found[0].name)
        await bench.until(
            lambda now: is_ready(now) and before not in [p["metadata"]["name"] for p in now.pods]
        )


class TestStopping:
    async def test_what_ignores_term_is_killed_after_its_grace(self, bench: Bench) -> None:
        await bench.apply(bench.web(IGNORE_TERM="1"))
        await bench.running(WEB)
        await bench.engine.delete(WEB, volumes=False)
        began = asyncio.get_running_loop().time()
        await bench.until(lambda now: not now.pods)
        assert 8 < asyncio.get_running_loop().time() - began < 20

    async def test_the_images_own_stop_signal_is_honoured(
        self, bench: Bench, own_stop_signal_image: str
    ) -> None:
        await bench.apply(bench.web().image(own_stop_signal_image))
        state = (await bench.running(WEB)).services[WEB]
        settings = Settings(instance=bench.instance)
        name = container_name(settings, "default", state.replicas[0].name)
        await bench.runtime.stop(name, grace_seconds=5)
        seen = await bench.until(lambda now: bool(terminated(now)))
        assert terminated(seen)["exitCode"] == 0

    async def test_a_connection_holds_the_old_replica_until_the_drain_ends(
        self, bench: Bench
    ) -> None:
        await bench.apply(bench.web())
        await bench.running(WEB)
        (old,) = bench.gateway.endpoints("default/web")
        bench.gateway.connected.add(old)
        began = asyncio.get_running_loop().time()
        await bench.apply(bench.web(TEXT="new"))
        await bench.until(
            lambda now: any("deletionTimestamp" in pod["metadata"] for pod in now.pods)
        )
        await asyncio.sleep(0.5)
        assert old not in bench.gateway.endpoints("default/web")
        assert (await bench.get(old.host))[0] == 200
        await bench.running(WEB)
        assert asyncio.get_running_loop().time() - began > 2

    async def test_a_gateway_that_is_down_holds_the_old_replica(self, bench: Bench) -> None:
        await bench.apply(bench.web())
        await bench.running(WEB)
        (old,) = bench.gateway.endpoints("default/web")
        bench.gateway.down = True
        await bench.apply(bench.web(TEXT="new"))
        seen = await bench.until(lambda now: bool(now.problems) and len(now.pods) == 2)
        assert "gateway" in seen.problems[0]
        await asyncio.sleep(1)
        assert (await bench.get(old.host))[0] == 200
        bench.gateway.down = False
        assert (await bench.running(WEB)).services[WEB].ready == 1


class TestInside:
    async def test_files_and_secrets_reach_a_user_that_is_not_root(self, bench: Bench) -> None:
        bench.secrets.values["db"] = "s3cret"
        web = bench.web().secret("PASSWORD", "store:db")
        await bench.apply(web.file_at("/etc/deep/er/app.toml", "colour = 1\n"))
        await bench.running(WEB)
        command = ["sh", "-c", "id -u; cat /etc/deep/er/app.toml; echo $PASSWORD"]
        session = await bench.engine.exec(WEB, command, tty=False)
        said = b"".join([chunk.data async for chunk in session.output()]).decode()
        await session.close()
        user, colour, password = said.splitlines()
        assert (user != "0", colour, password) == (True, "colour = 1", "s3cret")
        stored = str([await bench.store.objects(), await bench.store.facts("replica")])
        assert "s3cret" not in stored

    async def test_a_volume_outlives_deploys_and_is_removed_when_told(self, bench: Bench) -> None:
        web = bench.web().volume("data", "/data")
        await bench.apply(web)
        await bench.running(WEB)
        assert await said(bench, "echo kept > /tmp/x; cp /tmp/x /data/x || ls -ld /data") == ""
        await bench.apply(web.env(TEXT="new"))
        await bench.running(WEB)
        assert await said(bench, "cat /data/x") == "kept\n"
        name = volume_name(Settings(instance=bench.instance), "default", "web.data")
        await bench.engine.delete(WEB, volumes=False)
        await bench.until(lambda now: not now.pods)
        assert name in await bench.runtime.volumes()
        await bench.engine.delete(WEB, volumes=True)
        await bench.volume_gone(name)

    async def test_limits_are_applied(self, bench: Bench) -> None:
        await bench.apply(bench.web().having(resources={"cpu": "500m", "memory": "96Mi"}))
        await bench.running(WEB)
        found = await bench.runtime.list()
        inspected = await bench.host.api.call("GET", f"containers/{found[0].name}/json")
        config = inspected["HostConfig"]
        assert config["Memory"] == 96 * 2**20
        assert config["CpuQuota"] / config["CpuPeriod"] == 0.5
        assert config["Init"] is True

    async def test_a_terminal_has_a_size(self, bench: Bench) -> None:
        await bench.apply(bench.web())
        await bench.running(WEB)
        session = await bench.engine.exec(WEB, ["sh", "-c", "sleep 0.5; stty size"], tty=True)
        await session.resize(40, 120)
        output = b"".join([chunk.data async for chunk in session.output()]).decode()
        await session.close()
        assert "40 120" in output


class TestScalingByHand:
    async def test_an_override_ends_by_itself(self, bench: Bench) -> None:
        await bench.apply(bench.web())
        await bench.running(WEB)
        now = datetime.now(UTC)
        override = Override(replicas=2, by="ann", at=now, until=now + timedelta(seconds=2))
        await bench.engine.scale(WEB, override)
        await bench.until(lambda seen: len(seen.pods) == 2)
        seen = await bench.until(lambda seen: len(seen.pods) == 1 and not seen.overrides)
        assert seen.overrides == {}
        assert (await bench.running(WEB)).services[WEB].state is State.RUNNING


async def said(bench: Bench, script: str) -> str:
    """What a shell in the service `web` says."""
    session = await bench.engine.exec(WEB, ["sh", "-c", script], tty=False)
    output = b"".join([chunk.data async for chunk in session.output()]).decode()
    await session.close()
    return output
