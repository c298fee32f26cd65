"""Logs, commands, one-offs and connections, through a real API server to the pod double's
kubelet."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast

import pytest

from skerry.compiler.job import one_off
from skerry.engines.kubernetes.channels import V4, V5
from skerry.engines.kubernetes.jobs import ONE_OFF, run_job
from skerry.engines.kubernetes.logs import read_logs
from skerry.engines.kubernetes.parts import Parts
from skerry.engines.kubernetes.sessions import exec_in
from skerry.engines.kubernetes.tunnels import forward
from skerry.errors import Conflict, NotFound, Refused
from skerry.model.objects import owner_of
from skerry.model.process import LogQuery, Stream
from skerry.ports import Session
from tests.engines.kubernetes.bench import Bench, Vault

pytestmark = pytest.mark.cluster


async def said(session: Session) -> tuple[str, str]:
    """All a session says, by stream."""
    texts = {Stream.STDOUT: "", Stream.STDERR: ""}
    async for chunk in session.output():
        texts[chunk.stream] += chunk.data.decode()
    return texts[Stream.STDOUT], texts[Stream.STDERR]


@pytest.fixture
async def web(bench: Bench) -> Bench:
    """A running service with a variable."""
    await bench.apply(bench.service().env(COLOUR="blue"))
    await bench.running()
    return bench


class TestCommands:
    async def test_outputs_are_apart_and_the_exit_code_comes(self, web: Bench) -> None:
        command = ["sh", "-c", "echo $COLOUR; echo oh >&2; exit 3"]
        session = await exec_in(web.parts, web.key(), command, tty=False)
        assert await said(session) == ("blue\n", "oh\n")
        assert await session.wait() == 3
        await session.close()

    async def test_input_is_carried_to_its_end(self, web: Bench) -> None:
        session = await exec_in(web.parts, web.key(), ["wc", "-c"], tty=False)
        await session.write(b"x" * 300_000)
        await session.write(b"")
        assert (await said(session))[0].strip() == "300000"
        await session.close()

    async def test_a_terminal_has_the_size_it_was_told(self, web: Bench) -> None:
        command = ["sh", "-c", "sleep 0.3; stty size; exit 5"]
        session = await exec_in(web.parts, web.key(), command, tty=True)
        await session.resize(33, 77)
        assert await said(session) == ("33 77\r\n", "")
        assert await session.wait() == 5
        await session.close()

    async def test_waiting_alone_ends_too(self, web: Bench) -> None:
        session = await exec_in(web.parts, web.key(), ["sh", "-c", "exit 7"], tty=False)
        assert await session.wait() == 7
        await session.close()

    async def test_a_program_that_is_not_there_is_a_conflict(self, web: Bench) -> None:
        session = await exec_in(web.parts, web.key(), ["no-such-program"], tty=False)
        with pytest.raises(Conflict, match="no-such-program"):
            await session.wait()
        await session.close()

    async def test_older_clusters_are_spoken_to_in_version_four(self, web: Bench) -> None:
        (pod,) = [each async for each in web.parts.client.list("Pod", namespace=web.namespace)]
        path = web.parts.client.path_of("Pod", web.namespace, pod["metadata"]["name"])
        query = [("command", "cat"), ("stdin", "true"), ("stdout", "true")]
        for spoken in (V5, V4):
            socket = await web.parts.client.websocket(f"{path}/exec", query, (spoken,))
            assert socket.protocol == spoken
            await socket.close()

    async def test_a_command_needs_a_replica_that_runs(self, web: Bench) -> None:
        with pytest.raises(NotFound):
            await exec_in(web.parts, web.key("nobody"), ["true"], tty=False)
        with pytest.raises(NotFound, match="has no replica web-x"):
            await exec_in(web.parts, web.key(), ["true"], tty=False, replica="web-x")
        await web.apply(web.service("still").replicas(0))
        with pytest.raises(Conflict, match="none of its replicas runs"):
            await exec_in(web.parts, web.key("still"), ["true"], tty=False)


class TestOneOffs:
    async def test_it_has_the_environment_and_its_own_code(self, web: Bench) -> None:
        job = await web.job("sh", "-c", "echo $COLOUR; read x; echo got $x; exit 4")
        session = await run_job(web.parts, job, tty=False)
        await session.write(b"hello\n")
        await session.write(b"")
        assert (await said(session))[0] == "blue\ngot hello\n"
        assert await session.wait() == 4
        await session.close()
        await _none_left(web)

    async def test_leaving_ends_and_removes_it(self, web: Bench) -> None:
        session = await run_job(web.parts, await web.job("sleep", "600"), tty=False)
        await web.seen(lambda look: look, web.scope())
        await session.close()
        await _none_left(web)

    async def test_it_is_nobodys_replica_and_no_part_of_a_plan(self, web: Bench) -> None:
        session = await run_job(web.parts, await web.job("sleep", "600"), tty=False)
        try:
            look = await web.watches.observe(web.scope())
            assert len(look.pods) == 1
            jobs = [each async for each in web.parts.client.list("Job", namespace=web.namespace)]
            assert [owner_of(each) for each in jobs] == [None]
            assert jobs[0]["spec"]["ttlSecondsAfterFinished"] > 0
            assert jobs[0]["spec"]["activeDeadlineSeconds"] == 60
        finally:
            await session.close()

    async def test_a_terminal_is_attached_to(self, web: Bench) -> None:
        job = await web.job("sh", "-c", "read x; stty size; exit 6")
        session = await run_job(web.parts, job, tty=True)
        await session.resize(33, 78)
        await session.write(b"go\n")
        assert "33 78" in (await said(session))[0]
        assert await session.wait() == 6
        await session.close()

    async def test_what_is_not_applied_yet_is_lent_and_taken_back(
        self, bench: Bench, parts: Parts
    ) -> None:
        vault = cast("Vault", parts.secrets)
        vault.values[f"store:{bench.namespace}/db"] = "hunter2"
        web = bench.service().secret("PASSWORD", "store:db").file_at("/etc/app.toml", "x = 1")
        objects = bench.objects(web)
        deployment = next(each for each in objects if each["kind"] == "Deployment")
        job = one_off(deployment, ["true"], name="web.before-1", deadline_seconds=60)
        session = await run_job(parts, job, tty=False, beside=objects)
        names = [
            each["metadata"]["name"]
            for kind in ("Secret", "ConfigMap")
            async for each in parts.client.list(kind, namespace=bench.namespace)
        ]
        lent = [name for name in names if name.startswith("web-before-1-")]
        own = {
            each["metadata"]["name"] for each in objects if each["kind"] in ("Secret", "ConfigMap")
        }
        assert len(lent) == 2 and not own & set(names)
        path = parts.client.path_of("Secret", bench.namespace, lent[0])
        assert (await parts.client.get(path))["data"] == {"PASSWORD": "aHVudGVyMg=="}
        assert await session.wait() == 0
        await session.close()
        async with asyncio.timeout(10):
            while lent:
                lent = [
                    each["metadata"]["name"]
                    async for each in parts.client.list("Secret", namespace=bench.namespace)
                ]
                await asyncio.sleep(0.1)

    async def test_a_cluster_that_does_not_admit_it_is_heard(self, web: Bench) -> None:
        await web.parts.client.apply(
            {
                "apiVersion": "v1",
                "kind": "ResourceQuota",
                "metadata": {"name": "none", "namespace": web.namespace},
                "spec": {"hard": {"pods": "0"}},
            }
        )
        session = await run_job(web.parts, await web.job("true"), tty=False)
        with pytest.raises(Refused, match="exceeded quota: none"):
            await said(session)
        await session.close()


class TestLogs:
    async def test_all_replicas_are_merged_by_time(self, bench: Bench) -> None:
        await bench.apply(bench.service().replicas(3))
        state = await bench.running()
        lines = [line async for line in read_logs(bench.parts, bench.key(), LogQuery())]
        assert {line.replica for line in lines} == {each.name for each in state.replicas}
        assert lines == sorted(lines, key=lambda line: line.at)
        last = [line async for line in read_logs(bench.parts, bench.key(), LogQuery(tail=1))]
        assert last == lines[-1:]
        none = [line async for line in read_logs(bench.parts, bench.key(), LogQuery(tail=0))]
        assert not none

    async def test_one_replica_can_be_picked(self, web: Bench) -> None:
        name = (await web.state()).replicas[0].name
        query = LogQuery(replica=name)
        assert [line.replica async for line in read_logs(web.parts, web.key(), query)] == [name]
        with pytest.raises(NotFound, match="has no replica"):
            await anext(read_logs(web.parts, web.key(), LogQuery(replica="web-x")))

    async def test_what_is_not_there_is_refused(self, bench: Bench) -> None:
        with pytest.raises(NotFound):
            await anext(read_logs(bench.parts, bench.key("nobody"), LogQuery()))

    async def test_a_crashed_containers_last_words_are_there(self, bench: Bench) -> None:
        await bench.apply(bench.service().image("fault/exits:1"))
        await bench.failed()
        lines = [line.text async for line in read_logs(bench.parts, bench.key(), LogQuery())]
        assert "no such table: users" in lines

    async def test_following_goes_on_with_replicas_that_come(self, web: Bench) -> None:
        query = LogQuery(follow=True)
        following = cast("Any", read_logs(web.parts, web.key(), query))
        async with aclosing(following), asyncio.timeout(20):
            first = await anext(following)
            await web.apply(web.service().env(COLOUR="red"))
            second = await anext(following)
        assert first.replica != second.replica
        assert second.text.endswith("listens")


class TestForwarding:
    async def test_bytes_go_there_and_back(self, web: Bench, echo: int) -> None:
        tunnel = await forward(web.parts, web.key(), echo)
        sent = bytes(range(256)) * 2000
        await tunnel.write(sent)
        came = b""
        async for data in tunnel.read():
            came += data
            if len(came) == len(sent):
                break
        assert came == sent
        await tunnel.close()

    async def test_the_far_side_hanging_up_ends_it(self, web: Bench, echo: int) -> None:
        tunnel = await forward(web.parts, web.key(), echo)
        await tunnel.write(b"bye\n")
        assert b"".join([data async for data in tunnel.read()]) == b"bye\n"
        await tunnel.close()

    async def test_a_port_nobody_listens_on_is_told(self, web: Bench) -> None:
        tunnel = await forward(web.parts, web.key(), 1)
        with pytest.raises(Conflict, match="localhost:1"):
            async for _ in tunnel.read():
                pass
        await tunnel.close()

    async def test_a_worker_has_no_port_of_its_own(self, bench: Bench) -> None:
        await bench.apply(bench.service().worker())
        await bench.running()
        with pytest.raises(Conflict, match="listens on no port"):
            await forward(bench.parts, bench.key(), None)


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    """The port of a server that says back what it is told, and hangs up after `bye`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
            if data == b"bye\n":
                break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def _none_left(bench: Bench) -> None:
    async with asyncio.timeout(10):
        while await _one_offs(bench):
            pass  # each look is a request: no busier than one after the other


async def _one_offs(bench: Bench) -> list[Any]:
    return [
        each
        for kind in ("Job", "Pod")
        async for each in bench.parts.client.list(kind, namespace=bench.namespace, labels=ONE_OFF)
    ]
