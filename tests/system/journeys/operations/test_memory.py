"""The memory of `daybook up` and of all that it starts, as docs/architecture.md states it."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.instances import Instance, a_folder, ask, command, family, within
from tests.support.waiting import PATIENCE

MOST = 750.0  # MB, of all processes together
_WORKERS = "SELECT pid FROM work.process WHERE role = 'worker'"
ROLES = ("api", "project", "worker", "beat", "flower", "up")
PER_ROLE = {"up": 75.0, "api": 140.0, "project": 105.0, "worker": 225.0, "beat": 75.0, "flower": 90.0}
"""MB; of the worker, all its processes."""


@pytest.fixture(scope="module")
def up() -> Iterator[Instance]:
    if not Path("/proc/self/smaps_rollup").exists():
        pytest.skip("only Linux says how much memory of a process is shared")
    with a_folder() as folder, Instance.start(folder, apis=1, workers=1) as instance:
        within(PATIENCE, lambda: ask(instance.superuser_database, _WORKERS))  # one of its processes has begun
        yield instance


def share(pid: int) -> float:
    """The process's proportional share of memory (PSS) in MB; 0 if it has ended."""
    try:
        return int(re.findall(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)[0]) / 1024
    except (FileNotFoundError, ProcessLookupError):
        return 0.0


def role_of(pid: int) -> str:
    words = command(pid)
    return next((role for role in ROLES if role in words[3:4]), "servers")


def shares(instance: Instance) -> Counter[str]:
    """MB by role."""
    top, found = instance.process.process.pid, Counter[str]()
    for pid in (top, *family(top)):
        found[role_of(pid)] += share(pid)
    return found


def test_all_of_daybook_up_takes_less_memory_than_documented(up: Instance, capsys: pytest.CaptureFixture[str]) -> None:
    found = shares(up)
    with capsys.disabled():
        sys.stdout.write("\n" + "".join(f"{role:10}{size:7.1f} MB\n" for role, size in found.most_common()))
        sys.stdout.write(f"{'all':10}{found.total():7.1f} MB\n")
    assert {role: size for role, size in found.items() if size > PER_ROLE.get(role, MOST)} == {}
    assert found.total() < MOST


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("interfaces.cli.startup.run", {"sqlalchemy", "alembic", "fastapi", "celery", "projections"}),
        ("interfaces.worker.celery_app", {"sqlalchemy", "alembic", "fastapi", "projections", "domain"}),
        ("interfaces.worker.main", {"fastapi", "alembic", "zxcvbn"}),
        ("interfaces.projector.main", {"fastapi", "alembic", "zxcvbn", "celery"}),
        ("interfaces.http.main", {"alembic", "zxcvbn", "celery"}),
    ],
)
def test_a_process_does_not_load_what_it_does_not_use(module: str, heavy: set[str]) -> None:
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert heavy & {*ran.stdout.split()} == set()
