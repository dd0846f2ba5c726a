"""The servers of this machine, each test with real ones of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from structlog.testing import capture_logs

from infrastructure.local.instance import start_servers
from infrastructure.local.programs import NoServer, bound_log, find_postgres, find_valkey, first_postgres
from infrastructure.local.servers import InUse, LocalServers
from tests.support.instances import within
from tests.support.waiting import PATIENCE, assert_took

ROOT = Path(__file__).parents[3]
NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can and must become somebody else")


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that every account may enter, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="daybook-local-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def ask(dsn: str, statement: str) -> Any:
    """The first column of the first row, if there is one."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        answer = connection.execute(statement)
        row = answer.fetchone() if answer.description else None
    return row and row[0]


def ping(url: str) -> bool:
    with redis.Redis.from_url(url) as client:
        return bool(client.ping())


def postmaster(home: Path) -> int:
    return int((home / "postgres/data/postmaster.pid").read_text().splitlines()[0])


def is_gone(pid: int) -> bool:
    """Dead, or dead and not yet buried by whoever adopted it."""
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


PARENT = """
import encodings.idna, json, os, sys  # what is looked up late may be closed to another account
from pathlib import Path
import psycopg, redis
from infrastructure.local.servers import LocalServers
uid, home = int(sys.argv[1]), Path(sys.argv[2])
if uid:
    os.setgroups([]), os.setgid(uid), os.setuid(uid)
with LocalServers(home, fsync=False) as servers:
    try:
        print(json.dumps([servers.superuser_dsn(), servers.redis_url, os.geteuid()]), flush=True)
        sys.stdin.read()
    except KeyboardInterrupt:
        with psycopg.connect(servers.superuser_dsn()) as connection:
            print(connection.execute("SELECT 'still there'").fetchone()[0], flush=True)
"""


