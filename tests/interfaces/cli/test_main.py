"""The command line as a whole: its help, and what each command says when settings are wrong or a server is away."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from tzdata import IANA_VERSION  # type: ignore[import-untyped]

from infrastructure.settings import inherited
from interfaces.cli.main import ORDER, app, main
from interfaces.cli.projections import OLD_NAME
from tests.conftest import Database
from tests.support.instances import OURS, clean_environment, free_port

HEAVY = ["alembic", "celery", "eventsourcing", "fastapi", "psycopg", "pydantic", "redis", "sqlalchemy", "uvicorn"]
WITH_SERVERS = (
    "seed",
    "admin create --email ada@example.org --password-stdin",
    "audit head",
    "audit checkpoint",
    "audit verify",
    "projections",
    "projections --json",
    "projections resume agenda",
    "status",
    "keys rotate",
    "rebuild",
)
WITHOUT_SERVERS = (
    "up",
    "api",
    "project",
    "worker",
    "beat",
    "flower",
    "feed-sink",
    "migrate",
    "token --role admin",
    "config",
    "doctor",
)


class Ran(NamedTuple):
    """Exit status and output of a command."""

    returncode: int
    stdout: str
    stderr: str


Daybook = Callable[..., Ran]


@pytest.fixture
def daybook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Daybook:
    """Runs a command in this process, with these variables alone, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(command: str, **variables: str) -> Ran:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", io.StringIO("a password of the tests\n"))
            patch.setattr(sys, "argv", ["daybook", *command.split()])
            for name in [name for name in inherited() if OURS.match(name)]:
                patch.delenv(name)
            for name, value in variables.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main()
        return Ran(int(ended.value.code or 0), *capsys.readouterr())

    return run


