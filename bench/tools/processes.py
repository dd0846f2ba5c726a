"""CPU and memory of processes and of all that they start, as Linux counts them.

CPU repeats within a few per cent where rates swing by two: other programs take turns, and do nobody's work.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import psycopg

_TICK = os.sysconf("SC_CLK_TCK")


def cpu(*pids: int) -> float:
    """Seconds of CPU of these processes and of their children, also of those that have ended."""
    return sum(_own(each) + _ended(each) for pid in pids for each in family(pid))


def busy() -> float:
    """Seconds of CPU that all programs of this machine have taken since it was started, over all processors."""
    user, nice, system, _, _, interrupts, soft = map(int, Path("/proc/stat").read_text(encoding="ascii").split()[1:8])
    return (user + nice + system + interrupts + soft) / _TICK


def resident(pid: int) -> float:
    """MB of a process; nothing of one that has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(int(each) for each in re.findall(r"^VmRSS:\s+(\d+)", status, re.MULTILINE)) / 1024


def family(pid: int) -> list[int]:
    """The process and all that it started that still run."""
    try:
        listed = [path.read_text(encoding="ascii") for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except (FileNotFoundError, ProcessLookupError):
        return [pid]
    return [pid, *(each for children in listed for child in children.split() for each in family(int(child)))]


def postmaster(superuser_dsn: str) -> int:
    """The process that started all backends of a PostgreSQL."""
    with psycopg.connect(superuser_dsn) as connection:
        return int(_stat(connection.info.backend_pid)[1])


def _own(pid: int) -> float:
    try:
        return time.clock_gettime((~pid << 3) | 2)  # Linux numbers the clock of a process so
    except OSError:  # it has ended, and its parent counts it
        return 0.0


def _ended(pid: int) -> float:
    """Of its children that have ended, to a hundredth of a second."""
    try:
        fields = _stat(pid)
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[13]) + int(fields[14])) / _TICK


def _stat(pid: int) -> list[str]:
    """The fields after the name, which may have spaces."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
