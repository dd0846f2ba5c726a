"""The line of requests that wait for their turn: long in a burst, short once it has been standing (CoDel)."""

import asyncio
from collections import deque
from collections.abc import Callable

BURST, STANDING = 0.1, 0.01  # seconds that a request waits at most: in a burst, and once the line has been standing
INTERVAL = 0.1  # seconds after which a line is no burst any more
REST = 1.0  # seconds without a line, after which the next one is a burst again
LINE, STANDING_LINE = 1_000, 2  # requests that wait: in a burst, and once the line has been standing


class WaitingLine:
    """Requests that wait, in order. `refusal`: why one does not get its turn."""

    def __init__(self, refusal: Callable[[], Exception]) -> None:
        self._refusal = refusal
        self._turns: deque[asyncio.Future[None]] = deque()
        self._burst_until = self._last = float("-inf")

    def __len__(self) -> int:
        return len(self._turns)

    def is_full(self, now: float) -> bool:
        """Whether the line has been standing, and has no place left."""
        if len(self._turns) < STANDING_LINE or now < self._burst_until:
            return False
        self._last = now
        return True

    async def wait(self, give_back: Callable[[], None]) -> None:
        """Return when it is the caller's turn; raises the refusal. `give_back`: called if the turn comes too late."""
        loop = asyncio.get_running_loop()
        self._note_arrival(loop.time())
        if len(self._turns) >= LINE:
            raise self._refusal()
        turn = loop.create_future()
        self._turns.append(turn)
        timer = loop.call_later(BURST if loop.time() < self._burst_until else STANDING, self._give_up, turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                give_back()  # the turn came as the request was given up: pass it on
            raise
        finally:
            timer.cancel()
            self._last = loop.time()

    def call_next(self) -> bool:
        """Give the first who still waits their turn; whether there was one."""
        while self._turns:
            turn = self._turns.popleft()
            if not turn.done():
                turn.set_result(None)
                return True
        return False

    def _note_arrival(self, now: float) -> None:
        if not self._turns and now - self._last > REST:
            self._burst_until = now + INTERVAL
        self._last = now

    def _give_up(self, turn: asyncio.Future[None]) -> None:
        if not turn.done():
            self._turns.remove(turn)
            turn.set_exception(self._refusal())
