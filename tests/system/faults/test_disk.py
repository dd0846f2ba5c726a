"""The disk of PostgreSQL is full: changes are refused, reads go on, and nothing is damaged once there is space."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.support.instances import Instance, a_folder, is_ready, within
from tests.support.waiting import PATIENCE, eventually
from tests.system.journeys.conftest import checked
from tests.system.journeys.town import Shop, Town, at, good


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
