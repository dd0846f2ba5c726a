"""`daybook up`: it starts whole, stops whole, mends itself, and says in one line what the user can mend."""

import asyncio
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import termios
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from infrastructure.local.instance import settings_of_instance
from infrastructure.local.programs import ServerAccount, free_port
from infrastructure.settings import Settings
from tests.support.instances import (
    ROOT,
    Instance,
    Process,
    a_folder,
    ask,
    children,
    clean_environment,
    command,
    family,
    is_gone,
    is_ready,
    within,
)
from tests.support.waiting import PATIENCE, assert_took
from tests.system.journeys.conftest import checked
from tests.system.journeys.town import Town, at, good, position

NOBODY = 65534
TROUBLE = re.compile(r"Traceback|Fatal|Warning|\"level\": \"error\"")


async def book_one(instance: Instance, clock: str = "09:00") -> str:
    """Somebody books with a new provider; the appointment's id."""
    async with Town(instance) as town:
        shop = await town.a_shop()
        booked = await town.somebody().book(shop, at(clock))
        assert at(clock) not in (await shop.starts(seen=position(booked)))["starts"]
        return str(good(booked, 201)["id"])


def is_recorded(instance: Instance, id: str) -> bool:
    return bool(ask(instance.superuser_database, "SELECT 1 FROM log.stored_events WHERE originator_id = %s", [id]))


@pytest.mark.timeout(900)
async def test_it_stops_whole_on_either_signal_and_starts_again_in_seconds_with_its_data() -> None:
    with a_folder() as data:
        first = await asyncio.to_thread(Instance.start, data, apis=2)
        id = await book_one(first)
        assert_stops(first, lambda: first.process.stop(signal.SIGTERM))

        began = time.monotonic()
        second = await asyncio.to_thread(Instance.start, data, apis=2)
        assert_took(began, 30)
        assert is_recorded(second, id)
        await book_one(second)
        await checked(second, [])

        def ctrl_c() -> int:
            os.killpg(second.process.process.pid, signal.SIGINT)  # as a terminal does
            return second.process.wait()

        assert_stops(second, ctrl_c)


def assert_stops(instance: Instance, stop: Callable[[], int]) -> None:
    everybody = family(instance.process.process.pid)
    assert len(everybody) >= 5, "projector, two APIs, PostgreSQL, Valkey"
    began = time.monotonic()
    assert stop() == 0
    assert_took(began, 15)
    assert all(map(is_gone, everybody))
    assert not TROUBLE.search(instance.process.said), instance.process.said
    assert not (instance.data / "instance.json").exists()


@pytest.mark.timeout(900)
async def test_after_kill_9_its_children_end_and_the_next_start_works() -> None:
    with a_folder() as data:
        first = await asyncio.to_thread(Instance.start, data, apis=2)
        id = await book_one(first)
        ours = [*first.pids("api"), *first.pids("project")]
        everybody = family(first.process.process.pid)
        first.process.kill()
        within(15, lambda: all(map(is_gone, ours)))
        with await asyncio.to_thread(Instance.start, data, apis=1) as second:
            within(15, lambda: all(map(is_gone, everybody)))  # its servers too: the backends after their parent
            assert is_recorded(second, id)
            await book_one(second)
            await checked(second, [])


@pytest.mark.timeout(900)
async def test_a_folder_with_any_letters_does_in_any_locale() -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    with a_folder() as folder:
        data = folder / "Дата für 日本"
        data.mkdir(mode=0o755)
        first = await asyncio.to_thread(Instance.start, data, apis=1, env=ascii_only)
        everybody = family(first.process.process.pid)
        first.process.kill()
        with await asyncio.to_thread(Instance.start, data, apis=1, env=ascii_only) as second:
            within(15, lambda: all(map(is_gone, everybody)))
            await book_one(second)


@pytest.mark.timeout(180)
async def test_every_process_has_the_same_settings_and_a_name_for_each_connection() -> None:
    with a_folder() as data, await asyncio.to_thread(Instance.start, data, apis=1, workers=1) as instance:
        roles = [pid for pid in children(instance.process.process.pid) if "interfaces.cli" in command(pid)]
        assert {command(pid)[3] for pid in roles} == {"api", "project", "worker", "beat", "flower"}
        names = {name.upper() for name in Settings.model_fields}
        (ours,) = {frozenset((n, v) for n, v in variables(pid).items() if n in names) for pid in roles}
        assert dict(ours)["PUBLIC_URL"] == instance.api
        running = settings_of_instance(data)
        assert running["public_url"] == instance.api, "a role that joins from the folder has it too"
        await book_one(instance)
        unnamed = ask(instance.superuser_database, _CONNECTIONS, [documented_connections()])
        assert unnamed == [], "the page about connections names each"


