"""Second tries: of what, after how long, until when."""

import os
import random
from typing import Final

import aiohttp

from skerry.engines.kubernetes.client.failures import ApiError, api_error, understood
from skerry.engines.kubernetes.client.transport import Answer, Request, Transport
from skerry.engines.kubernetes.client.window import Window
from skerry.errors import EngineUnavailable, Unauthenticated
from skerry.ports import Clock

# A server that answered before may be restarting; one that never did is more likely not there.
PATIENCE_SECONDS: Final = 20.0
STRANGER_SECONDS: Final = 1.0
THROTTLED_SECONDS: Final = 60.0
FAULTS: Final = 6
FIRST_PAUSE_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 2.0
# Once one request gave the server up, those behind it need not find out one by one.
GIVEN_UP_SECONDS: Final = 1.0
_FAULTY: Final = frozenset({500, 502, 503, 504})
_TOO_MANY: Final = 429
_UNKNOWN: Final = 401


class Sender:
    """Sends requests, several at once, and again where that is safe: not connected at all and
    throttled (the server did nothing): always; a broken connection and a fault of the server:
    what may be sent twice."""

    def __init__(self, transport: Transport, clock: Clock, *, subject: str) -> None:
        self.window = Window()
        self._transport = transport
        self._clock = clock
        self._subject = subject
        self._reached = False
        self._given_up_until = float("-inf")
        self._given_up_for = ""

    async def send(self, request: Request) -> bytes:
        """The answer's body. Raises Unauthenticated, EngineUnavailable, and for every other
        answer that says no what `failures` makes of it."""
        attempt = _Attempts(self._clock)
        while True:
            self._heed_the_others()
            try:
                answer = await self._once(request, anew=attempt.anew)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                await self._pause_unreached(request, attempt, error)
                continue
            if answer.status < 400:
                return answer.body
            await self._pause_refused(request, attempt, answer)

    async def _once(self, request: Request, *, anew: bool) -> Answer:
        async with self.window:
            started = self._clock.monotonic()
            answer = await self._transport.exchange(request, anew=anew)
            now = self._clock.monotonic()
            self.window.answered(now - started, now=now)
            if answer.status == _TOO_MANY:
                self.window.throttled()
        self._reached = True
        return answer

    async def _pause_unreached(
        self, request: Request, attempt: "_Attempts", error: Exception
    ) -> None:
        patience = PATIENCE_SECONDS if self._reached else STRANGER_SECONDS
        unsent = isinstance(error, aiohttp.ClientConnectorError)
        if not (request.again or unsent):
            raise self.broken(error) from error
        if isinstance(error, aiohttp.ClientSSLError) or not attempt.within(patience):
            raise self.give_up(error) from error
        attempt.unsure |= not unsent
        await attempt.pause(None)

    async def _pause_refused(self, request: Request, attempt: "_Attempts", answer: Answer) -> None:
        error = api_error(answer.status, answer.body, subject=request.subject)
        if answer.status == _UNKNOWN:
            if attempt.anew or not self._transport.access.identity.renewable:
                raise self.unknown(error) from error
            attempt.anew = True
            return
        throttled = answer.status == _TOO_MANY and attempt.within(THROTTLED_SECONDS)
        faulty = answer.status in _FAULTY and request.again and not error.lasting
        if not (throttled or (faulty and attempt.count < FAULTS)):
            error.unsure = attempt.unsure
            told = understood(error)
            raise told from (error if told is not error else None)
        attempt.anew = False
        attempt.unsure |= faulty
        await attempt.pause(answer.retry_after)

    def unknown(self, error: ApiError) -> Unauthenticated:
        """What to raise when the cluster does not know us."""
        return Unauthenticated(
            f"the cluster does not accept our credentials: {error.message}",
            subject=self._subject,
            hint=self._transport.access.identity.hint,
        )

    def give_up(self, error: Exception) -> EngineUnavailable:
        """What to raise when the server does not answer; the next second's requests get the
        same at once."""
        self._reached = False
        self._given_up_until = self._clock.monotonic() + GIVEN_UP_SECONDS
        self._given_up_for = _said(error)
        return self._unavailable(self._given_up_for)

    def broken(self, error: Exception) -> EngineUnavailable:
        """What to raise when a connection is cut and it is not known what arrived."""
        return self._unavailable(_said(error))

    def _heed_the_others(self) -> None:
        if self._clock.monotonic() < self._given_up_until:
            raise self._unavailable(self._given_up_for)

    def _unavailable(self, why: str) -> EngineUnavailable:
        access = self._transport.access
        context = f" --context {access.name}" if access.name else ""
        return EngineUnavailable(
            f"the API server at {access.url} {why}",
            subject=self._subject,
            hint=f"kubectl{context} cluster-info",
        )


class _Attempts:
    """How often one request was tried, and since when it fails."""

    def __init__(self, clock: Clock) -> None:
        self.count = 0
        self.anew = False
        self.unsure = False  # whether one of them may have done what was asked
        self._clock = clock
        self._since: float | None = None

    def within(self, seconds: float) -> bool:
        now = self._clock.monotonic()
        self._since = now if self._since is None else self._since
        return now - self._since < seconds

    async def pause(self, asked_for: float | None) -> None:
        longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**self.count)
        self.count += 1
        # Spread, so that requests that failed together do not come back together.
        spread = random.uniform(0.5, 1.0) * longest
        await self._clock.sleep(spread if asked_for is None else asked_for + spread / 2)


def _said(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"shows a certificate that is not trusted: {_verdict(error.certificate_error)}"
    if isinstance(error, aiohttp.ClientConnectorError) and error.errno:
        return f"does not answer: {os.strerror(error.errno)}"
    said = str(error) or ("it took too long" if isinstance(error, TimeoutError) else "cut off")
    return f"does not answer: {said}"


def _verdict(error: Exception) -> str:
    return str(getattr(error, "verify_message", "") or error)
