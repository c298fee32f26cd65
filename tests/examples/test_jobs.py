"""Queues that lose nothing, on a real Redis."""

import hashlib
from typing import Any

import pytest
from inspector import settings
from inspector.jobs import DONE, FAILED, WAITING, WORKING

ID = hashlib.sha256(b"one").hexdigest()
OTHER = hashlib.sha256(b"two").hexdigest()


def die(jobs: Any, worker: str) -> None:
    """What is left of a worker that was killed, once its lease has run out."""
    jobs._redis.delete(f"alive:{worker}")


def test_work_goes_from_queue_to_hand_to_result(jobs: Any) -> None:
    assert jobs.submit(ID, name="web.tar", size=10)
    assert jobs.take("inspect", "w1") == ID
    assert jobs.image(ID)["inspect"]["state"] == WORKING
    assert jobs.depths()["inspect"] == {"waiting": 0, "working": 1}
    jobs.done("inspect", "w1", ID, result={"layers": 3})
    assert jobs.image(ID)["inspect"] == {"state": DONE, "error": "", "result": {"layers": 3}}
    assert jobs.depths()["inspect"] == {"waiting": 0, "working": 0}


def test_what_is_known_or_under_way_is_not_queued_again(jobs: Any) -> None:
    assert jobs.submit(ID, name="a", size=1)
    assert not jobs.submit(ID, name="b", size=1)
    for part in ("inspect", "size"):
        jobs.done(part, "w1", jobs.take(part, "w1"), result={})
    assert not jobs.submit(ID, name="c", size=1)


def test_what_failed_is_tried_again_when_it_is_sent_again(jobs: Any) -> None:
    jobs.submit(ID, name="a", size=1)
    jobs.fail("inspect", "w1", jobs.take("inspect", "w1"), error="bad")
    assert jobs.image(ID)["inspect"]["state"] == FAILED
    assert jobs.submit(ID, name="a", size=1)
    assert jobs.take("inspect", "w1") == ID
    assert jobs.depths()["size"]["waiting"] == 1


def test_first_come_is_first_served_and_what_comes_back_goes_to_the_front(jobs: Any) -> None:
    jobs.submit(ID, name="a", size=1)
    jobs.submit(OTHER, name="b", size=1)
    assert jobs.take("size", "w1") == ID
    jobs.give_back("size", "w1", ID)
    assert jobs.take("size", "w1") == ID


def test_the_work_of_a_dead_worker_is_given_to_another(jobs: Any) -> None:
    jobs.submit(ID, name="a", size=1)
    jobs.take("size", "w1")
    assert jobs.recover("size") == []
    die(jobs, "w1")
    assert jobs.recover("size") == [ID]
    assert jobs.image(ID)["size"]["state"] == WAITING
    assert jobs.take("size", "w2") == ID


def test_work_that_ends_every_worker_is_given_up(jobs: Any) -> None:
    jobs.submit(ID, name="a", size=1)
    for number in range(settings.MAX_ATTEMPTS):
        assert jobs.take("size", f"w{number}") == ID
        die(jobs, f"w{number}")
        jobs.recover("size")
    assert jobs.take("size", "last") is None
    assert "workers ended" in jobs.image(ID)["size"]["error"]
    assert jobs.depths()["size"] == {"waiting": 0, "working": 0}


def test_giving_back_does_not_count_as_an_attempt(jobs: Any) -> None:
    jobs.submit(ID, name="a", size=1)
    for _ in range(settings.MAX_ATTEMPTS + 2):
        assert jobs.take("size", "w1") == ID
        jobs.give_back("size", "w1", ID)


def test_what_is_forgotten_is_not_worked_on(jobs: Any) -> None:
    jobs.submit(ID, name="a", size=1)
    jobs.forget(ID)
    assert jobs.image(ID) is None
    assert jobs.take("inspect", "w1") is None
    assert jobs.images() == []


@pytest.mark.parametrize("part", ["inspect", "size"])
def test_a_worker_that_leaves_is_struck_from_the_list(jobs: Any, part: str) -> None:
    assert jobs.take(part, "w1") is None
    jobs.leave(part, "w1")
    assert jobs.recover(part) == []
    assert not jobs._redis.exists(f"workers:{part}")
