"""The processes that run, as rows that they renew: role, place, release, and version of the time zone data.

Processes whose time zone data differ would offer different times. Each one warns when it sees another's differ.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Sequence
from uuid import UUID, uuid4

import psycopg
import structlog
from psycopg.rows import class_row

from infrastructure.observability.background_thread import BackgroundThread
from infrastructure.observability.versions import RELEASE, ZONES
from projections.read_models.jobs.process import RUNNING, RunningProcess

RENEW = 10.0  # seconds
NAME = "daybook-process"

_RENEW = """
    INSERT INTO work.process (id, role, host, pid, version, zones) VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp()"""
_FORGET = "DELETE FROM work.process WHERE id = %s OR seen_at < clock_timestamp() - interval '1 day'"
logger = structlog.get_logger(__name__)


class ProcessRegistry(BackgroundThread):
    """Announces this process for a `with` block, from a thread, on a connection for each sign of life.

    Without its database it says nothing: other parts report that.
    """

    def __init__(self, dsn: str, role: str, zones: str = ZONES) -> None:
        super().__init__("process registry")
        self._dsn = dsn
        self._row: tuple[UUID, str, str, int, str, str]
        self._row = uuid4(), role, socket.gethostname(), os.getpid(), RELEASE, zones
        self._zones = zones
        self._warned = False

    def _run(self) -> None:
        while not self._ending.is_set():
            self._do(_RENEW, self._row)
            self._ending.wait(RENEW)
        self._do(_FORGET, self._row[:1])

    def _do(self, statement: str, values: Sequence[object]) -> None:
        with contextlib.suppress(psycopg.Error), _connected(self._dsn) as connection:
            connection.execute(statement.encode(), values)
            self._compare([each.zones for each in running(connection)])

    def _compare(self, zones: Sequence[str]) -> None:
        """Warn once, until all agree again."""
        others = sorted({*zones} - {self._zones})
        if others and not self._warned:
            logger.error(
                "time zone data differs between processes, install the same release", zones=self._zones, others=others
            )
        self._warned = bool(others)


def running(connection: psycopg.Connection) -> Sequence[RunningProcess]:
    """The processes that run on this database, by role."""
    with connection.cursor(row_factory=class_row(RunningProcess)) as cursor:
        return cursor.execute(RUNNING.encode()).fetchall()


def _connected(dsn: str) -> psycopg.Connection:
    return psycopg.connect(dsn, autocommit=True, application_name=NAME, connect_timeout=5)
