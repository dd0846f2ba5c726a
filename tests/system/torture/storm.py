"""What befalls a Daybook at random moments, one thing or two at a time, until people are served again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from time import monotonic

import psycopg

from infrastructure.local.servers import LocalServers
from tests.support.faultproxy import TO_CLIENT, TO_SERVER
from tests.support.instances import Instance, children, eventually
from tests.system.torture.crowd import Crowd
from tests.system.torture.door import Door

BACK_WITHIN = 180.0  # seconds; the machine may have other things to do
STILL = 1.0  # seconds without an answer

_TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = 'daybook' AND pid <> pg_backend_pid() AND application_name LIKE %s"""
_WRITERS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'daybook-writer'"


log = logging.getLogger(__name__)


@dataclass
class Storm:
    """`instance` keeps itself running; `server` is started again by whoever runs servers, as it would be."""

    instance: Instance
    server: LocalServers
    door: Door
    chance: Random

    @property
    def database(self) -> str:
        """The superuser's own way, not through the door."""
        return self.server.superuser_dsn("daybook")

    @property
    def faults(self) -> list[Callable[[Crowd], Awaitable[None]]]:
        return [
            self.api_is_killed,
            self.api_is_restarted,
            self.projector_is_killed,
            self.power_goes,
            self.postmaster_is_killed,
            self.server_is_restarted,
            self.writing_backend_is_killed,
            self.writers_are_terminated,
            self.everybody_is_terminated,
            self.connections_are_cut,
            self.answers_get_stuck,
            self.requests_get_stuck,
        ]

    async def strike(self, crowd: Crowd, *faults: Callable[[Crowd], Awaitable[None]]) -> None:
        """The faults at once, at some moment under load; until people are served again."""
        await crowd.more(self.chance.randint(10, 60), within=BACK_WITHIN)
        began = monotonic()
        for fault in faults:
            await fault(crowd)
        names = " and ".join(fault.__name__ for fault in faults)
        try:
            await crowd.more(10, within=BACK_WITHIN)
        except TimeoutError:
            raise AssertionError(f"not served again within {BACK_WITHIN} s: {names}, {crowd.told}") from None
        log.info("%5.1f s  %s", monotonic() - began, names)

    async def api_is_killed(self, crowd: Crowd) -> None:
        self._signal("api", signal.SIGKILL)

    async def api_is_restarted(self, crowd: Crowd) -> None:
        self._signal("api", signal.SIGTERM)

    async def projector_is_killed(self, crowd: Crowd) -> None:
        self._signal("project", signal.SIGKILL)

    async def power_goes(self, crowd: Crowd) -> None:
        """No process of the server gets to say a word."""
        await self._kill_server(everybody=True)

    async def postmaster_is_killed(self, crowd: Crowd) -> None:
        """Its backends are left alone."""
        await self._kill_server(everybody=False)

    async def server_is_restarted(self, crowd: Crowd) -> None:
        await asyncio.to_thread(self.server.stop)
        await asyncio.to_thread(self.server.start)

    async def writing_backend_is_killed(self, crowd: Crowd) -> None:
        """Upon which the server throws everybody out, and recovers."""
        for pid in (await self._pids(_WRITERS))[:1]:
            _kill(pid)

    async def writers_are_terminated(self, crowd: Crowd) -> None:
        await self._ask(_TERMINATE, "daybook-writer")

    async def everybody_is_terminated(self, crowd: Crowd) -> None:
        await self._ask(_TERMINATE, "%")

    async def connections_are_cut(self, crowd: Crowd) -> None:
        self.door.cut()

    async def answers_get_stuck(self, crowd: Crowd) -> None:
        """What was committed is not heard of, then lost."""
        await self._stuck(crowd, TO_CLIENT)

    async def requests_get_stuck(self, crowd: Crowd) -> None:
        await self._stuck(crowd, TO_SERVER)

    async def _stuck(self, crowd: Crowd, direction: str) -> None:
        self.door.stall(direction)
        try:

            async def still() -> bool:
                return monotonic() - crowd.served_at > STILL

            await eventually(still, BACK_WITHIN)
        finally:
            self.door.cut()
            self.door.flow()

    async def _kill_server(self, *, everybody: bool) -> None:
        pidfile = self.server.home / "postgres/data/postmaster.pid"
        postmaster = int(pidfile.read_text().splitlines()[0])
        # Found without asking the server: what it has not yet written to disk must not get there meanwhile.
        for pid in [postmaster, *(children(postmaster) if everybody else [])]:
            _kill(pid)
        await asyncio.to_thread(self.server.stop)
        await asyncio.to_thread(self.server.start)

    def _signal(self, role: str, number: signal.Signals) -> None:
        pids = self.instance.pids(role)
        if pids:  # none while it is being started again
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.chance.choice(sorted(pids)), number)

    async def _pids(self, query: str) -> list[int]:
        return [int(str(pid)) for (pid,) in await self._ask(query)]

    async def _ask(self, query: str, *values: str) -> list[tuple[object, ...]]:
        """Rows, once the server takes connections: it may be recovering from the fault before this one."""
        until = monotonic() + BACK_WITHIN
        while True:
            try:
                with psycopg.connect(self.server.superuser_dsn(), autocommit=True) as connection:
                    return connection.execute(query.encode(), values or None).fetchall()
            except psycopg.OperationalError:
                if monotonic() > until:
                    raise
            await asyncio.sleep(0.05)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
