"""Within a process, commands that write the same stream wait for each other, first come first served."""

import asyncio
from collections import deque
from collections.abc import Iterable
from uuid import UUID

from application.event_log import Unavailable


class StreamLocks:
    """Locks by stream id, kept only while held."""

    def __init__(self, patience: float) -> None:
        self._patience = patience  # seconds
        self._waiting: dict[UUID, deque[asyncio.Future[None]]] = {}

    async def acquire(self, stream: UUID) -> None:
        """Wait for the stream; raises Unavailable after the patience is over."""
        waiting = self._waiting.get(stream)
        if waiting is None:
            self._waiting[stream] = deque()
            return
        turn = asyncio.get_running_loop().create_future()
        waiting.append(turn)
        try:
            async with asyncio.timeout(self._patience):
                await turn
        except BaseException as gone:
            if turn.done() and not turn.cancelled():
                self.release([stream])  # it was handed over as we left
            if isinstance(gone, TimeoutError):
                raise Unavailable("Too many requests for one calendar at once.") from None
            raise

    def release(self, streams: Iterable[UUID]) -> None:
        """Hand each stream to whoever waits longest."""
        for stream in streams:
            waiting = self._waiting[stream]
            while waiting:
                turn = waiting.popleft()
                if not turn.done():
                    turn.set_result(None)
                    break
            else:
                del self._waiting[stream]
