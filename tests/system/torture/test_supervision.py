"""`daybook up` keeps all running that it starts, its servers too, and says in one line what happened."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.instances import Instance, a_folder, ask, children, command, family, is_ready, within
from tests.support.waiting import PATIENCE
from tests.system.journeys.conftest import checked
from tests.system.journeys.town import Town
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
