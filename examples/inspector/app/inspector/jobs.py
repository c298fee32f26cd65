"""What Redis holds: queues that lose nothing, and what was learnt, kept as the cache.

    queue:PART                ids waiting; taken from the right
    work:PART:WORKER          what that worker has in hand
    workers:PART              workers seen, by name
    alive:WORKER              there while the worker lives, for LEASE_SECONDS at a time
    image:ID                  a hash: name, bytes, received; for each part its state, its
                              error, the count of attempts, its result as JSON
    images                    ids by time received

An id moves from queue to hand in one step, and leaves the hand only after its result is
written; the hand of a worker that lives no more is given back. So a crash at any point
means work done twice at worst, and the same archive gives the same result.
"""

import json
import re
import time
from collections.abc import Iterator
from typing import Any, TypeAlias

import redis

from inspector import settings

PARTS = ("inspect", "size")
WAITING, WORKING, DONE, FAILED = "waiting", "working", "done", "failed"
_ID = re.compile(r"[a-f0-9]{64}")
_LISTED = 100
_MOMENT = 1

# What a connection may raise while Redis is away or starting.
Away = (redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError, redis.ReadOnlyError)


# The types redis gives its answers differ from version to version.
Connection: TypeAlias = Any


def connect() -> Connection:
    """A connection to Redis; made when first used, and again when lost."""
    return redis.Redis(
        host=settings.REDIS_HOST,
        port=settings.REDIS_PORT,
        decode_responses=True,
        socket_connect_timeout=5,
        socket_timeout=15,
        health_check_interval=10,
    )


def is_id(text: str) -> bool:
    """Whether this is an id: the SHA-256 of an archive."""
    return bool(_ID.fullmatch(text))


