"""Locks between commands of one process that write the same stream: first come, first served."""

import asyncio
from collections import deque
from collections.abc import Iterable
from uuid import UUID

from application.event_log import Overloaded


class StreamLocks:
    """Locks by stream id, kept only while held."""

    def __init__(self, patience: float) -> None:
        self._patience = patience  # seconds
        self._waiting: dict[UUID, deque[asyncio.Future[None]]] = {}

    async def acquire(self, stream: UUID) -> None:
        """Wait for the stream's lock; raises Unavailable after `patience` seconds."""
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
                self.release([stream])  # the lock arrived as the wait ended: pass it on
            if isinstance(gone, TimeoutError):
                raise Overloaded("Too many requests for one calendar at once. Try again.") from None
            raise

    def release(self, streams: Iterable[UUID]) -> None:
        """Hand each stream's lock to the command that waits longest."""
        for stream in streams:
            waiting = self._waiting[stream]
            while waiting:
                turn = waiting.popleft()
                if not turn.done():
                    turn.set_result(None)
                    break
            else:
                del self._waiting[stream]
