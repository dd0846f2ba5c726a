"""Two releases on one database: both decide on what either records, and no projector writes tables it does not know."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from infrastructure.local.programs import free_port
from infrastructure.local.servers import LocalServers
from projections.rebuild.generations import shapes
from tests.golden.release import PACKAGES, unpack_release
from tests.support.instances import READY_WITHIN, Instance, Process, a_folder, ask, is_ready, within
from tests.support.waiting import PATIENCE
from tests.system.journeys.conftest import checked
from tests.system.journeys.town import Person, Town, at, good, position

_REACHED = """
    SELECT min(position), count(stopped_at) FROM read.live JOIN read.bookmark USING (generation)
    WHERE reader = ANY(%s)"""
_LEADERS = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND classid = 6578553"
_HEAD = "SELECT max(notification_id) FROM log.stored_events"
_OTHER = "UPDATE read.checkpoint SET fingerprint = 'of another release' || fingerprint RETURNING reader"
_OURS = "UPDATE read.checkpoint SET fingerprint = replace(fingerprint, 'of another release', '') RETURNING reader"


@pytest.fixture(scope="module")
def servers() -> Iterator[LocalServers]:
    """PostgreSQL and Redis that no release owns."""
    with (
        a_folder("daybook-releases-") as home,
        LocalServers(home / "servers", fsync=False, port=free_port()) as started,
    ):
        yield started


def environment_of(servers: LocalServers) -> dict[str, str]:
    """The servers, by the names of 0.1.0."""
    to = conninfo_to_dict(servers.superuser_dsn())
    return {
        "DB_HOST": "127.0.0.1",
        "DB_PORT": str(to["port"]),
        "DB_NAME": "daybook",
        "DB_PASSWORD": "secret",
        "DB_SUPERUSER": str(to["user"]),
        "DB_SUPERUSER_PASSWORD": str(to["password"]),
        "REDIS_URL": str(servers.redis_url),
    }


@contextmanager
def role(instance: Instance, folder: Path, *words: str, **env: str) -> Iterator[Process]:
    """A role of this release on the servers of an instance."""
    with Process.start(folder, *words, env=instance.environment(**env)) as process:
        yield process


def reached(instance: Instance) -> tuple[int, int]:
    """The lowest position of a projection of this release, and how many have stopped."""
    ((lowest, stopped),) = ask(instance.superuser_database, _REACHED, [[*shapes()]])
    return int(str(lowest)), int(str(stopped))


def head(instance: Instance) -> int:
    return int(str(ask(instance.superuser_database, _HEAD)[0][0]))


async def starts(person: Person, api: str, seen: int) -> list[str]:
    found = good(await person.get("/v1/appointments", api=api, seen=seen))["items"]
    return sorted(each["start"][11:16] for each in found)


@pytest.mark.fault(20)
@pytest.mark.timeout(900)
async def test_release_0_1_0_books_beside_this_one_and_does_not_spoil_its_read_models(servers: LocalServers) -> None:
    with a_folder("daybook-0.1.0-") as program, a_folder() as data, a_folder() as folder:
        unpack_release(program, *PACKAGES)
        env = environment_of(servers)
        old = await asyncio.to_thread(Instance.start, data, apis=1, program=program, env=env)
        async with Town(old) as town:
            shop, person = await town.a_shop(), town.somebody()
            good(await person.book(shop, at("09:00")), 201)
            owner = {"DB_SUPERUSER": env["DB_SUPERUSER"], "DB_SUPERUSER_PASS": env["DB_SUPERUSER_PASSWORD"]}
            with role(old, folder, "migrate", **owner) as migrating:
                assert await asyncio.to_thread(migrating.wait) == 0, migrating.said
            rebuilt = reached(old)
            port = free_port()
            new, words = f"http://127.0.0.1:{port}", ("api", "--port", str(port))
            with role(old, folder, *words) as api, role(old, folder, "project") as projector:
                await asyncio.to_thread(within, READY_WITHIN, lambda: is_ready(new) or api.process.poll() is not None)
                good(await person.book(shop, at("10:00")), 201)  # decided by the old release
                booked = await person.book(shop, at("11:00"), api=new)
                good(booked, 201)
                taken = [(await person.book(shop, at("11:00"))), (await person.book(shop, at("10:00"), api=new))]
                assert [each.status_code for each in taken] == [409, 409], "each decides on what the other recorded"
                await asyncio.to_thread(within, PATIENCE, lambda: "permission denied" in old.process.said)
                assert reached(old) == rebuilt, "the old projector leads, and writes nothing"
                assert old.process.stop() == 0
                await asyncio.to_thread(within, PATIENCE, lambda: reached(old) == (head(old), 0))
                assert "projector is now the leader" in projector.said
                assert await starts(person, new, position(booked)) == ["09:00", "10:00", "11:00"]
            await checked(old, town.acknowledged)


@pytest.mark.fault(20)
async def test_a_projector_of_another_release_stands_by(servers: LocalServers) -> None:
    """As of the release before, while read models are those of the next one; and the next one takes the lead."""
    with a_folder() as data, await asyncio.to_thread(Instance.start, data, apis=1) as instance:
        async with Town(instance) as town:
            shop = await town.a_shop()
            good(await town.somebody().book(shop, at("09:00")), 201)
            await asyncio.to_thread(within, PATIENCE, lambda: reached(instance) == (head(instance), 0))
            ask(instance.superuser_database, _OTHER)
            before = reached(instance)
            for pid in instance.pids("project"):  # `up` starts another
                os.kill(pid, signal.SIGKILL)
            good(await town.somebody().book(shop, at("10:00")), 201)
            await asyncio.to_thread(within, PATIENCE, lambda: "those of another release" in instance.process.said)
            assert reached(instance) == before
            assert ask(instance.superuser_database, _LEADERS) == [], "the lead is free for the other release"
            ask(instance.superuser_database, _OURS)
            await asyncio.to_thread(within, PATIENCE, lambda: reached(instance) == (head(instance), 0))
            await checked(instance, town.acknowledged)
