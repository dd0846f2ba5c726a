"""What a Daybook that runs for long takes of its machine: memory, files, logs, dead rows."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from tests.support.instances import Instance, ask
from tests.system.journeys.operations.test_memory import shares

_JOBS = """
    SELECT n_dead_tup, n_live_tup, n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables
    WHERE schemaname = 'work' AND relname = 'job'"""


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
        )

    def line(self, began: float) -> str:
        memory = " ".join(f"{role} {size:.0f}" for role, size in sorted(self.memory.items()))
        hot = 100 * self.hot_updates // max(self.updates, 1)
        return (
            f"{self.at - began:6.0f} s  {self.memory.total():5.0f} MB ({memory})  API files {self.api_files:3}  "
            f"metric files {self.metric_files:2} in {self.metric_folders}  logs {self.logs:.1f} MB  "
            f"jobs {self.live_rows}, dead rows {self.dead_rows}, HOT {hot} %, load {os.getloadavg()[0]:.1f}"
        )


def _name(data: Path) -> str:
    return hashlib.sha256(bytes(data)).hexdigest()[:12]


def _open_files(pid: int) -> int:
    try:
        return len([*Path(f"/proc/{pid}/fd").iterdir()])
    except (FileNotFoundError, ProcessLookupError):
        return 0
