"""Servers that somebody else runs: roles started one by one, and `daybook up` that starts none of its own."""

import asyncio
import signal
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest

from infrastructure.local.programs import find_postgres, free_port
from infrastructure.local.servers import LocalServers
from infrastructure.settings import SAMPLE_MASTER_KEY
from tests.support.instances import (
    Instance,
    Process,
    a_folder,
    ask,
    clean_environment,
    command,
    family,
    is_ready,
    within,
)
from tests.support.waiting import PATIENCE
from tests.system.journeys.conftest import checked
from tests.system.journeys.town import Town, at, good, position

KEY = "a-secret-key-that-is-long-enough-for-anybody"


@dataclass(frozen=True)
class Servers:
    """PostgreSQL of the machine and a Redis, which Daybook did not start."""

    local: LocalServers

    def environment(self, name: str, user: str, password: str, **more: str) -> dict[str, str]:
        return {
            "DB_HOST": self.local.host,
            "DB_PORT": str(self.local.port),
            "DB_NAME": name,
            "DB_USER": user,
            "DB_PASS": password,
            "REDIS_URL": self.local.redis_url,
            "BROKER_URL": self.local.redis_url,
            "REDIS_PREFIX": f"{name}:",
            "SECRET_KEY": KEY,
        } | more

    def with_superuser(self, name: str) -> dict[str, str]:
        """Daybook makes its own role and database."""
        return self.environment(
            name, name, "secret of the application",
            DB_SUPERUSER=self.local.superuser, DB_SUPERUSER_PASS=self.local.superuser_password,
        )  # fmt: skip

    def with_an_owner_alone(self, name: str) -> dict[str, str]:
        """One role, no superuser, which owns an empty database."""
        with psycopg.connect(self.local.superuser_dsn(), autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'an owner''s secret'".encode())
            connection.execute(f"CREATE DATABASE {name} OWNER {name}".encode())
        return self.environment(name, name, "an owner's secret")


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Servers]:
    with a_folder() as home, LocalServers(home, fsync=False, postgres_bin=find_postgres("machine")) as local:
        yield Servers(local)


async def book_and_check(instance: Instance) -> None:
    """A booking over HTTP, then the whole log."""
    async with Town(instance) as town:
        shop = await town.a_shop()
        booked = await town.somebody().book(shop, at("09:00"))
        assert at("09:00") not in (await shop.starts(seen=position(booked)))["starts"]
        good(booked, 201)
        await checked(instance, town.acknowledged)


@pytest.mark.timeout(900)
async def test_with_a_superuser_it_makes_its_role_and_database_and_starts_no_servers(
    elsewhere: Servers,
) -> None:
    with a_folder() as data:
        with await start(data, elsewhere.with_superuser("made_by_up")) as instance:
            programs = [command(pid)[0] for pid in family(instance.process.process.pid)]
            assert not any("postgres" in program or "valkey" in program for program in programs)
            await book_and_check(instance)
            ((privileged,),) = ask(
                instance.superuser_database,
                "SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = 'made_by_up'",
            )
            assert not privileged
        assert instance.process.process.returncode == 0
        with await start(data, elsewhere.with_superuser("made_by_up")) as again:
            await book_and_check(again)


@pytest.mark.timeout(900)
async def test_a_role_that_owns_its_database_is_enough(elsewhere: Servers) -> None:
    with a_folder() as data, await start(data, elsewhere.with_an_owner_alone("owner_alone")) as instance:
        await book_and_check(instance)


@pytest.mark.timeout(180)
async def test_in_test_mode_it_runs_on_the_test_database_without_demo_accounts(elsewhere: Servers) -> None:
    database = "test_mode"
    given = elsewhere.with_superuser(database)
    env = {f"TEST_{name}" if name.startswith("DB_") else name: value for name, value in given.items()}
    env |= {"MODE": "TEST", "DB_HOST": "127.0.0.1", "DB_PORT": "1"}  # nobody is there, and nobody is asked
    with a_folder() as data, await start(data, env) as instance:
        assert instance.database.endswith(f"/{database}")
        assert instance.mailbox == str(data / "mailbox")
        assert instance.demo_accounts is None
        assert ask(instance.superuser_database, "SELECT count(*) FROM log.stored_events") == [(0,)]
        await book_and_check(instance)


async def start(data: Path, env: dict[str, str]) -> Instance:
    return await asyncio.to_thread(Instance.start, data, apis=1, env=env)


@pytest.mark.timeout(900)
async def test_every_role_runs_alone(elsewhere: Servers) -> None:
    env = clean_environment(**elsewhere.with_an_owner_alone("one_by_one"))
    with a_folder() as folder, ExitStack() as stack:

        def role(*arguments: str) -> Process:
            return stack.enter_context(Process.start(folder, *arguments, env=env))

        def run(*arguments: str) -> str:
            process = Process.start(folder, *arguments, env=env)
            assert process.wait(90) == 0, process.said
            return process.out.read_text()

        for _ in range(2):
            run("migrate")
        port, metrics = free_port(), free_port()
        api = role("api", "--port", str(port))
        projectors = [role("project", "--metrics-port", str(metrics))]
        projectors.append(role("project"))  # stands by
        url = f"http://127.0.0.1:{port}"
        within(60, lambda: is_ready(url))
        dsn = conninfo(env)
        instance = Instance(
            data=folder,
            process=api,
            api=url,
            database=dsn,
            superuser_database=dsn,
            redis=env["REDIS_URL"],
            metrics="",
            tokens={},
            mailbox=None,
            demo_accounts=None,
            demo_password=None,
            flower=None,
            flower_user=None,
            flower_password=None,
            booking=None,
            secret_key=KEY,
            master_key=SAMPLE_MASTER_KEY,
            broker_url=env["BROKER_URL"],
        )
        await book_and_check(instance)
        account = str(uuid4())
        token = run("token", "--role", "customer", "--sub", account).strip()
        async with Town(instance) as town:
            mine = await town.http.get(f"{url}/v1/appointments", headers={"authorization": f"Bearer {token}"})
            assert good(mine)["items"] == []
            within(10, lambda: b"daybook_projector_leading" in scrape(metrics))
            projectors[0].kill()
            await book_and_check(instance)  # the other one has taken over
        assert projectors[1].stop() == 0
        assert api.stop() == -signal.SIGTERM, "uvicorn ends by the signal it was sent, once all is finished"
        for process in (projectors[1], api):
            assert "Traceback" not in process.said, process.said


def conninfo(env: dict[str, str]) -> str:
    who = f"{quote(env['DB_USER'])}:{quote(env['DB_PASS'])}"
    return f"postgresql://{who}@{env['DB_HOST']}:{env['DB_PORT']}/{env['DB_NAME']}"


def scrape(port: int) -> bytes:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE) as answer:
            return bytes(answer.read())
    except OSError:
        return b""