_CONNECTIONS = """
    SELECT DISTINCT application_name FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND NOT application_name = ANY(%s)"""


def documented_connections() -> list[str]:
    """The names in the table of docs/architecture.md."""
    return re.findall(r"`(daybook-[a-z-]+)`", (ROOT / "docs/architecture.md").read_text(encoding="utf-8"))


def variables(pid: int) -> dict[str, str]:
    """The environment of a process."""
    pairs = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


@pytest.mark.timeout(300)
async def test_each_process_says_an_outage_in_one_line() -> None:
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    with a_folder() as data:
        start = asyncio.to_thread(
            Instance.start, data, apis=1, workers=1, env={"REDIS_URL": nowhere, "BROKER_URL": nowhere}
        )
        with await start as instance:
            async with Town(instance) as town:
                shop = await town.a_shop()
                for n in range(60):  # some seconds, in which what tries each second tries again and again
                    date = at("00:00", day=n % 5).date()
                    which = f"service_id={shop.service_id}&provider_id={shop.provider_id}"
                    await town.stranger.ask("GET", f"/v1/availability?{which}&from={date}&to={date}&tz=UTC")
                    await town.http.post(f"{instance.api}/v1/auth/password/forgot", json={"email": "ada@example.org"})
                    await asyncio.sleep(0.2)
            said = [json.loads(line) for line in instance.process.err.read_text().splitlines() if line[:1] == "{"]
        lines = [line for line in said if line["level"] in {"warning", "error"}]
        assert {line["outage"] for line in lines if "outage" in line} == {"redis", "broker"}
        repeated = Counter((line["role"], line["pid"], line["event"]) for line in lines)
        assert {line: count for line, count in repeated.items() if count > 1} == {}


def test_a_port_that_is_taken_is_named_at_once(shared: Instance) -> None:
    port = shared.api.rpartition(":")[2]
    with a_folder() as data:
        up = Process.start(data, *f"up --no-demo --port {port} --data {data}".split())
        assert up.wait(60) == 1
        assert f"Port {port} is taken: choose another with --port" in up.said
        assert not (data / "postgres").exists(), "nothing was made for nothing"


def test_a_folder_that_is_in_use_is_named_with_who_uses_it(shared: Instance) -> None:
    with a_folder() as folder:
        up = Process.start(folder, *f"up --no-demo --port 0 --data {shared.data}".split())
        assert up.wait(60) == 1
        pid = shared.process.process.pid
        assert up.said.strip() == (
            f"{shared.data} is in use by process {pid}: stop that one, or choose another folder."
        )
    assert is_ready(shared.api)


def test_a_role_without_servers_says_how_to_start_them() -> None:
    with a_folder() as data:
        roles = ("api", "project", "token --role admin")
        for process in [Process.start(data, *role.split(), "--data", str(data)) for role in roles]:
            assert process.wait(60) == 1
            assert process.said.strip() == (
                f"DB_HOST is not set, and nothing runs in {data}: start it with `daybook up --data {data}`."
            )


def account_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def python_for(account: ServerAccount, folder: Path) -> tuple[str, dict[str, str]]:
    """A Python that the account may run, a copy if it may not run this one, and the variables it needs."""
    paths = {"PYTHONPATH": f"{ROOT}:{sysconfig.get_path('purelib')}"}
    if account.run([sys.executable, "-c", ""]).returncode == 0:
        return sys.executable, paths
    there, name = Path(sys.base_prefix), f"python3.{sys.version_info.minor}"
    copy = folder / "python"
    for part in ("bin", "lib"):
        (copy / part).mkdir(parents=True)
    shutil.copy(there / "bin" / name, copy / "bin")
    for shared in (there / "lib").glob("libpython*"):
        shutil.copy(shared, copy / "lib")
    not_needed = shutil.ignore_patterns("test", "site-packages", "__pycache__", "idlelib", "config-*")
    shutil.copytree(there / "lib" / name, copy / "lib" / name, ignore=not_needed)
    return str(copy / "bin" / name), {**paths, "PYTHONHOME": str(copy), "LD_LIBRARY_PATH": f"{copy}/lib"}


