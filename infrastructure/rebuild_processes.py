"""The processes of a rebuild: each fills the tables of some projections."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Collection
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from infrastructure.database.engines import named_engine
from infrastructure.event_log.event_codec import EventCodec
from infrastructure.observability.logger import configure_logs
from infrastructure.settings import Settings
from projections.rebuild.parts import RebuildFailed, divided
from projections.rebuild.rebuild import Rebuild, UndecodableEvents
from projections.registry import PROJECTIONS

MOST = 4
NAME = "daybook-rebuild"


def processes_beside_a_service() -> int:
    """The processes of a rebuild that leave the other half of the processors to those who book."""
    return min(MOST, max(1, _processors() // 2))


def processes_of_an_idle_machine() -> int:
    """The processes of a rebuild that nobody is in the way of."""
    return min(MOST, _processors())


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def rebuild_parts(settings: Settings, count: int) -> RebuildProcesses | None:
    """So many processes; None for one, which the rebuild is itself."""
    return RebuildProcesses(settings, count) if count > 1 else None


class RebuildProcesses:
    """Fills a generation in so many processes. The settings, which hold secrets, go to them through a pipe."""

    def __init__(self, settings: Settings, count: int) -> None:
        self._settings = settings
        self._parts = [[each.name for each in part] for part in divided(PROJECTIONS, count)]

    async def fill(self, made: int, upto: int) -> None:
        """Until all projections are at a position; raises UndecodableEvents and RebuildFailed."""
        running = [self._start(part, made, upto) for part in self._parts]
        try:
            await asyncio.gather(*(asyncio.to_thread(_wait, *each) for each in running))
        finally:
            for child, _ in running:
                child.kill()
                child.join()

    def _start(self, part: Collection[str], made: int, upto: int) -> tuple[BaseProcess, Connection]:
        context = get_context("spawn")
        ours, theirs = context.Pipe(duplex=False)
        child = context.Process(target=_fill, args=(self._settings, part, made, upto, theirs), name=NAME)
        child.start()
        theirs.close()
        return child, ours


def _wait(child: BaseProcess, ours: Connection) -> None:
    """Until the process has told how it ended: an event that cannot be read, another failure, or nothing wrong."""
    with ours:
        try:
            unreadable, failure = ours.recv()
        except EOFError:
            child.join()
            raise RebuildFailed(f"A process of the rebuild ended with status {child.exitcode}.") from None
    if failure:
        raise UndecodableEvents(failure) if unreadable else RebuildFailed(failure)


def _fill(settings: Settings, part: Collection[str], made: int, upto: int, theirs: Connection) -> None:
    """The process: fill the tables of a part, and tell the parent how that ended."""
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which ends this process
    configure_logs(settings.log_level, "rebuild")
    try:
        asyncio.run(_fill_tables(settings, part, made, upto))
    except UndecodableEvents as error:
        theirs.send((True, str(error)))
    except Exception as error:  # noqa: BLE001  the parent says what failed
        first, *_ = str(error).split("\n", 1)
        theirs.send((False, f"{type(error).__name__}: {first}"))
    else:
        theirs.send((False, ""))


def _end_with_parent() -> None:
    """Another rebuild may begin when the parent is gone: this one must not go on writing."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


async def _fill_tables(settings: Settings, names: Collection[str], made: int, upto: int) -> None:
    owner = settings.owner_database
    assert owner is not None
    engine = named_engine(owner.dsn, NAME, session="-c app.scope=all")
    part = [each for each in PROJECTIONS if each.name in names]
    rebuild = Rebuild(engine, part, EventCodec(settings.masters))
    try:
        await rebuild.fill(made, part, upto)
    finally:
        await engine.dispose()