def process(folder: Path, command: str, **variables: str) -> Ran:
    """The same in a process of its own, for commands that set up logs for a whole process."""
    ran = subprocess.run(
        [sys.executable, "-m", "interfaces.cli", *command.split()],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=clean_environment(**variables),
        cwd=folder,
        check=False,
        timeout=100,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def test_help_imports_no_heavy_module(tmp_path: Path) -> None:
    script = (
        "import sys; sys.argv = ['daybook', '--help']\n"
        "from interfaces.cli.main import main\n"
        "try: main()\n"
        f"finally: print([each for each in {HEAVY!r} if each in sys.modules], file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "[]\n")


def test_help_lists_the_commands_in_the_order_in_which_one_needs_them(daybook: Daybook) -> None:
    ran = daybook("--help")
    listed = [line.split()[0] for line in ran.stdout.partition("Commands:\n")[2].splitlines()]
    assert listed == [
        *("up", "api", "project", "worker", "beat", "flower", "feed-sink"),
        *("status", "info", "doctor", "migrate", "seed", "token", "openapi", "config"),
        *("admin", "audit", "projections", "analytics", "keys", "rebuild", "restored"),
    ]
    named = [str(each.name or (each.callback and each.callback.__name__)) for each in app.registered_commands]
    assert sorted([*named, *(str(each.name) for each in app.registered_groups)]) == sorted([*ORDER, OLD_NAME])


@pytest.mark.parametrize("command", ["", "up", "api", "audit head", "projections", "config"])
def test_help_is_plain_fits_a_terminal_and_gives_flags_no_type(command: str, daybook: Daybook) -> None:
    ran = daybook(f"{command} --help", COLUMNS="80")
    assert ran.returncode == 0
    assert all(len(line) <= 80 for line in ran.stdout.splitlines())
    assert "<bool>" not in ran.stdout
    assert "..." not in ran.stdout.partition("Commands:\n")[2]


@pytest.mark.parametrize("command", [*WITHOUT_SERVERS, *WITH_SERVERS])
def test_wrong_settings_end_every_command_with_all_of_them_and_no_trace(command: str, daybook: Daybook) -> None:
    ran = daybook(command, MODE="FOO", API_PORT="abc", SECRET_KEY="hush")
    assert (ran.returncode, ran.stdout) == (2, "")
    head, mode, port, key, end = ran.stderr.splitlines()
    assert head == "Daybook cannot start: 3 settings are wrong."
    assert mode == "  MODE=FOO       use DEV, TEST or PROD"
    assert port == "  API_PORT=abc   use a whole number from 0 to 65535"
    assert key.startswith("  SECRET_KEY     use a key of your own of 32 bytes or more for HS256; this makes one: ")
    assert end == "Every setting is explained in .env.example."


@pytest.mark.parametrize("command", WITH_SERVERS)
def test_a_database_that_does_not_answer_is_said_in_one_line(command: str, daybook: Daybook) -> None:
    port = str(free_port())
    ran = daybook(command, DB_HOST="127.0.0.1", DB_PORT=port)
    said = f"PostgreSQL does not answer at 127.0.0.1:{port} (connection refused). Check DB_HOST and DB_PORT.\n"
    assert (ran.returncode, ran.stderr) == (1, said)
    ran = daybook(command, MODE="TEST", TEST_DB_HOST="127.0.0.1", TEST_DB_PORT=port)
    assert (ran.returncode, ran.stderr) == (1, said.replace("DB_", "TEST_DB_"))


def test_the_doctor_says_which_server_does_not_answer_and_goes_on(daybook: Daybook) -> None:
    port = str(free_port())
    ran = daybook("doctor", DB_HOST="127.0.0.1", DB_PORT=port, REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    assert ran.returncode == 1
    words = {line[6:].split()[0]: line.split()[0] for line in ran.stdout.splitlines() if line[:1] != " "}
    assert (words["settings"], words["database"], words["redis"]) == ("ok", "FAIL", "FAIL")
    assert f"PostgreSQL does not answer at 127.0.0.1:{port}" in ran.stdout
    assert IANA_VERSION in ran.stdout


def test_the_release_is_printed(daybook: Daybook) -> None:
    assert daybook("--version") == (0, f"Daybook {version('daybook')}\n", "")


def test_an_address_that_is_none_is_refused_before_the_password_is_asked(daybook: Daybook) -> None:
    ran = daybook("admin create --email bad")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "bad: Not an e-mail address that mail servers accept. Use one such as ada@example.org.\n"


@pytest.mark.parametrize("command", ["api", "migrate"])
def test_a_database_that_does_not_answer_ends_a_role_with_one_line(command: str, tmp_path: Path) -> None:
    port = str(free_port())
    assert process(tmp_path, command, DB_HOST="127.0.0.1", DB_PORT=port) == (
        1,
        "",
        f"PostgreSQL does not answer at 127.0.0.1:{port} (connection refused). Check DB_HOST and DB_PORT.\n",
    )


@pytest.mark.parametrize("command", ["projections", "audit head", "keys rotate"])
def test_a_database_without_tables_is_named(command: str, servers, daybook: Daybook) -> None:
    empty = {"DB_HOST": servers.host, "DB_PORT": str(servers.port), "DB_NAME": "postgres", "DB_USER": servers.superuser}
    ran = daybook(command, **empty, DB_PASS=servers.superuser_password)
    assert (ran.returncode, ran.stderr) == (1, "The database is not migrated. Run `daybook migrate`.\n")


def test_an_unknown_queue_is_refused_with_those_there_are(daybook: Daybook) -> None:
    ran = daybook("worker --queues mail,foo")
    assert ran.returncode == 2
    assert ran.stderr.startswith('Unknown queue "foo". Queues: sweep, ')


def test_an_unknown_role_is_refused_with_those_there_are(daybook: Daybook) -> None:
    ran = daybook("token --role anonymous")
    assert (ran.returncode, ran.stderr) == (
        2,
        "Unknown role anonymous. Roles: customer, provider, admin, auditor, analyst.\n",
    )


def test_no_token_is_printed_and_no_history_made_in_production(daybook: Daybook) -> None:
    own = {"MODE": "PROD", "SECRET_KEY": "k" * 44, "MASTER_KEY": "m" * 44, "DB_HOST": "localhost"}
    own["PUBLIC_URL"] = "https://daybook.example"
    ran = daybook("token --role admin", **own)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "Tokens are printed in DEV and TEST only. In PROD, sign in: POST /v1/auth/token.\n"
    ran = daybook("seed --year", **own)
    assert (ran.returncode, ran.stderr) == (1, "A year of demo history is written in DEV and TEST only.\n")


def way_to(database: Database) -> dict[str, str]:
    """The variables that lead to a database, as the application's role."""
    host, port = database.application.rpartition("@")[2].partition("/")[0].split(":")
    to = {"DB_HOST": host, "DB_PORT": port, "DB_NAME": database.name}
    return to | {"DB_USER": "daybook_test", "DB_PASS": "daybook_test"}


def test_a_rebuild_by_the_role_of_the_application_says_who_may(database: Database, daybook: Daybook) -> None:
    ran = daybook("rebuild", **way_to(database))
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)
    assert ran.stderr.startswith("PostgreSQL refuses: permission denied")
    assert "docker compose run --rm --no-deps migrate COMMAND" in ran.stderr


def test_an_analyst_is_let_in_and_out_and_figures_are_exported(
    database: Database, daybook: Daybook, tmp_path: Path
) -> None:
    owner, login = conninfo_to_dict(database.owner), f"lena_{uuid4().hex[:8]}"
    to = way_to(database) | {"DB_SUPERUSER": str(owner["user"]), "DB_SUPERUSER_PASS": str(owner.get("password", ""))}
    ran = daybook(f"analytics grant {login}", **to)
    assert ran.returncode == 0, ran.stderr
    password = ran.stdout.rpartition("shown once: ")[2].strip()
    place = database.application.rpartition("@")[2]
    with psycopg.connect(f"postgresql://{login}:{password}@{place}") as lena:
        assert lena.execute("SELECT count(*) FROM appointment").fetchone() == (0,)
    assert "Password" not in daybook(f"analytics grant {login}", **to).stdout, "it has one"
    (tmp_path / "secret").write_text("another\n")
    ran = daybook(f"analytics grant {login} --password-file {tmp_path / 'secret'}", **to)
    assert (ran.returncode, "Password" in ran.stdout) == (0, False)
    psycopg.connect(f"postgresql://{login}:another@{place}").close()
    refused = daybook("analytics grant daybook_test", **to)
    assert refused.returncode == 1
    assert refused.stderr == "daybook_test is a member of other roles: choose a login that is of none.\n"
    assert daybook(f"analytics revoke {login}", **to).returncode == 0
    assert daybook(f"analytics revoke {login}", **to).stderr == f"{login} reads no figures.\n"
    days = f"--from 2026-03-01 --to 2026-03-02 {tmp_path / 'figures'}"
    ran = daybook(f"analytics export {days}", **way_to(database))
    assert ran.stdout.splitlines()[-1] == f"12 files written to {tmp_path / 'figures'}, 0 were there already."
    assert daybook(f"analytics export --from 2026-03-02 --to 2026-03-01 {tmp_path}", **to).returncode == 2


def test_projections_that_stopped_or_are_ahead_are_told_apart_and_all_resumed_at_once(
    database: Database, daybook: Daybook
) -> None:
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute("UPDATE read.checkpoint SET stopped_at = 1, error = 'why' WHERE reader IN ('agenda', 'job')")
        owner.execute("UPDATE read.checkpoint SET position = 9 WHERE reader = 'customer'")
    ran = daybook("projections", **way_to(database))
    assert ran.returncode == 1
    for said in (
        "agenda stopped at position 1: why",
        "job stopped at position 1: why",
        "customer is ahead of the log. Run `daybook audit verify`, then `daybook rebuild`.",
    ):
        assert said in ran.stderr.splitlines()
    assert daybook("projections resume", **way_to(database)).stdout == "agenda has resumed.\njob has resumed.\n"
    again = daybook("projections resume", **way_to(database))
    assert (again.returncode, again.stdout) == (0, "Each projection is running; nothing to resume.\n")


def test_the_old_name_of_projections_works_and_says_so(database: Database, daybook: Daybook) -> None:
    to = way_to(database)
    now, before = (daybook(name, **to) for name in ("projections", "readers"))
    assert (now.returncode, now.stderr) == (0, "")
    assert "agenda" in now.stdout
    assert (before.returncode, before.stdout) == (0, now.stdout)
    assert before.stderr == "`daybook readers` is now `daybook projections`; the old name still works.\n"
    assert "readers" not in daybook("--help").stdout.split()


def test_config_shows_what_is_in_force_and_no_secret(tmp_path: Path, daybook: Daybook) -> None:
    (tmp_path / "key").write_text("hush" * 11)
    (tmp_path / ".env").write_text("LOG_LEVEL=DEBUG\nDB_HOST=db\n")
    variables = {"SECRET_KEY_FILE": str(tmp_path / "key"), "REDIS_URL": "redis://:hush@cache:6379/0", "DB_PASS": "hush"}
    ran = daybook("config --json", **variables)
    shown = json.loads(ran.stdout)
    assert shown["LOG_LEVEL"] == {"value": "DEBUG", "source": ".env"}
    assert shown["SECRET_KEY"] == {"value": "***", "source": f"file {tmp_path}/key"}
    assert shown["REDIS_URL"] == {"value": "redis://***@cache:6379/0", "source": "environment"}
    assert shown["API_PORT"] == {"value": "8000", "source": "default"}
    text = daybook("config", **variables)
    assert len(text.stdout.splitlines()) == len(shown)
    assert "hush" not in ran.stdout + text.stdout
