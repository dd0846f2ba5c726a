"""A rebuild in several processes makes what one in a single process makes, and leaves nothing behind when it fails."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from multiprocessing import active_children
from pathlib import Path

import psycopg
import pytest
from psycopg import AsyncConnection
from sqlalchemy.ext.asyncio import AsyncEngine

from infrastructure import rebuild_processes
from infrastructure.rebuild_processes import RebuildProcesses, rebuild_parts
from infrastructure.settings import SAMPLE_MASTER_KEY, Settings
from projections.rebuild import parts
from projections.rebuild.parts import RebuildFailed, divided
from projections.rebuild.rebuild import Rebuild, Rebuilt, UndecodableEvents
from projections.registry import PROJECTIONS
from tests.conftest import Database
from tests.projections.rebuild.conftest import Ask
from tests.support.instances import clean_environment, eventually
from tests.support.sealed import CODEC

REBUILDING = """
import asyncio, sys
from infrastructure.database.engines import named_engine
from infrastructure.event_log.event_codec import EventCodec
from infrastructure.rebuild_processes import RebuildProcesses
from infrastructure.settings import Settings
from projections.rebuild import parts
from projections.rebuild.rebuild import Rebuild
from projections.registry import PROJECTIONS

if __name__ == "__main__":
    parts.LEAST = 1
    settings = Settings()
    engine = named_engine(settings.owner_database.dsn, "daybook-rebuild", session="-c app.scope=all")
    rebuild = Rebuild(engine, PROJECTIONS, EventCodec(settings.masters), parts=RebuildProcesses(settings, 2))
    asyncio.run(rebuild.run(grace=0))
"""


@pytest.fixture
def place(database: Database) -> dict[str, str]:
    """The settings that lead to the database, as its owner."""
    owner = psycopg.conninfo.conninfo_to_dict(database.owner)
    names = {"DB_HOST": "host", "DB_PORT": "port", "DB_NAME": "dbname", "DB_USER": "user", "DB_PASS": "password"}
    return {"MASTER_KEY": SAMPLE_MASTER_KEY} | {name: str(owner.get(part, "")) for name, part in names.items()}


@pytest.fixture
def rebuild(place: dict[str, str], owner: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> Rebuild:
    """One in three processes, however short the log."""
    monkeypatch.setattr(parts, "LEAST", 1)
    for name, value in place.items():
        monkeypatch.setenv(name, value)
    return Rebuild(owner, PROJECTIONS, CODEC, parts=RebuildProcesses(Settings(), 3))


@asynccontextmanager
async def held(database: Database) -> AsyncIterator[AsyncConnection]:
    """Keep the processes of a rebuild that begins inside the block from their first page, until it is rolled back."""
    async with await AsyncConnection.connect(database.owner) as connection:
        await connection.execute("LOCK TABLE keyring.person IN ACCESS EXCLUSIVE MODE")
        yield connection


async def all_wait(ask: Ask, count: int) -> None:
    """Until so many processes wait for their first page."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'keyring.person'::regclass"

    async def so() -> bool:
        return await ask(waiting) == [(count,)]

    await eventually(so)


async def schemas(ask: Ask) -> set[str]:
    return {name for (name,) in await ask("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'read%'")}


@pytest.mark.parametrize("count", [1, 2, 3, 4, 99])
def test_each_projection_is_in_one_part_and_no_part_is_empty(count: int) -> None:
    made = divided(PROJECTIONS, count)
    assert sorted(each.name for part in made for each in part) == sorted(each.name for each in PROJECTIONS)
    assert len(made) == min(count, len(PROJECTIONS))
    assert all(made)


def test_every_weight_is_that_of_a_projection() -> None:
    assert parts.WEIGHTS.keys() <= {each.name for each in PROJECTIONS}


async def test_several_processes_make_what_one_makes(life: int, rebuild: Rebuild, owner: AsyncEngine) -> None:
    assert await rebuild.run(grace=0) == Rebuilt(2, life)
    assert await Rebuild(owner, PROJECTIONS, CODEC).check() == Rebuilt(3, life, [])


