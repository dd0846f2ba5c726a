"""`daybook up` keeps all running that it starts, its servers too, and says in one line what happened."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.instances import Instance, a_folder, ask, children, command, family, is_ready, within
from tests.support.waiting import PATIENCE, eventually
from tests.system.journeys.conftest import checked
from tests.system.journeys.town import Shop, Town, at, good
from tests.system.torture.crowd import Crowd

SERVERS = ("PostgreSQL", "Valkey", "broker")
ROLES = ("projector", "api 1", "worker 1", "beat", "flower")
_WORDS = {
    "projector": "project",
    "api 1": "api",
    "worker 1": "worker",
}


@pytest.fixture(scope="module")
def up() -> Iterator[Instance]:
    with a_folder() as folder, Instance.start(folder, apis=1, workers=1) as instance:
        yield instance


def pid_of(instance: Instance, child: str) -> int | None:
    """The process of a child of `daybook up`, by the name that its log gives it."""
    ports = {"Valkey": urlsplit(instance.redis).port, "broker": urlsplit(instance.broker_url).port}
    for pid in children(instance.process.process.pid):
        words = command(pid)
        if child == "PostgreSQL":
            found = words[:1] != [""] and Path(words[0]).name == "postgres"
        elif child in ports:
            found = f":{ports[child]}" in " ".join(words)
        else:
            found = _WORDS.get(child, child) in words[3:]
        if found:
            return pid
    return None


def lines(instance: Instance, child: str) -> list[dict[str, Any]]:
    """The log lines of `daybook up` about a child."""
    said = [json.loads(line) for line in instance.process.err.read_text().splitlines() if line.startswith("{")]
    return [line for line in said if line.get("child") == child and line["role"] == "up"]


def works_again(instance: Instance, child: str, killed: int) -> bool:
    """Whether another process has taken its place, a role has announced itself, and Daybook is ready."""
    pid = pid_of(instance, child)
    if pid in {None, killed} or not is_ready(instance.api):
        return False
    announced = {row[0] for row in ask(instance.superuser_database, "SELECT pid FROM work.process")}
    return child in SERVERS or not announced.isdisjoint({pid, *family(pid)})  # type: ignore[arg-type]


async def dies_under_load(instance: Instance, child: str) -> str:
    """kill -9 amid bookings: it is there again, all goes on, and nothing that was acknowledged is lost.

    How long it took, as a line.
    """
    killed, before = pid_of(instance, child), len(lines(instance, child))
    assert killed is not None
    async with Town(instance) as town:
        crowd = Crowd(town, Random(1))
        async with crowd.out(people=8):
            await crowd.more(20, PATIENCE)
            os.kill(killed, signal.SIGKILL)
            began = time.monotonic()
            await asyncio.to_thread(within, PATIENCE, lambda: works_again(instance, child, killed))
            await crowd.more(1, PATIENCE)
            took = time.monotonic() - began
            await crowd.more(40, PATIENCE)
        await asyncio.to_thread(within, PATIENCE, lambda: is_ready(instance.api))
        await checked(instance, town.acknowledged)
    (line,) = lines(instance, child)[before:]
    assert (line["event"], line["signal"]) == ("child process ended, restarting", "SIGKILL")
    told, load = len(town.acknowledged), os.getloadavg()[0]
    return f"{child:11} works again after {took:5.1f} s; {told} acknowledged, none lost; load {load:.1f}\n"


@pytest.mark.parametrize("child", SERVERS)
async def test_a_server_that_is_killed_is_started_again_and_said_in_one_line(
    up: Instance, child: str, capsys: pytest.CaptureFixture[str]
) -> None:
    took = await dies_under_load(up, child)
    with capsys.disabled():
        sys.stdout.write(took)


@pytest.mark.parametrize("child", ROLES)
async def test_a_role_that_is_killed_is_started_again_and_said_in_one_line(
    up: Instance, child: str, capsys: pytest.CaptureFixture[str]
) -> None:
    took = await dies_under_load(up, child)
    with capsys.disabled():
        sys.stdout.write(took)


def test_each_child_of_daybook_up_is_killed_here(up: Instance) -> None:
    named = {pid_of(up, child) for child in (*SERVERS, *ROLES)}
    assert named == {pid for pid in children(up.process.process.pid) if "resource_tracker" not in "".join(command(pid))}


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of 300 MB."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small disk")
    folder = Path(tempfile.mkdtemp(prefix="daybook-disk-"))
    command = ["mount", "-t", "tmpfs", "-o", "size=300m,mode=755", "tmpfs", folder]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        folder.rmdir()
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)
    folder.rmdir()


def fill(file: Path) -> None:
    """Leave no space on its disk."""
    with file.open("wb") as filler, suppress(OSError):
        while True:
            filler.write(bytes(2**20))


@pytest.mark.fault(19)
@pytest.mark.timeout(900)
async def test_a_full_disk_is_said_and_all_goes_on_once_space_is_freed(small_disk: Path) -> None:
    data, filler = small_disk / "data", small_disk / "filler"
    data.mkdir()
    with a_folder() as folder:
        instance = await asyncio.to_thread(Instance.start, data, apis=1, logs=folder)
        with instance:
            async with Town(instance) as town:
                shop = await town.a_shop()
                await asyncio.to_thread(fill, filler)
                refused = await until_refused(town)
                assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
                await asyncio.to_thread(within, PATIENCE, lambda: "disk is full" in instance.process.said)
                assert (await town.stranger.get("/v1/services")).is_success, "reads go on"
                filler.unlink()
                await asyncio.to_thread(within, PATIENCE, lambda: is_ready(instance.api))
                await booked_at_last(town, shop)
                await checked(instance, town.acknowledged)
            await asyncio.to_thread(within, PATIENCE, lambda: "disk has space again" in instance.process.said)
            assert instance.process.said.count("disk is full: changes are refused until space is free") == 1


async def until_refused(town: Town) -> httpx.Response:
    """The first refusal of a database that cannot grow."""
    owner = town.somebody("provider")
    async with asyncio.timeout(PATIENCE):
        while True:
            with suppress(httpx.TransportError):
                answer = await owner.ask("POST", "/v1/providers", {"name": "Ada" * 30, "timezone": "UTC"})
                if not answer.is_success:
                    return answer


async def booked_at_last(town: Town, shop: Shop) -> None:
    person = town.somebody()

    async def answered() -> bool:
        answer = await person.book(shop, at("09:00"), key="after-the-full-disk")
        return answer.status_code != 503 and bool(good(answer, 201))

    await eventually(answered)
