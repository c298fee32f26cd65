"""Several servers on one PostgreSQL: one acts, and another takes over within seconds."""

import signal
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Needs
from tests.end_to_end.servers import ServerProcess, wait_until
from tests.fakes.postgresql import binaries, running_server

HANDOVER_SECONDS = 30.0  # seven, and what a loaded machine adds
_databases = count(1)
Start = Callable[..., ServerProcess]


@pytest.fixture(scope="module")
def socket(needs: Needs) -> Iterator[str]:
    programs = binaries()
    needs(programs, "PostgreSQL is not installed: apt-get install postgresql")
    assert programs
    with running_server(programs) as folder:
        yield folder


@pytest.fixture
def start(socket: str, tmp_path: Path) -> Iterator[Start]:
    name = f"servers{next(_databases)}"
    with psycopg.connect(f"host={socket} user=skerry dbname=postgres", autocommit=True) as c:
        c.execute(f"CREATE DATABASE {name}")
    begun: list[ServerProcess] = []

    def start(server: str, **settings: str) -> ServerProcess:
        database = f"postgresql://skerry@/{name}?host={socket}"
        begun.append(ServerProcess(tmp_path, server, database, **settings))
        return begun[-1]

    yield start
    for each in begun:
        each.end()


def leader_of(server: ServerProcess) -> str | None:
    """Who leads, as this server sees it."""
    status, answer = server.call("GET", "/v1/reconcile")
    return str(answer["leader"]["name"]) if status == 200 and answer["leader"] else None


def put(server: ServerProcess, name: str) -> int:
    """A write."""
    path = f"/v1/secrets/default/{name}"
    return int(server.call("PUT", path, {"value": "s"})[0])


def names(server: ServerProcess) -> list[str]:
    """What was written, as this server sees it."""
    return [str(each["name"]) for each in server.call("GET", "/v1/tokens")[1]["tokens"]]


def make(server: ServerProcess, name: str) -> int:
    """A write, whoever leads: a token."""
    return int(server.call("POST", "/v1/tokens", {"name": name, "role": "viewer"})[0])


def test_any_server_takes_a_write_and_the_leader_does_it(start: Start) -> None:
    a, b, c = start("a"), start("b"), start("c")
    assert {leader_of(each) for each in (a, b, c)} == {"a"}
    for number, each in enumerate((a, b, c)):
        assert make(each, f"t{number}") == 201
    for each in (a, b, c):
        assert {"t0", "t1", "t2"} <= set(names(each))


def test_a_killed_leader_is_followed_within_seconds(start: Start) -> None:
    a, b, c = start("a"), start("b"), start("c")
    a.tell(signal.SIGKILL)
    took = wait_until(lambda: make(b, "after") == 201, seconds=HANDOVER_SECONDS)
    assert took < HANDOVER_SECONDS
    assert leader_of(b) == leader_of(c)
    assert leader_of(b) in ("b", "c")
    assert "after" in names(c)


def test_a_stopped_leader_is_followed_and_does_no_more_when_it_wakes(start: Start) -> None:
    a, b = start("a"), start("b")
    a.tell(signal.SIGSTOP)
    wait_until(lambda: leader_of(b) == "b", seconds=HANDOVER_SECONDS)
    assert make(b, "meanwhile") == 201
    a.tell(signal.SIGCONT)
    assert make(a, "awake") == 201
    assert leader_of(a) == "b"
    assert {"meanwhile", "awake"} <= set(names(a))


def test_a_leader_that_ends_hands_over_at_once(start: Start) -> None:
    a, b = start("a"), start("b")
    a.tell(signal.SIGTERM)
    a.process.wait(20)
    wait_until(lambda: make(b, "soon") == 201, seconds=HANDOVER_SECONDS)


def test_a_leader_that_says_no_address_is_named(start: Start) -> None:
    start("a", SKERRY_LISTEN="0.0.0.0")
    b = start("b")
    status, answer = b.call("POST", "/v1/tokens", {"name": "x", "role": "viewer"})
    assert status == 400
    assert "server a leads" in answer["error"]["cause"]
    assert "SKERRY_URL" in answer["error"]["hint"]
    assert b.call("GET", "/v1/tokens")[0] == 200


def test_a_server_with_another_key_does_not_start(start: Start, tmp_path: Path) -> None:
    a = start("a")
    assert put(a, "db") in (200, 201, 204)
    (tmp_path / "key").unlink()
    with pytest.raises(AssertionError):
        start("b")
