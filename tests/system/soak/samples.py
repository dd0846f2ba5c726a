"""What a Daybook that runs for long takes of its machine: memory, files, logs, dead rows."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from tests.support.instances import Instance, ask
from tests.system.journeys.operations.test_memory import shares

_JOBS = """
    SELECT n_dead_tup, n_live_tup, n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables
    WHERE schemaname = 'work' AND relname = 'job'"""
_SERVER = """
    SELECT pg_database_size(current_database()), (SELECT sum(pg_total_relation_size(relid)) FROM pg_stat_user_tables
               WHERE schemaname = 'log'),
           (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()),
           (SELECT count(*) FROM work.job WHERE done_at IS NULL AND dead_at IS NULL AND due_at < clock_timestamp()),
           (SELECT count(*) FROM log.stored_events WHERE topic = 'Appointment.Booked')"""
# Dead rows are no bloat as long as autovacuum keeps up: it begins at 20 percent of a table, and 50 rows.
_BLOAT = """
    SELECT schemaname || '.' || relname, n_dead_tup, n_live_tup FROM pg_stat_user_tables
    WHERE n_dead_tup > 1000 ORDER BY n_dead_tup DESC LIMIT 3"""
_DONE = "SELECT kind, count(*) FROM work.job WHERE done_at IS NOT NULL GROUP BY kind ORDER BY kind"


@dataclass(frozen=True)
class Sample:
    """At one moment: MB by role, open files of the API, metric files and folders, MB of logs, rows of the job table."""

    memory: Counter[str]
    api_files: int
    metric_files: int
    metric_folders: int
    logs: float
    dead_rows: int
    live_rows: int
    updates: int
    hot_updates: int
    database: int = 0  # bytes
    log: int = 0  # bytes of the tables of record
    connections: int = 0
    due: int = 0  # jobs that are due and not done
    bookings: int = 0
    done: Counter[str] = field(default_factory=Counter)
    bloat: Sequence[tuple[str, int, int]] = ()  # tables with their dead and live rows
    at: float = field(default_factory=monotonic)

    @classmethod
    def of(cls, instance: Instance) -> Sample:
        folders = [*Path(tempfile.gettempdir()).glob(f"daybook-metrics-{_name(instance.data)}-*")]
        apis = instance.pids("api")
        (jobs,) = ask(instance.superuser_database, _JOBS)
        dead, live, updates, hot = (int(str(each)) for each in jobs)
        return cls(
            shares(instance),
            max((_open_files(pid) for pid in apis), default=0),
            sum(len([*folder.glob("*.db")]) for folder in folders),
            len(folders),
            sum(file.stat().st_size for file in instance.data.glob("*/log*")) / 2**20,
            dead,
            live,
            updates,
            hot,
            *(int(str(each)) for each in ask(instance.superuser_database, _SERVER)[0]),
            done=Counter({str(kind): int(str(count)) for kind, count in ask(instance.superuser_database, _DONE)}),
            bloat=[(str(name), int(str(a)), int(str(b))) for name, a, b in ask(instance.superuser_database, _BLOAT)],
        )

    def line(self, began: float) -> str:
        memory = " ".join(f"{role} {size:.0f}" for role, size in sorted(self.memory.items()))
        hot = 100 * self.hot_updates // max(self.updates, 1)
        return (
            f"{self.at - began:6.0f} s  {self.memory.total():5.0f} MB ({memory})  API files {self.api_files:3}  "
            f"metric files {self.metric_files:2} in {self.metric_folders}  logs {self.logs:.1f} MB  "
            f"jobs {self.live_rows}, dead rows {self.dead_rows}, HOT {hot} %, "
            f"due {self.due}, connections {self.connections}, load {os.getloadavg()[0]:.1f}"
        )

    def growth(self, since: Sample) -> str:
        """Bytes of a booking, with all that was done besides; jobs by kind; the tables with the most dead rows."""
        bookings = max(self.bookings - since.bookings, 1)
        log, database = (self.log - since.log) / bookings / 1000, (self.database - since.database) / bookings / 1000
        done = dict(self.done - since.done)
        size = f"{log:.1f} kB of log and {database:.1f} kB of database each"
        return f"{bookings} bookings, {size}; jobs done: {done}; dead rows: {self.bloat}"


def _name(data: Path) -> str:
    return hashlib.sha256(bytes(data)).hexdigest()[:12]


def _open_files(pid: int) -> int:
    try:
        return len([*Path(f"/proc/{pid}/fd").iterdir()])
    except (FileNotFoundError, ProcessLookupError):
        return 0
