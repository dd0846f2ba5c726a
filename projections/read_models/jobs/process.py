"""The processes that run: their roles, hosts and releases, from the rows that they renew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # beat and Flower, which register themselves, load no SQLAlchemy
    from sqlalchemy.ext.asyncio import AsyncConnection

ALIVE = 35  # seconds without a sign of life after which a process counts as gone
MOST = 200
RUNNING = f"""
    SELECT role, host, pid, version, zones, started_at FROM work.process
    WHERE seen_at > clock_timestamp() - interval '{ALIVE} s'
    ORDER BY role, started_at LIMIT {MOST}"""  # noqa: S608  numbers of ours


class RunningProcess(NamedTuple):
    """A process that gave a sign of life within ALIVE seconds. `zones`: the version of its time zone data."""

    role: str
    host: str
    pid: int
    version: str
    zones: str
    started_at: datetime


async def running_processes(connection: AsyncConnection) -> Sequence[RunningProcess]:
    """At most MOST, by role."""
    return [RunningProcess(**row._mapping) for row in await connection.exec_driver_sql(RUNNING)]