@pytest.mark.timeout(900)
async def test_an_ordinary_user_starts_all_of_it_as_himself() -> None:
    if os.geteuid() != 0:
        pytest.skip("every other test here is run by an ordinary user already")
    with a_folder() as folder:
        data = folder / "data"
        data.mkdir()
        os.chown(data, NOBODY, NOBODY)
        python, env = python_for(ServerAccount(NOBODY, NOBODY), folder)
        start = Instance.start(data, apis=1, env=env, python=python, uid=NOBODY)
        with start as instance:
            everybody = family(instance.process.process.pid)
            assert {account_of(pid) for pid in everybody} == {NOBODY}
            await book_one(instance)
            await checked(instance, [])
        assert all(map(is_gone, everybody))


class Screen:
    """`daybook up` in a terminal of 80 by 24."""

    def __init__(self, data: Path) -> None:
        self.written = b""
        pid, self._fd = pty.fork()
        if pid == 0:
            termios.tcsetwinsize(0, (24, 80))
            arguments = ["-m", "interfaces.cli", *f"up --port 0 --data {data}".split()]
            os.execve(
                sys.executable, [sys.executable, *arguments], clean_environment(TERM="xterm", PYTHONPATH=str(ROOT))
            )
        self.pid = pid
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with suppress(OSError):
            while part := os.read(self._fd, 65536):
                self.written += part

    def shown(self) -> str:
        """All that it wrote, without colours; a line that it erased is a line of its own."""
        lines = self.written.replace(b"\x1b[2K", b"\n")
        return re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", lines).decode(errors="replace").replace("\r\n", "\n")

    def stop(self) -> int:
        """Ctrl-C; the exit status."""
        os.kill(self.pid, signal.SIGINT)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.mark.timeout(900)
def test_a_first_and_a_second_start_fit_the_screen_and_the_first_booking_books() -> None:
    with a_folder() as data:
        screen = Screen(data)
        within(PATIENCE, lambda: "Ctrl-C stops all of it." in screen.shown())
        begun, _, summary = screen.shown().partition("Daybook is up")
        assert begun.startswith("Starting Daybook ...\n")
        bar = next(line for line in re.split(r"[\r\n]", begun) if "Building the demo data" in line and "/" in line)
        assert "0/?" not in bar
        assert not re.search(r"\d/\d+ [\d:-]+ *\d{4}-\d\d-\d\dT", begun), "a log line tears the bar"
        assert_fits(summary, data)

        info = Process.start(data, "info", "--data", str(data))
        assert info.wait(60) == 0
        (script,) = re.findall(r"^TOKEN=.*\ncurl .*", info.said, re.MULTILINE)
        told = subprocess.run(
            ["bash", "-c", script], capture_output=True, text=True, check=True, cwd=ROOT, env=clean_environment()
        ).stdout
        assert told.startswith("HTTP/1.1 201 Created\n"), told
        assert json.loads(told.rpartition("\n\n")[2])["status"] == "booked"
        assert screen.stop() == 0
        assert not TROUBLE.search(screen.shown()), screen.shown()

        again = Screen(data)
        within(PATIENCE, lambda: "Ctrl-C stops all of it." in again.shown())
        assert "Building" not in again.shown(), "nothing is built"
        assert again.stop() == 0
        assert not (data / "report.json").exists()


def assert_fits(summary: str, data: Path) -> None:
    """24 lines of 80 columns, addresses last; no token and no password."""
    lines = summary.splitlines()
    assert len(lines) < 24, summary
    assert [line for line in lines[1:] if len(line) > 80 and str(data) not in line] == []
    assert lines.index(next(line for line in lines if line.startswith("API "))) > len(lines) - 6
    assert "eyJ" not in summary
    assert (data / "demo_password").read_text() not in summary


@pytest.mark.timeout(300)
def test_ctrl_c_while_the_demo_data_is_built_stops_at_once() -> None:
    with a_folder() as data:
        screen = Screen(data)
        within(PATIENCE, lambda: re.search(r"Building the demo data.* [1-9]\d*/", screen.shown()))
        began = time.monotonic()
        assert screen.stop() == 0
        assert_took(began, 8)
        assert "Traceback" not in screen.shown(), screen.shown()
        assert "Stopping ..." in screen.shown()


def test_openapi_is_printed_without_any_server() -> None:
    with a_folder() as folder:
        openapi = Process.start(folder, "openapi", env=clean_environment())
        assert openapi.wait(60) == 0
        document = json.loads(openapi.out.read_text())
        assert document["openapi"].startswith("3.1")
        assert "/v1/appointments" in document["paths"]
