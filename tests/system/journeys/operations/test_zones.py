"""The locked package `tzdata` decides time zones in every process, not the files of the machine."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import NamedTuple

import httpx
import psycopg
import pytest
from tzdata import IANA_VERSION  # type: ignore[import-untyped]

from infrastructure.observability.process_registry import ProcessRegistry, running
from infrastructure.settings import inherited
from projections.registry import PROJECTIONS
from tests.support.instances import Instance, a_folder, children, clean_environment, command, within
from tests.support.waiting import PATIENCE
from tests.system.journeys.town import Town, at, good

# In every process: once `go` is there, and at the end, the offset that the process knows goes to a file of its own.
_PROBE = """
import atexit, os, sys, threading, time
from pathlib import Path

folder = Path(__file__).parent

def report():
    from datetime import datetime
    from zoneinfo import ZoneInfo
    if "domain.scheduling.wallclock" in sys.modules:
        offset = datetime(2026, 12, 4, 9, tzinfo=ZoneInfo("America/Vancouver")).utcoffset()
        (folder / f"{os.getpid()}.offset").write_text(str(offset.total_seconds() / 3600))

def wait():
    while not (folder / "go").exists():
        time.sleep(0.1)
    report()

def begin():
    threading.Thread(target=wait, daemon=True).start()

