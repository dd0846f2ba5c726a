"""HTTP load at a fixed rate of arrivals, as the world sends it: a slow answer delays no later request.

A request's time runs from when it was to be sent, so that it counts how long it waited for a free connection too
(otherwise a server that stands still for a second would have one slow answer, not all that this second asked for).
"""

from __future__ import annotations

import asyncio
import json
import pickle
import sys
import threading
import time
from collections import deque
from collections.abc import Collection, Sequence
from time import perf_counter

import uvloop

from bench.tools.load import Connection, Outcome, Plan, Unexpected, Work, carried_out, connected

CONNECTIONS = 128


def paced(
    port: int,
    requests: Sequence[bytes],
    *,
    per_second: float,
    connections: int = CONNECTIONS,
    expected: Collection[int] = (200,),
) -> Outcome:
    """Send so many requests a second, whatever the answers do. Raises Unexpected for any other status."""
    plan = Plan([port], requests, connections, set(expected), per_second=per_second)
    return carried_out(plan, "bench.tools.paced")


class _Line(Work):
    """Who waits for whom: requests for connections, or the other way round."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self.free = deque[Connection]()
        self.waiting = deque[tuple[int, float]]()
        self._left = len(plan.requests)

    def arrive(self, number: int, intended: float) -> None:
        """A request is due."""
        if self.free:
            self.free.popleft().send(number, intended)  # the one that has rested longest: none is closed for idling
        else:
            self.waiting.append((number, intended))

    def serve(self, connection: Connection) -> None:
        """A connection has its answer."""
        self._left -= 1
        if self.waiting:
            connection.send(*self.waiting.popleft())
        else:
            self.free.append(connection)
        if self._left == 0 and not self.done.done():
            self.done.set_result(perf_counter())


class _Served(Connection):
    """Is free again when it is answered."""

    def next(self) -> None:
        assert isinstance(self._work, _Line)
        self._work.serve(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._work.left(error or Unexpected("The server closed the connection."))


async def _run(plan: Plan) -> Outcome:
    line = _Line(plan)
    line.free.extend(await connected(line, _Served))
    loop, began = asyncio.get_running_loop(), perf_counter()
    threading.Thread(target=_call, args=(line, loop, began), daemon=True).start()
    return line.outcome(began, await line.done)


def _call(line: _Line, loop: asyncio.AbstractEventLoop, began: float) -> None:
    """Announce each request when it is due. A thread's sleep is exact to 0.1 ms, a loop's to a millisecond."""
    assert line.plan.per_second is not None
    for number in range(len(line.plan.requests)):
        intended = began + number / line.plan.per_second
        time.sleep(max(0.0, intended - perf_counter()))
        loop.call_soon_threadsafe(line.arrive, number, intended)


if __name__ == "__main__":
    print(json.dumps(vars(uvloop.run(_run(pickle.load(sys.stdin.buffer))))))
