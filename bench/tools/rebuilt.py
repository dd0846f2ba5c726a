"""`daybook rebuild` of a database: its rate, what CPU an event costs, and the memory that it needs."""

from __future__ import annotations

import time
from collections.abc import Mapping

import psycopg

from bench.tools import processes
from bench.tools.cost import cost_of, rate_of
from bench.tools.place import Database, Place

EARLY, LATER = "MB resident, a quarter read", "MB resident, most after that"
_MADE = b"""
    SELECT coalesce(min(position), 0) FROM read.bookmark
    WHERE generation = (SELECT max(generation) FROM read.bookmark)
        AND generation > (SELECT generation FROM read.live)"""


def rebuilt(place: Place, database: Database, events: int) -> Mapping[str, float]:
    """From the start of the command until it has ended. `events`: of the log."""
    before, began = processes.cpu(place.postmaster), time.perf_counter()
    seen: list[tuple[int, float]] = []
    spent = 0.0
    rebuilding = place.rebuild(database, "--processes", "2")
    with rebuilding as process, psycopg.connect(database.owner, autocommit=True) as connection:
        while process.poll() is None:
            row = connection.execute(_MADE).fetchone()
            memory = sum(map(processes.resident, processes.family(process.pid)))
            if row is not None and row[0]:
                seen.append((row[0], memory))
            spent = processes.cpu(process.pid) or spent
            time.sleep(0.05)
        seconds = time.perf_counter() - began
        assert process.returncode == 0
    spent += processes.cpu(place.postmaster) - before
    after = [memory for position, memory in seen if position >= events // 4] or [memory]
    return {
        rate_of("event"): events / seconds,
        cost_of("event"): 1e6 * spent / events,
        EARLY: after[0],
        LATER: max(after),
    }
