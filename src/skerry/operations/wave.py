"""One wave carried out: its tenants changed all at once, each of them seen up, or back.

One lease, one watch and a few writes for the whole wave, however many tenants it has; what it
says is numbers, and the names of those that fail or lag. Every step may be the last before a
crash: who takes the roll-out up again reads from the cell how far each tenant is.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Final

from skerry.errors import Conflict, DeployFailed, SkerryError
from skerry.loops import Tasks
from skerry.model.change import Verdict
from skerry.model.keys import ServiceKey
from skerry.model.objects import key_of
from skerry.model.progress import Stage
from skerry.model.rollout import Rollout
from skerry.model.units import show_seconds
from skerry.model.world import Observation, ServiceState, Snapshot
from skerry.observer.rollout import Done, Failed, progress
from skerry.operations.before import run_before
from skerry.operations.insisting import insist
from skerry.operations.lookout import Lookout, states_of
from skerry.operations.members import (
    IS_UP,
    Gift,
    Member,
    judged,
    members_of,
    scope_of,
    services_of_wave,
)
from skerry.operations.platform import Platform
from skerry.operations.release import numbered
from skerry.operations.undo import release_before, way_back
from skerry.operations.voice import Voice
from skerry.operations.waiting import REPEAT_SECONDS
from skerry.planner.waves import Decision, Seen, Sight, Wait, after, decide

PACE_SECONDS: Final = 0.25  # between two looks: what is judged meanwhile is written at once
LOOK_SECONDS: Final = 1.0
SPOKEN: Final = 20  # tenants whose failure is said one by one; the others are counted
PATIENCE_SECONDS: Final = 600.0  # for another writer of one of the stack's tenants
BEFORES_AT_ONCE: Final = 16
PARTS: Final = (100, 300, 1000)  # tenants planned at once, while those before are applied
Pulse = Callable[[Rollout], bool]


async def carry_out_wave(
    platform: Platform, rollout: Rollout, gift: Gift, *, voice: Voice, pulse: Pulse
) -> tuple[Rollout, Decision]:
    """The roll-out after its present wave (on, baking, halted or done), and why. Raises what
    keeps the whole wave from being looked at or written; it can be taken up again then."""
    async with only_writer(platform, rollout, voice):
        wave = Wave(platform, rollout, voice=voice, pulse=pulse)
        # 1. One look, and every tenant changed as what follows for it is known. Stop on error.
        await wave.begin(gift)
        # 2. Until each tenant is up or back. Carry on: a failure is one tenant's.
        decision = await wave.see_through()
    return after(wave.rollout, decision, now=platform.clock.now()), decision


def _in_parts(services: Sequence[ServiceKey]) -> list[Sequence[ServiceKey]]:
    """The first small, so that the engine has work soon; the others as large as that work
    hides."""
    parts: list[Sequence[ServiceKey]] = []
    done = 0
    while done < len(services) or not parts:
        size = PARTS[min(len(parts), len(PARTS) - 1)]
        parts.append(services[done : done + size])
        done += size
    return parts


def _as_planned(seen: Observation) -> Snapshot:
    """What a plan needs of a look; how each service is, nobody asks yet."""
    return Snapshot(
        cell=seen.cell,
        at=seen.at,
        objects={key_of(each): each for each in seen.objects},
        services={},
        inputs={},
        releases=seen.releases,
    )


@asynccontextmanager
async def only_writer(platform: Platform, rollout: Rollout, voice: Voice) -> AsyncIterator[None]:
    """Write the stack's tenants alone; whoever is at one of them may finish first. Raises
    Conflict when that takes too long."""
    clock, since = platform.clock, platform.clock.now()
    end = clock.monotonic() + PATIENCE_SECONDS
    async with AsyncExitStack() as held:
        while True:
            try:
                services = services_of_wave(rollout).keys()
                lease = platform.engine.writing(services, by=rollout.by, stack=rollout.stack)
                await held.enter_async_context(lease)
                break
            except Conflict as error:
                if clock.monotonic() >= end:
                    raise
                await voice.say(Stage.WAITING, f"waiting: {error}", since=since)
            await clock.sleep(REPEAT_SECONDS)
        yield


class Wave:
    """The tenants of the present wave, and what is done to them."""

    def __init__(self, platform: Platform, rollout: Rollout, *, voice: Voice, pulse: Pulse) -> None:
        self._platform = platform
        self._rollout = rollout
        self._members: dict[ServiceKey, Member] = {}
        self._left: dict[str, str] = {}
        self._voice = voice
        self._pulse = pulse
        self._risen: list[Member] = []
        self._fallen: list[tuple[Member, str, Sequence[str]]] = []
        self._spoken = 0
        self._said = platform.clock.monotonic()

    @property
    def rollout(self) -> Rollout:
        """As it is with what is known of the wave's tenants."""
        failed = {
            each.tenant: each.sight.reason
            for each in self._members.values()
            if each.sight.seen is Seen.FAILED
        }
        up = sum(each.sight.seen is Seen.UP for each in self._members.values())
        return replace(
            self._rollout,
            failed={**self._rollout.failed, **failed},
            skipped={**self._rollout.skipped, **self._left},
            up=up,
        )

    @property
    def members(self) -> tuple[Member, ...]:
        """Those that are begun with."""
        return tuple(self._members.values())

    async def begin(self, gift: Gift) -> None:
        """Change every tenant. In parts: while those of one are applied, those of the next are
        compiled. Returns once all are applied."""
        services, engine = services_of_wave(self._rollout), self._platform.engine
        parts = _in_parts([*services])
        tenants = "1 tenant" if len(services) == 1 else f"{len(services)} tenants"
        await self._voice.say(Stage.APPLYING, f"{self._place}: {tenants} to look at")
        seen, _ = await asyncio.gather(
            engine.inventory(scope_of(self._rollout)), gift.prepare(parts[0])
        )
        look, tasks = _as_planned(seen), Tasks()
        changing: list[asyncio.Task[None]] = []
        try:
            for number, part in enumerate(parts):
                if number:
                    await gift.prepare(part)
                named = {each: services[each] for each in part}
                given = await gift.given(part, look)
                members, left = members_of(self._rollout, named, look, given=given)
                self._members |= members
                self._left |= left
                work = self._begin(tuple(members.values()))
                changing.append(tasks.spawn(work, name="a part of a wave"))
            await asyncio.gather(*changing)
        finally:
            await tasks.close()

    async def _begin(self, members: Sequence[Member]) -> None:
        """Record the releases, then apply. One that the engine refuses goes back; one that was
        on its way back when its carrier died goes on."""
        changing = [each for each in members if each.step is not None]
        await self._fetch([each for each in members if each.step is None])
        releases = [each.release for each in changing if each.release is not None]
        if releases:
            await self._platform.engine.record(*releases)
        room = asyncio.Semaphore(BEFORES_AT_ONCE)
        await asyncio.gather(*(self._change(each, room) for each in changing))

    @property
    def _place(self) -> str:
        return f"wave {self._rollout.wave + 1} of {len(self._rollout.waves)}"

    async def see_through(self) -> Decision:
        """Until none is on its way."""
        scope = scope_of(self._rollout)
        clock = self._platform.clock
        async with Lookout(self._platform.engine, clock, scope) as lookout:
            while True:
                await self._judge()
                decision = decide(self._rollout, self._sights(), now=clock.now())
                if not isinstance(decision, Wait):
                    return decision
                await self._repeat(decision)
                look = await lookout.look(within=LOOK_SECONDS)
                self._read(look)
                await clock.sleep(PACE_SECONDS)

    def _sights(self) -> dict[str, Sight]:
        return {each.tenant: each.sight for each in self._members.values()}

    async def _fetch(self, members: Sequence[Member]) -> None:
        """What a carrier that died left: whole releases, for a look may tell less of them."""

        async def one(member: Member, number: int) -> None:
            known = await self._platform.engine.releases(member.service)
            member.release = next((each for each in known if each.number == number), None)
            if member.cause:
                self._fallen.append((member, member.cause, ()))

        begun = [(each, each.release.number) for each in members if each.release is not None]
        await asyncio.gather(*(one(each, number) for each, number in begun))
        for each, _ in begun:
            each.ends = self._platform.clock.monotonic() + each.deadline_seconds

    async def _change(self, member: Member, room: asyncio.Semaphore) -> None:
        assert member.step is not None
        change = numbered(member.step.change, member.number)
        try:
            if change.before is not None:
                async with room:
                    await run_before(self._platform, member.step, self._voice)
            await self._platform.engine.apply(change)
        except SkerryError as error:
            lines = error.last_lines if isinstance(error, DeployFailed) else ()
            self._fallen.append((member, error.cause, lines))
        member.ends = self._platform.clock.monotonic() + member.deadline_seconds

    def _read(self, look: Observation | None) -> None:
        """How far each is that was on its way; without a look, whether it is late."""
        moving = {
            service: each
            for service, each in self._members.items()
            if each.sight.seen is Seen.WAITING
        }
        states = {} if look is None else states_of(look, moving.keys())
        now = self._platform.clock.monotonic()
        for service, member in moving.items():
            if look is not None:
                self._see(member, states.get(service))
            if member.sight.seen is Seen.WAITING and now >= member.ends:
                late = show_seconds(round(member.deadline_seconds, 1))
                self._fall(member, f"not done after {late}: {member.sight.reason}", ())

    def _see(self, member: Member, state: ServiceState | None) -> None:
        if state is None or state.release != member.number:
            return  # the engine has not begun
        match progress(state):
            case Done() if member.cause:
                said = f"{member.cause}; release {member.number} is back"
                member.sight = Sight(seen=Seen.FAILED, reason=said)
            case Done():
                member.sight = IS_UP
                self._risen.append(member)
            case Failed(reason=reason, last_lines=lines):
                self._fall(member, reason, lines)
            case waiting:
                member.sight = replace(member.sight, reason=waiting.reason)

    def _fall(self, member: Member, reason: str, lines: Sequence[str]) -> None:
        if member.cause:
            said = f"{member.cause}; and what ran before does not come back: {reason}"
            member.sight = Sight(seen=Seen.FAILED, reason=said)
        else:
            self._fallen.append((member, reason, lines))

    async def _judge(self) -> None:
        """Write the verdicts there are, and send back what failed."""
        risen, self._risen = self._risen, []
        fallen, self._fallen = self._fallen, []
        verdicts = [
            judged(each.release, Verdict.DEPLOYED) for each in risen if each.release is not None
        ]
        verdicts += [
            judged(each.release, Verdict.FAILED, reason)
            for each, reason, _ in fallen
            if each.release is not None
        ]
        if verdicts:
            await insist(self._platform, lambda: self._platform.engine.record(*verdicts))
        await asyncio.gather(*(self._take_back(*each) for each in fallen))

    async def _take_back(self, member: Member, reason: str, lines: Sequence[str]) -> None:
        failed = member.release
        before = None if failed is None else await release_before(self._platform, failed)
        if failed is None or before is None:
            said = f"{reason}; left as it is: no release before it was up"
            member.sight = Sight(seen=Seen.FAILED, reason=said)
            return await self._speak(member, said, lines)
        await self._speak(member, f"{reason}; bringing back release {before.number}", lines)
        change = way_back(failed, before, hold=member.hold)
        await insist(self._platform, lambda: self._platform.engine.apply(change))
        member.cause, member.number = reason, before.number
        member.sight = Sight(seen=Seen.WAITING, reason=f"release {before.number} to be back")
        member.ends = self._platform.clock.monotonic() + member.deadline_seconds
        return None

    async def _speak(self, member: Member, said: str, lines: Sequence[str]) -> None:
        self._spoken += 1
        if self._spoken <= SPOKEN:
            await self._voice.say(Stage.RESTORING, said, service=member.service, last_lines=lines)

    async def _repeat(self, decision: Wait) -> None:
        self._pulse(self.rollout)
        now = self._platform.clock.monotonic()
        if now - self._said >= REPEAT_SECONDS:
            self._said = now
            await self._voice.say(Stage.WAITING, decision.reason, since=decision.since)
