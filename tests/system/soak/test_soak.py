"""Daybook under load for as long as one likes, with processes killed and clients that reset: nothing grows."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import struct
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from itertools import cycle
from random import Random
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.instances import Instance, a_folder, is_ready, within
from tests.support.waiting import PATIENCE
from tests.system.journeys.conftest import checked
from tests.system.journeys.town import Town
from tests.system.soak.samples import Sample
from tests.system.soak.visitors import REST, Visitors
from tests.system.torture.crowd import Crowd

PEOPLE = 8
SAMPLES = 12
RESETS = 40  # connections at a time
GROWTH = 1.35  # times as much memory of a role at the end as after the first quarter
SPARE = 12.0  # MB, for roles that are small
SERVERS = 400.0  # MB: PostgreSQL touches its 128 MB of shared buffers little by little, and has some 30 backends
FILES = 150  # open files of an API process without clients: pools, logs, modules
METRIC_FILES = 32  # four of each of seven processes, and those of all dead ones together
LOGS = 45.0  # MB: three servers, each with a log and the one before
DEAD_ROWS = 5_000
DUE = 200  # jobs that wait
CONNECTIONS = 60  # of one API process, one worker, projector and beat

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: the connection ends with a reset


def reset_some(port: int) -> None:
    """Connections that end in the midst of a request, without a word."""
    wires = []
    for _ in range(RESETS):
        with suppress(OSError):
            wire = socket.create_connection(("127.0.0.1", port), 5)
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            wire.sendall(b"POST /v1/auth/token HTTP/1.1\r\nHost: d\r\nContent-Length: 100\r\n\r\nusername=")
            wires.append(wire)
    for wire in wires:
        wire.close()


def kill_one(instance: Instance, role: str) -> None:
    """Its metric files and connections stay behind."""
    for pid in instance.pids(role)[:1]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


async def sampled(instance: Instance, seconds: float) -> list[Sample]:
    """Samples of the whole time; before each, clients reset, and one process in turn is killed."""
    found, began = [], monotonic()
    roles = cycle(("worker", "api", "beat", "project", "flower"))
    for number in range(SAMPLES):
        due = began + seconds * number / SAMPLES
        while monotonic() < due:
            await asyncio.to_thread(reset_some, urlsplit(instance.api).port or 0)
            await asyncio.sleep(1)
        if 0 < number < SAMPLES - 3:  # then they have time to be as they were
            kill_one(instance, next(roles))
        with suppress(OSError):
            found.append(await asyncio.to_thread(Sample.of, instance))
    return found


async def test_nothing_grows(soak: float, capsys: pytest.CaptureFixture[str]) -> None:
    with a_folder() as folder:
        instance = await asyncio.to_thread(Instance.start, folder, apis=1, workers=1)
        with instance:
            async with Town(instance) as town:
                crowd, visitors = Crowd(town, Random(1), rest=REST), Visitors(town, Random(2))
                async with crowd.out(PEOPLE), visitors.out():
                    found = await sampled(instance, soak)
                await asyncio.to_thread(within, PATIENCE, lambda: is_ready(instance.api))
                found.append(await asyncio.to_thread(Sample.of, instance))
                await checked(instance, town.acknowledged)
    with capsys.disabled():
        lines = [sample.line(found[0].at) for sample in found]
        lines.append(found[-1].growth(found[0]))
        lines.append(f"{len(town.acknowledged)} acknowledged, {dict(crowd.told)}, {dict(visitors.told)}")
        sys.stdout.write("\n" + "\n".join(lines) + "\n")
    assert_nothing_grew(found)


def assert_nothing_grew(found: list[Sample]) -> None:
    settled, last = found[: len(found) // 3], found[-1]
    roles = last.memory.keys() - {"servers"}
    before = {role: max(sample.memory[role] for sample in settled) * GROWTH + SPARE for role in roles}
    assert {role: last.memory[role] for role in roles if last.memory[role] > before[role]} == {}
    assert last.memory["servers"] < SERVERS
    assert last.api_files < FILES
    assert last.metric_files < METRIC_FILES
    assert {sample.metric_folders for sample in found} == {1}
    assert max(sample.logs for sample in found) < LOGS
    assert last.dead_rows < DEAD_ROWS + last.live_rows
    assert not [name for name, dead, live in last.bloat if dead > DEAD_ROWS + live]
    assert last.due < DUE
    seen = {kind for sample in settled for kind in sample.done}
    assert {kind for kind in seen if last.done[kind] <= settled[-1].done[kind]} == set()
    assert last.connections < CONNECTIONS


def test_what_grows_is_found() -> None:
    sample = Sample(Counter(api=100.0), 60, 10, 1, 0.1, 0, 0, 0, 0, done=Counter(mail=1))
    well = replace(sample, done=Counter(mail=2))
    assert_nothing_grew([*[sample] * 6, well])
    worsenings: tuple[dict[str, Any], ...] = (
        {"memory": Counter(api=200.0)},
        {"memory": Counter(api=100.0, servers=500.0)},
        {"api_files": 324},
        {"metric_files": 90},
        {"metric_folders": 2},
        {"logs": 90.0},
        {"dead_rows": 19_650, "live_rows": 100},
        {"due": 5_000},
        {"connections": 150},
        {"done": Counter(mail=1)},
        {"bloat": [("read_1.visit", 30_000, 100)]},
    )
    for worse in worsenings:
        with pytest.raises(AssertionError):
            assert_nothing_grew([*[sample] * 6, replace(well, **worse)])