@pytest.fixture
def parent(home: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a process, in a group of its own, that runs the servers of `home` until its input ends."""
    started: list[subprocess.Popen[str]] = []

    def start(uid: int = 0) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", PARENT, str(uid), str(home)]
        process = subprocess.Popen(
            command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.communicate(timeout=PATIENCE)


def told(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def test_both_servers_answer_and_are_gone_afterwards(home: Path) -> None:
    with LocalServers(home) as servers:
        dsn, url, pid = servers.superuser_dsn(), servers.redis_url, postmaster(home)
        assert ask(dsn, "SELECT 1") == 1
        assert ping(url)
    with pytest.raises(psycopg.OperationalError):
        ask(dsn, "SELECT 1")
    with pytest.raises(redis.ConnectionError):
        ping(url)
    assert is_gone(pid)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("data_checksums", "on"),
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", ""),
        ("password_encryption", "scram-sha-256"),
        ("max_connections", "200"),
        ("server_encoding", "UTF8"),
        ("TimeZone", "UTC"),
    ],
)
def test_postgresql_is_set_up_to_keep_what_it_acknowledged(durable_dsn: str, setting: str, value: str) -> None:
    assert ask(durable_dsn, f"SHOW {setting}") == value


@pytest.fixture(scope="module")
def durable_dsn() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="daybook-local-"))
    folder.chmod(0o755)
    with LocalServers(folder, valkey=False) as servers:
        yield servers.superuser_dsn()
    shutil.rmtree(folder)


def test_letters_beyond_ascii_have_case(durable_dsn: str) -> None:
    assert ask(durable_dsn, "SELECT lower('ÉLODIE ŻÓŁĆ')") == "élodie żółć"


def test_nobody_gets_in_without_the_password(durable_dsn: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        ask(durable_dsn.replace("@", "-but-wrong@"), "SELECT 1")


def test_the_cache_asks_for_a_password_and_evicts_when_full(home: Path) -> None:
    with LocalServers(home, postgres=False) as servers:
        with redis.Redis.from_url(servers.redis_url) as client:
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lru"}
            assert int(client.config_get("maxmemory")["maxmemory"]) > 0
            assert client.config_get("save") == {"save": ""}
        with pytest.raises(redis.AuthenticationError):
            ping("redis://" + servers.redis_url.partition("@")[2])


def test_a_second_start_takes_seconds_and_finds_data_and_password(home: Path) -> None:
    with LocalServers(home) as servers:
        ask(servers.superuser_dsn(), "CREATE TABLE kept AS SELECT 42 AS answer")
        password = servers.superuser_password
    began = time.monotonic()
    with LocalServers(home) as servers:
        assert_took(began, 5)
        assert servers.superuser_password == password
        assert ask(servers.superuser_dsn(), "SELECT answer FROM kept") == 42


def test_the_port_may_be_chosen(home: Path) -> None:
    with LocalServers(home, fsync=False, valkey=False) as first:
        port = first.port
    with LocalServers(home, fsync=False, valkey=False, port=port) as second:
        assert second.port == port
        assert ask(second.superuser_dsn(), "SHOW port") == str(port)


def test_what_was_committed_survives_kill_9_of_the_server(home: Path) -> None:
    servers = LocalServers(home)
    servers.start()
    ask(servers.superuser_dsn(), "CREATE TABLE kept (n int)")
    with psycopg.connect(servers.superuser_dsn(), autocommit=True) as witness:
        for n in range(100):
            witness.execute("INSERT INTO kept VALUES (%s)", [n])
        os.kill(postmaster(home), signal.SIGKILL)
    servers.stop()
    with LocalServers(home) as again:
        assert ask(again.superuser_dsn(), "SELECT count(*) FROM kept") == 100


def test_servers_whose_parent_was_killed_are_replaced_without_loss(
    home: Path, parent: Callable[..., subprocess.Popen[str]]
) -> None:
    process = parent()
    dsn, url, _ = told(process)
    ask(dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
    orphan = postmaster(home)
    process.kill()
    process.wait()
    assert ask(dsn, "SELECT 1") == 1, "PostgreSQL outlives its parent"
    with LocalServers(home) as servers:
        assert is_gone(orphan)
        assert ask(servers.superuser_dsn(), "SELECT answer FROM kept") == 42
        assert ping(servers.redis_url)
        with pytest.raises(redis.RedisError):
            ping(url)


def test_a_process_number_that_now_belongs_to_a_stranger_is_no_obstacle(home: Path) -> None:
    with LocalServers(home, fsync=False, valkey=False):
        left = (home / "postgres/data/postmaster.pid").read_text().splitlines()
    (home / "postgres/data/postmaster.pid").write_text("\n".join([str(os.getpid()), *left[1:]]) + "\n")
    with LocalServers(home, fsync=False, valkey=False) as servers:
        assert ask(servers.superuser_dsn(), "SELECT 1") == 1


def test_a_first_start_that_was_cut_short_is_begun_again(home: Path) -> None:
    (home / "postgres.new/data/base").mkdir(parents=True)
    with LocalServers(home, fsync=False, valkey=False) as servers:
        assert ask(servers.superuser_dsn(), "SELECT 1") == 1


def test_two_at_once_on_one_folder_are_refused_by_name(home: Path) -> None:
    with LocalServers(home, fsync=False, valkey=False) as first:
        with pytest.raises(InUse, match=f"{home} is in use by process {os.getpid()}"):
            LocalServers(home).start()
        assert ask(first.superuser_dsn(), "SELECT 1") == 1


def test_ctrl_c_leaves_the_servers_to_whoever_started_them(
    parent: Callable[..., subprocess.Popen[str]],
) -> None:
    process = parent()
    dsn, _, _ = told(process)
    os.killpg(process.pid, signal.SIGINT)
    assert process.stdout is not None
    assert process.stdout.readline() == "still there\n"
    assert process.wait(timeout=PATIENCE) == 0
    with pytest.raises(psycopg.OperationalError):
        ask(dsn, "SELECT 1")


def test_the_postgresql_of_the_machine_will_do(home: Path) -> None:
    folder = find_postgres("machine")
    if folder.is_relative_to(sys.prefix):
        pytest.skip("this machine has no PostgreSQL 15 or later of its own")
    with LocalServers(home, fsync=False, valkey=False, postgres_bin=folder) as servers:
        assert ask(servers.superuser_dsn(), "SELECT lower('É')") == "é"
        assert ask(servers.superuser_dsn(), "SHOW data_checksums") == "on"


def test_an_ordinary_user_runs_the_servers_as_himself(home: Path, parent: Callable[..., subprocess.Popen[str]]) -> None:
    uid = NOBODY if os.geteuid() == 0 else os.geteuid()
    if os.geteuid() == 0:
        os.chown(home, uid, uid)
    dsn, url, euid = told(parent(0 if os.geteuid() == uid else uid))
    assert euid == uid
    assert ask(dsn, "SELECT 1") == 1
    assert ping(url)
    assert Path(f"/proc/{postmaster(home)}").stat().st_uid == uid


@as_root
def test_root_runs_them_as_an_account_without_rights(home: Path) -> None:
    with LocalServers(home, fsync=False):
        assert Path(f"/proc/{postmaster(home)}").stat().st_uid != 0
        assert (home / "postgres").stat().st_mode & 0o077 == 0


@as_root
def test_root_goes_on_with_the_account_that_owns_the_data(
    home: Path, parent: Callable[..., subprocess.Popen[str]]
) -> None:
    os.chown(home, NOBODY, NOBODY)
    process = parent(NOBODY)
    told(process)
    process.communicate(timeout=PATIENCE)
    with LocalServers(home, fsync=False) as servers:
        assert ask(servers.superuser_dsn(), "SELECT 1") == 1
        assert Path(f"/proc/{postmaster(home)}").stat().st_uid == NOBODY


@as_root
def test_data_goes_elsewhere_when_roots_folder_is_closed_to_postgresql(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infrastructure.local.servers.REFUGE", home / "refuge")
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    with capture_logs() as lines, LocalServers(closed / ".local", fsync=False) as servers:
        assert servers.home.is_relative_to(home / "refuge")
        assert ask(servers.superuser_dsn(), "SELECT 1") == 1
    (line,) = lines
    assert (line["wanted"], line["used"]) == (str(closed / ".local"), str(servers.home))


@as_root
def test_a_strict_umask_keeps_nobody_out_of_the_way_in(home: Path) -> None:
    before = os.umask(0o077)
    try:
        with LocalServers(home / "deep/.local", fsync=False) as servers:
            assert servers.home == home / "deep/.local"
            assert ask(servers.superuser_dsn(), "SELECT 1") == 1
    finally:
        os.umask(before)


@as_root
def test_wheels_in_a_folder_closed_to_postgresql_are_copied(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    for wheel in (find_postgres().parents[1], find_valkey().parents[2]):
        for folder in wheel.parent.glob(f"{wheel.name}*"):
            shutil.copytree(folder, closed / folder.name, symlinks=True)
    monkeypatch.syspath_prepend(closed)
    assert find_postgres().is_relative_to(closed)
    for _ in range(2):
        with LocalServers(home / "data", fsync=False) as servers:
            assert ask(servers.superuser_dsn(), "SELECT 1") == 1
            assert ping(servers.redis_url)


@as_root
def test_a_program_that_its_account_may_not_run_is_named(home: Path) -> None:
    folder = home / "closed"
    folder.mkdir(mode=0o700)
    for program in ("initdb", "postgres"):
        (folder / program).symlink_to(find_postgres() / program)
    with pytest.raises(NoServer, match=f"{folder}/postgres can't be run by the account"):
        LocalServers(home, postgres_bin=folder).start()


@as_root
def test_a_folder_of_another_account_is_refused_with_advice(
    home: Path, parent: Callable[..., subprocess.Popen[str]]
) -> None:
    with LocalServers(home, fsync=False, valkey=False):
        pass
    process = subprocess.run(
        [sys.executable, "-c", PARENT, str(NOBODY), str(home)],
        cwd=ROOT, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert "is another account's: choose another folder" in process.stderr


def test_without_any_postgresql_the_message_says_what_helps(tmp_path: Path) -> None:
    with pytest.raises(NoServer, match=r"No PostgreSQL 15 or later.*make install.*DB_HOST"):
        first_postgres([tmp_path])


def test_a_folder_without_postgresql_is_refused_before_anything_is_made(home: Path, tmp_path: Path) -> None:
    with pytest.raises(NoServer, match="No PostgreSQL 15 or later"):
        LocalServers(home, postgres_bin=tmp_path).start()
    assert not (home / "postgres").exists()


def test_data_of_another_version_is_left_alone(home: Path) -> None:
    with LocalServers(home, fsync=False, valkey=False):
        pass
    (home / "postgres/data/PG_VERSION").write_text("14\n")
    with pytest.raises(NoServer, match="is of PostgreSQL 14"):
        LocalServers(home, valkey=False).start()


def test_when_one_server_cannot_start_neither_is_left_running(home: Path) -> None:
    (home / "valkey").write_text("in the way")
    servers = LocalServers(home, fsync=False)
    with pytest.raises(FileExistsError):
        servers.start()
    assert not (home / "postgres/data/postmaster.pid").exists()


def test_the_database_is_made_in_utf8_whatever_the_servers_template(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LocalServers(home, fsync=False) as servers:
        provider = "LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'"
        for statement in (
            "UPDATE pg_database SET datistemplate = false WHERE datname = 'template1'",
            "DROP DATABASE template1",
            f"CREATE DATABASE template1 TEMPLATE template0 ENCODING 'SQL_ASCII' {provider}",
        ):
            ask(servers.superuser_dsn(), statement)
        settings = {"DB_HOST": servers.host, "DB_PORT": str(servers.port), "DB_SUPERUSER": servers.superuser}
        settings |= {"DB_SUPERUSER_PASS": servers.superuser_password, "DB_PASS": "secret"}
        for name, value in (settings | {"REDIS_URL": servers.redis_url, "BROKER_URL": servers.redis_url}).items():
            monkeypatch.setenv(name, value)
        with ExitStack() as stack:
            start_servers(tmp_path, stack)
        assert ask(servers.superuser_dsn("daybook"), "SHOW server_encoding") == "UTF8"


def test_the_log_of_a_running_server_stays_small(home: Path) -> None:
    with LocalServers(home, fsync=False, valkey=False) as servers:
        log = home / "postgres/log"
        with psycopg.connect(servers.superuser_dsn(), autocommit=True) as connection:
            for _ in range(3):
                with pytest.raises(psycopg.errors.UndefinedTable):
                    connection.execute(f"SELECT FROM missing -- {'x' * 10_000}".encode())
            bound_log(log, 20_000)
            assert log.stat().st_size == 0
            assert (home / "postgres/log.1").stat().st_size > 20_000
            with pytest.raises(psycopg.errors.UndefinedTable):
                connection.execute("SELECT FROM another")
        within(PATIENCE, lambda: "another" in log.read_text())
        assert "\0" not in log.read_text(), "the server goes on at the new end of the file"