class Jobs:
    """All that is asked of Redis."""

    def __init__(self, connection: Connection) -> None:
        self._redis = connection

    def ping(self) -> None:
        """Raises one of `Away` when Redis does not answer."""
        self._redis.ping()

    def submit(self, id: str, *, name: str, size: int) -> bool:
        """Have an archive looked into. False: that is known already, or under way."""
        fresh = [part for part in PARTS if self._state(id, part) in (None, FAILED)]
        if not fresh:
            return False
        fields: dict[str, Any] = {"name": name[:200], "bytes": size, "received": time.time()}
        for part in fresh:
            fields |= {f"{part}:state": WAITING, f"{part}:attempts": 0, f"{part}:error": ""}
        with self._redis.pipeline(transaction=True) as all_or_nothing:
            all_or_nothing.hset(f"image:{id}", mapping=fields)
            all_or_nothing.zadd("images", {id: fields["received"]})
            for part in fresh:
                all_or_nothing.lpush(f"queue:{part}", id)
            all_or_nothing.execute()
        return True

    def known(self, id: str) -> bool:
        """Whether it was ever submitted."""
        return bool(self._redis.exists(f"image:{id}"))

    def finished(self, id: str) -> bool:
        """Whether nobody will want its archive again."""
        return all(self._state(id, part) in (DONE, FAILED) for part in PARTS)

    def image(self, id: str) -> dict[str, Any] | None:
        """All that is known of one."""
        held = self._redis.hgetall(f"image:{id}")
        if not held:
            return None
        image = _summary(id, held)
        for part in PARTS:
            result = held.get(f"{part}:result")
            image[part]["result"] = json.loads(result) if result else None
        return image

    def images(self) -> list[dict[str, Any]]:
        """The newest, without their results."""
        ids = self._redis.zrevrange("images", 0, _LISTED - 1)
        keys = ["name", "bytes", "received"]
        keys += [f"{part}:{key}" for part in PARTS for key in ("state", "error")]
        found = ((id, self._redis.hmget(f"image:{id}", keys)) for id in ids)
        return [_summary(id, dict(zip(keys, held, strict=True))) for id, held in found if held[0]]

    def forget(self, id: str) -> None:
        """Nothing of it is known any more."""
        with self._redis.pipeline(transaction=True) as all_or_nothing:
            all_or_nothing.delete(f"image:{id}")
            all_or_nothing.zrem("images", id)
            for part in PARTS:
                all_or_nothing.lrem(f"queue:{part}", 0, id)
            all_or_nothing.execute()

    def depths(self) -> dict[str, dict[str, int]]:
        """How much waits, and how much is in hand."""
        return {
            part: {
                "waiting": self._redis.llen(f"queue:{part}"),
                "working": sum(self._redis.llen(hand) for hand in self._hands(part)),
            }
            for part in PARTS
        }

    def take(self, part: str, worker: str) -> str | None:
        """The next id, in the worker's hand; None after a moment without one."""
        # Alive before listed: `recover` strikes only names that are not alive from the list.
        self.beat(worker)
        self._redis.sadd(f"workers:{part}", worker)
        id: str | None
        id = self._redis.blmove(f"queue:{part}", f"work:{part}:{worker}", _MOMENT, "RIGHT", "LEFT")
        if id is None:
            return None
        image = f"image:{id}"
        if not self._redis.exists(image):  # forgotten meanwhile
            self._redis.lrem(f"work:{part}:{worker}", 0, id)
            return None
        attempts = self._redis.hincrby(image, f"{part}:attempts", 1)
        if attempts > settings.MAX_ATTEMPTS:
            said = f"{settings.MAX_ATTEMPTS} workers ended while they were at it"
            self.fail(part, worker, id, error=said)
            return None
        self._redis.hset(image, f"{part}:state", WORKING)
        return id

    def beat(self, worker: str) -> None:
        """Say that the worker lives."""
        self._redis.set(f"alive:{worker}", "1", ex=settings.LEASE_SECONDS)

    def done(self, part: str, worker: str, id: str, *, result: dict[str, Any]) -> None:
        """Keep a result, and let go."""
        fields = {f"{part}:state": DONE, f"{part}:result": json.dumps(result), f"{part}:error": ""}
        self._let_go(part, worker, id, fields=fields)

    def fail(self, part: str, worker: str, id: str, *, error: str) -> None:
        """Keep the reason, and let go."""
        fields = {f"{part}:state": FAILED, f"{part}:error": error[:1000]}
        self._let_go(part, worker, id, fields=fields)

    def give_back(self, part: str, worker: str, id: str) -> None:
        """For another worker, or for later: this attempt does not count."""
        with self._redis.pipeline(transaction=True) as all_or_nothing:
            all_or_nothing.rpush(f"queue:{part}", id)
            all_or_nothing.lrem(f"work:{part}:{worker}", 0, id)
            all_or_nothing.hset(f"image:{id}", f"{part}:state", WAITING)
            all_or_nothing.hincrby(f"image:{id}", f"{part}:attempts", -1)
            all_or_nothing.execute()

    def leave(self, part: str, worker: str) -> None:
        """A worker with empty hands goes."""
        self._redis.srem(f"workers:{part}", worker)
        self._redis.delete(f"alive:{worker}")

    def recover(self, part: str) -> list[str]:
        """Give what dead workers had in hand back to the queue, its front; returns the ids."""
        recovered = []
        for worker in self._redis.smembers(f"workers:{part}"):
            if self._redis.exists(f"alive:{worker}"):
                continue
            hand = f"work:{part}:{worker}"
            while id := self._redis.lmove(hand, f"queue:{part}", "LEFT", "RIGHT"):
                self._redis.hset(f"image:{id}", f"{part}:state", WAITING)
                recovered.append(id)
            self._strike(part, worker)
        return recovered

    def _strike(self, part: str, worker: str) -> None:
        """Forget a dead worker, unless it turns out to live."""
        with self._redis.pipeline(transaction=True) as all_or_nothing:
            try:
                all_or_nothing.watch(f"alive:{worker}")
                if all_or_nothing.exists(f"alive:{worker}"):
                    return
                all_or_nothing.multi()
                all_or_nothing.srem(f"workers:{part}", worker)
                all_or_nothing.execute()
            except redis.WatchError:
                return

    def _hands(self, part: str) -> Iterator[str]:
        workers = self._redis.smembers(f"workers:{part}")
        return (f"work:{part}:{worker}" for worker in workers)

    def _state(self, id: str, part: str) -> str | None:
        state: str | None = self._redis.hget(f"image:{id}", f"{part}:state")
        return state

    def _let_go(self, part: str, worker: str, id: str, *, fields: dict[str, str]) -> None:
        with self._redis.pipeline(transaction=True) as all_or_nothing:
            all_or_nothing.hset(f"image:{id}", mapping=fields)
            all_or_nothing.lrem(f"work:{part}:{worker}", 0, id)
            all_or_nothing.execute()


def _summary(id: str, held: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": id,
        "name": held.get("name") or "",
        "bytes": int(held.get("bytes") or 0),
        "received": float(held.get("received") or 0),
        **{
            part: {
                "state": held.get(f"{part}:state") or WAITING,
                "error": held.get(f"{part}:error") or "",
            }
            for part in PARTS
        },
    }
