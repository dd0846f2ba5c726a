"""Admission control: how many requests are answered at once, by the delay that is measured.

While the event loop is busy and requests take much longer than they take alone, Daybook admits fewer at once; also
while they wait too long for the event loop or for a connection to the database, whatever they took. The others wait for
their turn for a moment, and are refused when the line does not get shorter.
Those that are admitted stay nearly as fast as on an idle machine.
"""

import asyncio
import random
from collections.abc import Callable, Collection
from functools import partial

from prometheus_client import Counter, Gauge

from application.event_log import Overloaded, Unavailable
from interfaces.http.server.service_times import ServiceTimes, kind_of
from interfaces.http.server.waiting_line import REST, WaitingLine

TICK = 0.05  # seconds between two measurements
LATE_TICKS = 2  # one after the other: garbage collection alone is no overload
SLOW_TICKS = 10  # in which requests take long, one after the other
CALM_TICKS = 20  # in time, one after the other: whatever waits, it is not the processor that it waits for
FEWEST, FIRST, MOST = 3, 64, 1_000  # requests at once
RESERVED = 16  # requests of operators beside them
BUSY = 0.04  # part of the target by which the event loop of a busy process is late, at least
SLOWDOWN = 1.5  # times as long as alone: so many are in each other's way
ALONE = 2  # requests at once that hardly are

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
        self._in_flight = self._operators = self._peak = self._late = self._slow = 0
        self._overloaded = False
        self._in_time = CALM_TICKS
        self._idle_since = float("inf")  # it has not worked yet
        self._line = WaitingLine(self._refusal)
        self._times = ServiceTimes()
        self._ticking = False

    @property
    def in_flight(self) -> int:
        return self._in_flight

    async def enter(self, path: str, method: str = "GET") -> Callable[[], None]:
        """Admit a request; what is answered must be called when it ends. Raises Overloaded or Unavailable."""
        if self._operators < RESERVED and path.startswith(self._reserved):
            self._operators += 1
            return self._operator_left
        self._start_ticking()
        if self._in_flight >= int(self.limit) or self._line:
            await self._line.wait(self._leave)
        else:
            self._in_flight += 1
        self._peak = max(self._peak, self._in_flight)
        began = asyncio.get_running_loop().time()
        is_alone = self._in_flight <= ALONE and not self._overloaded  # what is refused meanwhile takes time too
        return partial(self._left, kind_of(method, path), began, is_alone)

    def refusal(self, path: str) -> Unavailable | None:
        """Why a request need not even ask to enter: the line has been standing, and has no place left."""
        if not self._line.is_full(asyncio.get_running_loop().time()):
            return None
        if self._operators < RESERVED and path.startswith(self._reserved):
            return None
        return self._refusal()

    def _left(self, kind: str, began: float, alone: bool) -> None:
        self._times.note(kind, asyncio.get_running_loop().time() - began, alone=alone)
        self._leave()

    def _leave(self) -> None:
        self._in_flight -= 1
        self._admit_from_line()

    def _operator_left(self) -> None:
        self._operators -= 1

    def _admit_from_line(self) -> None:
        while self._in_flight < int(self.limit) and self._line.call_next():
            self._in_flight += 1

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
            loop = asyncio.get_running_loop()
            if loop.time() - self._idle_since >= REST:
                self.limit = max(self.limit, FIRST)  # whatever load there was is over
            self._tick_in(loop)

    def _tick_in(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_at(due := loop.time() + TICK, self._tick, loop, due)

    def _tick(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        """Measure and adapt, while there are requests."""
        self.adapt(max(loop.time() - due, self._waits()), self._times.slowdown())
        self._admit_from_line()
        IN_FLIGHT.set(self._in_flight)
        if self._in_flight or self._line:
            self._tick_in(loop)
        else:
            self._ticking = False
            self._idle_since = loop.time()
            DELAY.set(0)

    def adapt(self, delay: float, slowdown: float = 0.0) -> None:
        """Admit fewer at once after late measurements, and more after each that is in time.

        Late is a `delay` above the target, or the delay of a busy process in which requests take long: `slowdown` times
        as long as alone. The former counts after two measurements, the latter after half a second: a burst is no
        overload. Beyond the number at the start, more are admitted only while there are as many: twice as many after a
        second without delay.
        """
        DELAY.set(delay)
        is_late, is_slow = delay > self._target, self._is_busy(delay) and slowdown > SLOWDOWN
        self._late = self._late + 1 if is_late else 0
        self._slow = self._slow + 1 if is_late or is_slow else 0
        self._in_time = 0 if is_late or is_slow else self._in_time + 1
        self._overloaded = self._overloaded and self._in_time < CALM_TICKS
        if self._late >= LATE_TICKS or self._slow >= (LATE_TICKS if self._overloaded else SLOW_TICKS):
            self._late, self._slow, self._overloaded = 0, 0, True
            self.limit = max(FEWEST, (0.5 if slowdown > 2 * SLOWDOWN else 0.7) * min(self.limit, self._peak))
        elif self._has_room(delay, slowdown):
            step = self.limit if self._in_time > CALM_TICKS else self.limit / 20
            self.limit = min(MOST, self.limit + max(1.0, step))
        self._peak = self._in_flight
        LIMIT.set(int(self.limit))

    def _has_room(self, delay: float, slowdown: float) -> bool:
        """Whether more may be admitted at once, and would be."""
        if self._late or self._slow or (self._is_busy(delay) and slowdown > 0.8 * SLOWDOWN):
            return False
        return self.limit < FIRST or self._peak > 0.8 * self.limit

    def _is_busy(self, delay: float) -> bool:
        return delay > BUSY * self._target