async def test_the_progress_is_that_of_the_slowest(
    life: int, rebuild: Rebuild, database: Database, ask: Ask, owner: AsyncEngine
) -> None:
    told = list[tuple[int, int]]()
    slow = Rebuild(
        owner, PROJECTIONS, CODEC, lambda *so_far: told.append(so_far), parts=RebuildProcesses(Settings(), 3)
    )
    async with held(database) as hold:
        running = asyncio.create_task(slow.run(grace=0))
        await all_wait(ask, 3)
        await eventually(lambda: _so(bool(told)))
        assert set(told) == {(0, life)}
        await hold.rollback()
    assert await running == Rebuilt(2, life)


async def test_an_event_that_one_of_them_cannot_read_is_named(life: int, rebuild: Rebuild, ask: Ask) -> None:
    await ask("ALTER TABLE log.stored_events DISABLE TRIGGER ALL")
    await ask("UPDATE log.stored_events SET topic = 'Appointment.Unheard' WHERE topic = 'Appointment.Cancelled'")
    with pytest.raises(UndecodableEvents, match=r"can't read position [0-9]+: .*Appointment\.Unheard"):
        await rebuild.run(grace=0)
    assert await schemas(ask) == {"read", "read_1"}
    assert active_children() == []


async def test_one_that_is_killed_ends_the_rebuild(life: int, rebuild: Rebuild, database: Database, ask: Ask) -> None:
    async with held(database) as hold:
        running = asyncio.create_task(rebuild.run(grace=0))
        await all_wait(ask, 3)
        active_children()[0].kill()
        await asyncio.wait({running}, timeout=1)
        await hold.rollback()
    with pytest.raises(RebuildFailed, match="A process of the rebuild ended with status -9"):
        await running
    assert await schemas(ask) == {"read", "read_1"}
    assert active_children() == []


async def test_one_without_a_database_ends_the_rebuild(
    life: int, rebuild: Rebuild, monkeypatch: pytest.MonkeyPatch, owner: AsyncEngine, ask: Ask
) -> None:
    monkeypatch.setenv("DB_PORT", "1")
    lost = Rebuild(owner, PROJECTIONS, CODEC, parts=RebuildProcesses(Settings(), 2))
    with pytest.raises(RebuildFailed, match="OperationalError: "):
        await lost.run(grace=0)
    assert await schemas(ask) == {"read", "read_1"}


async def test_none_outlives_a_rebuild_that_is_cancelled(
    life: int, rebuild: Rebuild, database: Database, ask: Ask
) -> None:
    async with held(database) as hold:
        running = asyncio.create_task(rebuild.run(grace=0))
        await all_wait(ask, 3)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert active_children() == []
        await hold.rollback()


async def test_none_outlives_a_parent_that_is_killed(
    life: int, place: dict[str, str], database: Database, ask: Ask, tmp_path: Path
) -> None:
    script = tmp_path / "rebuilding.py"
    script.write_text(REBUILDING)
    async with held(database) as hold:
        parent = started(script, place)
        await all_wait(ask, 2)
        children = children_of(parent.pid)
        assert len([pid for pid in children if is_running(pid)]) >= 2
        parent.kill()
        parent.wait()
        await eventually(lambda: _so(not any(map(is_running, children))))
        await hold.rollback()


def started(script: Path, place: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, script], env=clean_environment(**place), cwd=Path.cwd())


def children_of(pid: int) -> Sequence[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


async def _so(condition: bool) -> bool:
    return condition


def test_a_rebuild_leaves_half_of_the_processors_to_those_who_book(monkeypatch: pytest.MonkeyPatch) -> None:
    for processors, beside, alone in ((1, 1, 1), (2, 1, 2), (4, 2, 4), (6, 3, 4), (64, 4, 4)):
        monkeypatch.setattr(rebuild_processes, "_processors", lambda processors=processors: processors)
        assert rebuild_processes.processes_beside_a_service() == beside
        assert rebuild_processes.processes_of_an_idle_machine() == alone


def test_a_rebuild_in_one_process_starts_no_other(place: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in place.items():
        monkeypatch.setenv(name, value)
    assert rebuild_parts(Settings(), 1) is None
    assert rebuild_parts(Settings(), 2) is not None
