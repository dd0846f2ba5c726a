"""The connections of one process: how many there may be, and how long each may wait for its client."""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import Protocol

from interfaces.http.server.limits import ServerLimits

SWEEP_EVERY = 0.25  # seconds


class Phase(Enum):
    """What a connection waits for."""

    IDLE = "the next request"
    HEAD = "the rest of the headers"
    BODY = "the rest of the body"
    ANSWER = "Daybook's answer"
    CLOSING = "the client, which has been refused"


class Watched(Protocol):
    """A connection. `since`: the start of its phase, by the event loop's time. `served`: with an answer before."""

    phase: Phase
    since: float
    served: bool

    def check(self, now: float) -> None:
        """End the connection if its client has had enough time."""
        ...

    def drop(self) -> None:
        """End the connection now."""
        ...


class Connections:
    """Sweeps its connections for late clients. One timer for all costs less than one for each request."""

    def __init__(self, limits: ServerLimits) -> None:
        self.limits = limits
        self._open: set[Watched] = set()
        self._sweeping = False

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: Watched) -> bool:
        """Whether there is room; connections that wait for their clients make room, those never served first."""
        if len(self._open) >= self.limits.connections:
            self._make_room()
        admitted = len(self._open) < self.limits.connections
        if admitted:
            self._open.add(connection)
            self._start_sweeping()
        return admitted

    def discard(self, connection: Watched) -> None:
        self._open.discard(connection)

    def _make_room(self) -> None:
        """Drop a twentieth at once, so that a flood of connections does not look through all of them for each."""
        waiting = [each for each in self._open if each.phase is not Phase.ANSWER]
        waiting.sort(key=lambda each: (each.served, each.since))
        for each in waiting[: max(1, self.limits.connections // 20)]:
            self._open.discard(each)
            each.drop()

    def _start_sweeping(self) -> None:
        if not self._sweeping:
            self._sweeping = True
            asyncio.get_running_loop().call_later(SWEEP_EVERY, self._sweep)

    def _sweep(self) -> None:
        self._sweeping = False
        if self._open:
            self._start_sweeping()
        now = asyncio.get_running_loop().time()
        for each in list(self._open):
            each.check(now)
