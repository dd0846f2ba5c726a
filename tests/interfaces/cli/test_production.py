"""A process of PROD that must not start says why, once, on one screen, and opens no connection."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.instances import clean_environment

ROOT = Path(__file__).parents[3]
PROD = {
    "MODE": "PROD",
    "SECRET_KEY": "s" * 44,
    "MASTER_KEY": "m" * 44,
    "PUBLIC_URL": "https://booking.example.org",
    "DB_HOST": "127.0.0.1",
    "DB_PORT": "1",
    "BROKER_URL": "redis://127.0.0.1:1/0",
}
SUPERUSER = """Daybook cannot start: 1 setting is wrong.
  DB_SUPERUSER=postgres   leave it out: only `daybook migrate`, `rebuild` and `admin` need it
Every setting is explained in .env.example.
"""
GUNICORN = [
    "gunicorn",
    "--config",
    str(ROOT / "docker/gunicorn.conf.py"),
    "interfaces.cli.gunicorn_worker:application()",
]


def ended(folder: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Exit status, and what it said."""
    command = [str(Path(sys.executable).parent / arguments[0]), *arguments[1:]]
    done = subprocess.run(
        command,
        cwd=folder,
        env=clean_environment(PYTHONPATH=str(ROOT), **PROD | environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("role", ["api", "project", "worker", "beat", "flower", "feed-sink"])
def test_roles_that_run_for_long_refuse_the_superuser(role: str, tmp_path: Path) -> None:
    assert ended(tmp_path, "daybook", role, DB_SUPERUSER="postgres") == (2, SUPERUSER)


def test_gunicorn_refuses_it_once_and_not_in_each_process(tmp_path: Path) -> None:
    assert ended(tmp_path, *GUNICORN, DB_SUPERUSER="postgres", WEB_CONCURRENCY="2") == (2, SUPERUSER)


def test_migrate_takes_it(tmp_path: Path) -> None:
    status, said = ended(tmp_path, "daybook", "migrate", DB_SUPERUSER="postgres")
    assert status == 1
    assert said.startswith("PostgreSQL does not answer at 127.0.0.1:1")


@pytest.mark.parametrize("command", [["daybook", "api"], ["daybook", "migrate"], GUNICORN])
def test_what_is_unsafe_is_refused_by_every_process(command: list[str], tmp_path: Path) -> None:
    status, said = ended(tmp_path, *command, PUBLIC_URL="http://booking.example.org", DB_PASS="postgres")
    assert status == 2
    assert said.startswith("Daybook cannot start: 2 settings are wrong.\n")
    assert len(said.splitlines()) == 4
