"""Admission control: how many requests are answered at once, by the delay that is measured.

While requests wait too long for the event loop or for a connection to the database, Daybook admits fewer at once. The
others wait for their turn for a moment, and are refused when the line does not get shorter (controlled delay, CoDel).
A line that has been standing for a while is short: a request that finds no place in it is refused at once (load
shedding).
Those that are admitted stay as fast as the machine can be.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Collection

from prometheus_client import Counter, Gauge

from application.event_log import Overloaded, Unavailable

TICK = 0.05  # seconds between two measurements
LATE_TICKS = 2  # one after the other: garbage collection alone is no overload
FEWEST, FIRST, MOST = 8, 128, 1_000  # requests at once
RESERVED = 16  # requests of operators beside them
BURST, STANDING, INTERVAL = 0.1, 0.02, 0.1  # seconds
LINE, STANDING_LINE = 1_000, 8  # requests that wait: in a burst, and once the line has been standing

SHED = Counter("daybook_http_shed", "Requests refused by admission control", ["reason"])
for _reason in ("overloaded", "database"):
    SHED.labels(_reason)
LIMIT = Gauge("daybook_http_admitted_at_once", "Requests that may be in flight", multiprocess_mode="livemin")
IN_FLIGHT = Gauge("daybook_http_requests_in_flight", "Requests being answered", multiprocess_mode="livesum")
DELAY = Gauge("daybook_http_queue_delay_seconds", "Delay by the event loop or by pools", multiprocess_mode="livemax")


def _nothing() -> float:
    return 0.0


def _answers() -> bool:
    return False


class Admission:
    """The requests in flight. `target`: the delay in seconds above which fewer are admitted.

    `waits`: the longest recent wait for a connection; `silent`: whether the database answers nobody. `reserved`: the
    beginnings of the paths that operators need when Daybook is overloaded.
    """

    def __init__(
        self,
        target: float = 0.05,
        waits: Callable[[], float] = _nothing,
        silent: Callable[[], bool] = _answers,
        reserved: Collection[str] = (),
    ) -> None:
        self._target, self._waits, self._silent = target, waits, silent
        self._reserved = tuple(reserved)
        self.limit = float(FIRST)
        self._in_flight = self._operators = self._peak = self._late = 0
        self._line: deque[asyncio.Future[None]] = deque()
        self._line_empty_at = 0.0
        self._ticking = False

    @property
    def in_flight(self) -> int:
        return self._in_flight

    async def enter(self, path: str) -> Callable[[], None]:
        """Admit a request; what is answered must be called when it ends. Raises Overloaded or Unavailable."""
        if self._operators < RESERVED and path.startswith(self._reserved):
            self._operators += 1
            return self._operator_left
        if self._in_flight >= int(self.limit) or self._line:
            await self._wait_in_line()
        else:
            self._in_flight += 1
        self._peak = max(self._peak, self._in_flight)
        self._start_ticking()
        return self._left

    def refusal(self, path: str) -> Unavailable | None:
        """Why a request need not even ask to enter: the line has been standing, and has no place left."""
        if len(self._line) < STANDING_LINE or not self._is_standing(asyncio.get_running_loop().time()):
            return None
        if self._operators < RESERVED and path.startswith(self._reserved):
            return None
        return self._refusal()

    def _is_standing(self, now: float) -> bool:
        return now - self._line_empty_at >= INTERVAL

    def _left(self) -> None:
        self._in_flight -= 1
        self._admit_from_line()

    def _operator_left(self) -> None:
        self._operators -= 1

    def _admit_from_line(self) -> None:
        while self._line and self._in_flight < int(self.limit):
            turn = self._line.popleft()
            if not turn.done():
                self._in_flight += 1
                turn.set_result(None)

    async def _wait_in_line(self) -> None:
        """Wait for a turn: longer if the line is a burst than if it has been standing for a while."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if not self._line:
            self._line_empty_at = now
        elif len(self._line) >= LINE:
            raise self._refusal()
        turn = loop.create_future()
        self._line.append(turn)
        timer = loop.call_later(STANDING if self._is_standing(now) else BURST, self._give_up, turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._left()  # the turn came as the request was given up: pass it on
            raise
        finally:
            timer.cancel()

    def _give_up(self, turn: asyncio.Future[None]) -> None:
        if turn.done():
            return
        self._line.remove(turn)
        turn.set_exception(self._refusal())

    def _refusal(self) -> Unavailable:
        again = random.randint(1, 3)  # noqa: S311  seconds: not all at the same time
        if self._silent():
            SHED.labels("database").inc()
            return Unavailable("The database does not answer. Try again.", again)
        SHED.labels("overloaded").inc()
        return Overloaded("Daybook has more requests than it can answer now. Try again.", again)

    def _start_ticking(self) -> None:
        if not self._ticking:
            self._ticking = True
            self._tick_in(asyncio.get_running_loop())

    def _tick_in(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_at(due := loop.time() + TICK, self._tick, loop, due)

    def _tick(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        """Measure and adapt, while there are requests."""
        self.adapt(max(loop.time() - due, self._waits()))
        self._admit_from_line()
        IN_FLIGHT.set(self._in_flight)
        if self._in_flight or self._line:
            self._tick_in(loop)
        else:
            self._ticking = False
            DELAY.set(0)

    def adapt(self, delay: float) -> None:
        """Admit fewer at once after two late measurements, and more after each that is in time.

        Beyond the number at the start, more are admitted only while there are as many.
        """
        DELAY.set(delay)
        self._late = self._late + 1 if delay > self._target else 0
        if self._late >= LATE_TICKS:
            self._late = 0
            self.limit = max(FEWEST, 0.7 * min(self.limit, self._peak))
        elif not self._late and (self.limit < FIRST or self._peak > 0.8 * self.limit):
            self.limit = min(MOST, self.limit + max(1.0, self.limit / 20))
        self._peak = self._in_flight
        LIMIT.set(int(self.limit))
