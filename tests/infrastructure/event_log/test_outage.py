"""The database goes away, in the middle of everything, and comes back."""

import asyncio
import contextlib
import os
import signal
from time import monotonic
from uuid import UUID

import psycopg
import pytest

from application.event_log import Unavailable
from domain.kernel import new_id
from infrastructure.database.roles import migrate
from infrastructure.event_log.journal import Appended, DuplicateCommand
from infrastructure.event_log.postgres_journal import PostgresJournal
from infrastructure.local.servers import LocalServers
from tests.infrastructure.event_log.entries import entry
from tests.infrastructure.event_log.gate import shut_gate, until
from tests.support.waiting import BUSY, assert_took

PATIENCE = 1.0


@pytest.fixture
def server(own_server: LocalServers) -> LocalServers:
    """With the log in its first database."""
    migrate(own_server.superuser_dsn(), "daybook_test")
    return own_server


def application(server: LocalServers) -> str:
    return f"postgresql://daybook_test:daybook_test@{server.host}:{server.port}/postgres"


def kill(server: LocalServers) -> None:
    """As when the power goes: no server process gets to say a word."""
    pidfile = server.home / "postgres/data/postmaster.pid"
    postmaster = int(pidfile.read_text().splitlines()[0])
    with psycopg.connect(server.superuser_dsn()) as connection:
        backends = connection.execute("SELECT pid FROM pg_stat_activity").fetchall()
    for (pid,) in [(postmaster,), *backends]:
        with contextlib.suppress(ProcessLookupError):  # the last one was our own
            os.kill(pid, signal.SIGKILL)


def streams(server: LocalServers) -> set[UUID]:
    with psycopg.connect(server.superuser_dsn()) as connection:
        return {row[0] for row in connection.execute("SELECT originator_id FROM log.stored_events")}


@pytest.mark.fault(5)
async def test_nothing_acknowledged_is_lost_when_the_server_is_killed(server: LocalServers) -> None:
    journal = PostgresJournal(application(server), patience=PATIENCE)
    await journal.open()
    acknowledged: set[UUID] = set()
    stop = asyncio.Event()

    async def write() -> None:
        while not stop.is_set():
            stream = new_id()
            try:
                await journal.append(entry(stream))
            except Unavailable:
                await asyncio.sleep(0.01)
            else:
                acknowledged.add(stream)

    writing = [asyncio.create_task(write()) for _ in range(16)]
    await until(lambda: len(acknowledged) > 200)
    kill(server)
    before = len(acknowledged)
    server.stop()
    await asyncio.to_thread(server.start)
    await until(lambda: len(acknowledged) > before + 200)  # by itself
    stop.set()
    await asyncio.gather(*writing)
    await journal.close()
    assert acknowledged <= streams(server)


async def test_every_waiting_command_fails_in_bounded_time_while_the_database_is_down(
    server: LocalServers,
) -> None:
    journal = PostgresJournal(application(server), patience=PATIENCE)
    await journal.open()
    stream = new_id()
    async with shut_gate(server.superuser_dsn()) as gate:
        waiting = [asyncio.create_task(journal.append(entry(stream)))]
        await gate.wait_for(1)
        waiting += [asyncio.create_task(journal.append(entry(new_id()))) for _ in range(50)]
        await until(lambda: journal.writer.depth == 50)
        kill(server)
    began = monotonic()
    said = await asyncio.gather(
        *waiting,
        *(journal.append(entry(new_id())) for _ in range(50)),
        journal.read([stream]),
        journal.peek(None, {stream: 0}),
        return_exceptions=True,
    )
    assert {type(answer) for answer in said} == {Unavailable}
    assert_took(began, 2 * PATIENCE)
    server.stop()
    await asyncio.to_thread(server.start)
    again = entry(stream)
    async with asyncio.timeout(BUSY * 20):
        while True:
            try:
                assert isinstance(await journal.append(again), Appended | DuplicateCommand)
                break
            except Unavailable:
                await asyncio.sleep(0.05)
    assert streams(server) == {stream}
    await journal.close()