begin()
os.register_at_fork(after_in_child=begin)
atexit.register(report)
"""


class Planted(NamedTuple):
    """`environment`: makes a process read older zones, and report its own to `folder`."""

    folder: Path
    environment: Mapping[str, str]

    def offset(self, pid: int) -> float | None:
        file = self.folder / f"{pid}.offset"
        return float(file.read_text() or "nan") if file.exists() else None


@pytest.fixture(scope="module")
def planted() -> Iterator[Planted]:
    """Older zones, in which Vancouver has the time of Tokyo, where Python looks first."""
    with a_folder() as folder:
        (folder / "zones/America").mkdir(parents=True)
        with as_file(files("tzdata") / "zoneinfo/Asia/Tokyo") as tokyo:
            shutil.copy(tokyo, folder / "zones/America/Vancouver")
        (folder / "sitecustomize.py").write_text(_PROBE)
        paths = f"{folder}{os.pathsep}{inherited().get('PYTHONPATH', '')}"
        yield Planted(folder, {"PYTHONTZPATH": str(folder / "zones"), "PYTHONPATH": paths})


@pytest.fixture(scope="module")
def up(planted: Planted) -> Iterator[Instance]:
    with a_folder() as data, Instance.start(data, apis=1, workers=1, env=planted.environment) as instance:
        with httpx.Client(base_url=instance.api, timeout=PATIENCE) as web:
            roles = {"api", "projector", "worker", "beat", "flower"}
            within(PATIENCE, lambda: {each.role for each in processes(instance)} == roles)
            assert web.get("/health/ready").json()["checks"]["zones"] == {"ok": True, "tzdata": IANA_VERSION}
        yield instance


def processes(instance: Instance):
    with psycopg.connect(instance.database) as connection:
        return running(connection)


def test_the_planted_zones_would_win(planted: Planted) -> None:
    said = "from zoneinfo import ZoneInfo; from datetime import datetime as d;"
    said += "print(d(2026, 12, 4, tzinfo=ZoneInfo('America/Vancouver')).utcoffset())"
    ran = subprocess.run(
        [sys.executable, "-c", said], env=clean_environment(**planted.environment), capture_output=True, check=True
    )
    assert ran.stdout.strip() == b"9:00:00"


@pytest.mark.parametrize("role", ["api", "project", "worker", "beat", "flower"])
def test_the_locked_package_decides_in_every_role(up: Instance, planted: Planted, role: str) -> None:
    (planted.folder / "go").touch()
    assert up.pids(role)
    for pid in up.pids(role):
        for each in (pid, *children(pid)):  # a worker's processes too
            if "interfaces.cli" in " ".join(command(each)):
                within(PATIENCE, lambda: planted.offset(each) is not None)  # noqa: B023  it is asked at once
                assert planted.offset(each) == -7


@pytest.mark.parametrize("arguments", ["doctor --json", "projections --json", "status --json", "rebuild --check"])
def test_the_locked_package_decides_on_the_command_line(up: Instance, planted: Planted, arguments: str) -> None:
    ran = subprocess.Popen(
        [sys.executable, "-m", "interfaces.cli", *arguments.split(), "--data", str(up.data)],
        env=clean_environment(**planted.environment),
        cwd=planted.folder,
        stdout=subprocess.DEVNULL,
    )
    ran.wait(PATIENCE)
    assert planted.offset(ran.pid) in {-7, None}, "None: it knows no zones"


def test_each_process_says_its_version_when_it_starts(up: Instance) -> None:
    lines = [json.loads(line) for line in up.process.err.read_text().splitlines() if line.startswith("{")]
    first = {line["role"]: line for line in reversed(lines) if line["event"] == "daybook role started"}
    assert {role: line["tzdata"] for role, line in first.items()} == dict.fromkeys(
        ("api", "projector", "worker", "beat", "flower"), IANA_VERSION
    )


@pytest.mark.fault(17)
def test_processes_that_disagree_are_noticed(up: Instance, run: Callable[[str], tuple[int, str]]) -> None:
    with httpx.Client(base_url=up.api, timeout=PATIENCE) as web:
        with ProcessRegistry(up.database, "worker", zones="2020a"):
            within(PATIENCE, lambda: web.get("/health/ready").json()["status"] == "degraded")
            zones = web.get("/health/ready").json()["checks"]["zones"]
            assert zones == {
                "ok": False,
                "error": "ZonesDiffer",
                "tzdata": IANA_VERSION,
                "versions": ["2020a", IANA_VERSION],
            }
            status, said = run("doctor")
            assert status == 1
            assert "FAIL  zones" in said
            within(PATIENCE, lambda: "time zone data differs between processes" in up.process.said)
        within(PATIENCE, lambda: web.get("/health/ready").json()["status"] == "ready")


@pytest.fixture
def run(up: Instance) -> Callable[[str], tuple[int, str]]:
    """Runs a command beside; its exit status and output."""

    def command(arguments: str) -> tuple[int, str]:
        ran = subprocess.run(
            [sys.executable, "-m", "interfaces.cli", *arguments.split(), "--data", str(up.data)],
            env=clean_environment(),
            cwd=up.data,
            capture_output=True,
            text=True,
            check=False,
        )
        return ran.returncode, ran.stdout

    return command


def test_doctor_and_status_find_nothing_wrong(up: Instance, run: Callable[[str], tuple[int, str]]) -> None:
    status, said = run("doctor --json")
    told = json.loads(said)
    assert (status, told["versions"]["tzdata"]) == (0, IANA_VERSION)
    assert all(check["ok"] for check in told["checks"].values())
    assert {*told["checks"]} >= {"settings", "database", "migrations", "read models", "zones", "redis", "broker"}
    status, said = run("status --json")
    told = json.loads(said)
    assert (status, told["steps"]) == (0, [])
    assert {each["role"] for each in told["processes"]} == {"api", "projector", "worker", "beat", "flower"}
    status, said = run("status")
    assert "Nothing to do." in said


@pytest.mark.fault(17)
async def test_doctor_names_the_appointments_that_other_zone_data_would_move(
    up: Instance, run: Callable[[str], tuple[int, str]], tmp_path: Path
) -> None:
    async with Town(up) as town:
        shop = await town.a_shop()
        booked = good(await town.somebody().book(shop, at("09:00")), 201)
        await town.somebody().get(f"/v1/appointments/{booked['id']}")
    with as_file(files("tzdata") / "zoneinfo") as ours:
        status, said = await asyncio.to_thread(run, f"doctor --zoneinfo {ours}")
        assert (status, "ok    wall clock" in said) == (0, True), said
        shutil.copy(ours / "Asia/Tokyo", tmp_path / "UTC")
    status, said = await asyncio.to_thread(run, f"doctor --zoneinfo {tmp_path}")
    assert status == 1
    assert f"1 of 1 upcoming appointments have another local time there: {booked['id']} (UTC, " in said


def test_status_says_what_to_do(up: Instance, run: Callable[[str], tuple[int, str]]) -> None:
    name = PROJECTIONS[0].name
    with psycopg.connect(up.superuser_database, autocommit=True) as connection:
        try:
            connection.execute(
                "UPDATE read.checkpoint SET stopped_at = 7, error = 'bad event' WHERE reader = %s", [name]
            )
            status, said = run("status")
            assert status == 1
            assert f"run: daybook projections resume {name}" in said
            status, said = run("projections --json")
            assert status == 1
            assert next(each for each in json.loads(said) if each["name"] == name)["stopped_at"] == 7
        finally:
            connection.execute("UPDATE read.checkpoint SET stopped_at = NULL, error = NULL")
