"""Crashes, full disks, locks: what was said to be written stays, and work goes on after."""

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import event

from skerry.errors import Unavailable
from skerry.integrations.store.connect import connect
from skerry.integrations.store.database import Database
from skerry.integrations.store.history import History
from skerry.integrations.store.open import open_store
from skerry.integrations.store.store import Store
from skerry.model.objects import Manifest
from skerry.model.progress import Operation, Progress, Stage
from tests.fakes.clock import FakeClock
from tests.soak import soak_count

NOON = FakeClock().now()

# Writes pairs, and says so, until killed; prints each number once the store has it.
ENDLESS_WRITER = """
import asyncio, sys
from skerry.clock import SystemClock
from skerry.integrations.store.open import open_store
from skerry.model.progress import Operation, Progress, Stage

async def main():
    clock = SystemClock()
    store = open_store(sys.argv[1], clock)
    at = clock.now()
    id = f"{at.timestamp()}"
    await store.open_operation(Operation(id=id, kind="run", by="ann", at=at, subject="x"))
    number = 0
    while True:
        number += 1
        await store.write([
            {"kind": kind, "metadata": {"namespace": "", "name": "x"}, "spec": number}
            for kind in ("A", "B")
        ], [])
        await store.say(id, Progress(at=at, stage=Stage.WAITING, message="waits"))
        print(number, flush=True)

asyncio.run(main())
"""

# Under a limit on the size of files no write gets through, as on a full disk.
ON_A_FULL_DISK = """
import asyncio, json, resource, sys
from skerry.clock import SystemClock
from skerry.errors import Unavailable
from skerry.integrations.store.open import open_store

def thing(name):
    return {"kind": "A", "metadata": {"namespace": "", "name": name}, "spec": "x" * 200_000}

async def main():
    store = open_store(sys.argv[1], SystemClock())
    await store.write([thing("before")], [])
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
    said = []
    for n in range(3):
        try:
            await store.write([thing(f"during-{n}-{m}") for m in range(5)], [])
        except Unavailable as error:
            said.append([error.subject, error.cause, error.hint])
    names = [o["metadata"]["name"] for o in await store.objects()]
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    await store.write([thing("after")], [])
    names_after = [o["metadata"]["name"] for o in await store.objects()]
    await store.close()
    print(json.dumps({"said": said, "during": names, "after": names_after}))

asyncio.run(main())
"""


def thing(name: str, size: int = 10) -> Manifest:
    return {"kind": "A", "metadata": {"namespace": "", "name": name}, "spec": "x" * size}


async def names(store: Store) -> list[str]:
    return [manifest["metadata"]["name"] for manifest in await store.objects()]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/skerry.db"


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = open_store(url, FakeClock())
    yield store
    await store.close()


def killed_while_writing(url: str, *, after_seconds: float) -> int:
    """The last number the store said was written."""
    command = [sys.executable, "-c", ENDLESS_WRITER, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(after_seconds)
        writer.send_signal(signal.SIGKILL)
        return int((first + writer.stdout.read()).split("\n")[-2])


async def test_a_killed_server_loses_nothing_and_splits_nothing(url: str) -> None:
    for kill in range(soak_count(4, 100)):
        written = killed_while_writing(url, after_seconds=(kill * 17 % 100) / 1000)
        store = open_store(url, FakeClock())
        first, second = [manifest["spec"] for manifest in await store.objects()]
        (operation,) = await store.operations(limit=1)
        said = await store.said(operation.id)
        await store.close()
        assert first == second
        assert first >= written
        assert len(said) >= written


def test_on_a_disk_that_takes_no_more_writes_are_refused_whole_until_it_does(url: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", ON_A_FULL_DISK, url], capture_output=True, text=True, check=True
    )
    result = json.loads(ended.stdout)
    assert len(result["said"]) == 3
    subject, cause, hint = result["said"][0]
    assert subject.startswith("store/")
    assert "the disk" in cause
    assert "df -h" in hint
    assert result["during"] == ["before"]
    assert result["after"] == ["before", "after"]


async def test_a_full_database_says_that_the_disk_is_full_and_how_to_go_on(
    store: Store, url: str
) -> None:
    await store.write([thing("before")], [])
    await store.close()
    engine = connect(url)
    event.listen(engine, "connect", lambda c, _: c.execute("PRAGMA max_page_count = 40").close())
    small = Store(Database(engine), history=History())
    with pytest.raises(Unavailable, match="the disk is full") as raised:
        await small.write([thing("big", 1_000_000)], [])
    assert "make room" in raised.value.hint
    assert await names(small) == ["before"]
    await small.write([thing("after")], [])
    assert await names(small) == ["before", "after"]
    await small.close()


async def test_a_lock_held_by_another_process_is_waited_for_then_named(
    url: str, tmp_path: Path
) -> None:
    store = open_store(f"{url}?timeout=0.05", FakeClock())
    other = sqlite3.connect(tmp_path / "skerry.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert await names(store) == []
    with pytest.raises(Unavailable, match="another process keeps it locked") as raised:
        await store.write([thing("a")], [])
    assert f"fuser -v {tmp_path}/skerry.db" in raised.value.hint
    other.execute("ROLLBACK")
    other.close()
    await store.write([thing("a")], [])
    assert await names(store) == ["a"]
    await store.close()


async def test_the_event_loop_goes_on_while_the_database_waits(
    store: Store, tmp_path: Path
) -> None:
    other = sqlite3.connect(tmp_path / "skerry.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    write = asyncio.create_task(store.write([thing("a")], []))
    for _ in range(10):
        await asyncio.sleep(0.01)
    assert not write.done()
    other.execute("ROLLBACK")
    other.close()
    await write
    assert await names(store) == ["a"]


async def test_a_write_whose_caller_left_is_whole_or_never_begun(
    store: Store, tmp_path: Path
) -> None:
    other = sqlite3.connect(tmp_path / "skerry.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    begun = asyncio.create_task(store.write([thing("a"), thing("b")], []))
    await asyncio.sleep(0.05)
    queued = asyncio.create_task(store.write([thing("c")], []))
    await asyncio.sleep(0)
    for task in (begun, queued):
        task.cancel()
    await asyncio.wait([begun, queued])
    other.execute("ROLLBACK")
    other.close()
    assert await names(store) == ["a", "b"]


async def test_text_no_database_takes_does_not_stop_an_operation(store: Store) -> None:
    odd = "half \ud83d a pair and \x00"
    operation = Operation(id="a", kind="run", by="ann", at=NOON, subject="web", error=odd)
    await store.open_operation(operation)
    said = Progress(at=NOON, stage=Stage.FAILED, message=odd, last_lines=(odd,))
    await store.say("a", said)
    assert (await store.operation("a")).error == "half ? a pair and ?"
    (read,) = await store.said("a")
    assert read.last_lines == ("half ? a pair and \x00",)
