"""An analyst with SQL and bad intentions, in a database of a superuser's and in one whose owner is none."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from infrastructure.database.analyst_sessions import end_analysts
from infrastructure.database.analysts import AnalystRefused, grant, revoke
from infrastructure.database.roles import migrate
from infrastructure.database.row_pool import RowPool
from infrastructure.event_log.postgres_journal import PostgresJournal
from infrastructure.local.servers import LocalServers
from projections.analysis.schema import ViewsPointHere
from projections.analysis.views import VIEWS
from projections.engine.positions import Positions
from projections.engine.projector import Projector
from projections.query.snapshot import Behind, Snapshots
from projections.rebuild.generations import ensure
from projections.rebuild.rebuild import Rebuild
from projections.registry import PROJECTIONS
from tests.conftest import APPLICATION, Database
from tests.projections.analysis.life import Life
from tests.projections.conftest import recorded
from tests.projections.waiting import eventually
from tests.support.sealed import CODEC
from tests.support.waiting import PATIENCE

NO_RIGHT = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.ObjectNotInPrerequisiteState,  # a view of several tables takes no rows
)
REFUSED = (
    "SELECT * FROM log.stored_events",
    "SELECT * FROM read.analyst_seat",
    "SELECT * FROM read.analysis_secret",
    "SELECT * FROM read_1.fact_appointment",
    "SELECT * FROM read_1.customer",
    "SELECT * FROM auth.account",
    "SELECT * FROM read.end_analysts()",
    "INSERT INTO read.analyst_seat VALUES (session_user, NULL)",
    "INSERT INTO analysis.service (name) VALUES ('x')",
    "UPDATE analysis.appointment SET price = 0",
    "DELETE FROM analysis.hold",
    "CREATE TEMP TABLE mine (a int)",
    "CREATE FUNCTION pg_temp.leak(anyelement) RETURNS bool LANGUAGE sql COST 0.0001 AS 'SELECT true'",
    "CREATE VIEW analysis.mine AS SELECT 1",
    "CREATE TABLE public.mine (a int)",
    "CREATE SCHEMA mine",
    "SET ROLE daybook_app",
    "SET SESSION AUTHORIZATION postgres",
    "SELECT pg_read_file('/etc/passwd')",
    "COPY analysis.service TO '/tmp/service'",
    "SELECT log.prune_keys(interval '0')",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename <> session_user AND datname IS NOT NULL",
)
BY_SUPERUSER_ALONE = (
    "SELECT pg_advisory_lock(hashtext('daybook rebuild'))",
    "SELECT pg_try_advisory_lock(1)",
    "SELECT lo_create(0)",
)
"""Only a superuser can take these from PUBLIC; without one, sessions that hold a lock are ended."""


@dataclass(frozen=True)
class Attacked:
    """A database with a life in it, and logins that read all of it (`everything`) and one organization (`own`)."""

    database: Database
    life: Life
    everything: str
    own: str
    by_superuser: bool

    def dsn(self, login: str) -> str:
        place = self.database.application.rpartition("@")[2]
        return f"postgresql://{login}:secret@{place}"


@pytest.fixture(params=["superuser", "owner"])
def empty(request: pytest.FixtureRequest, servers: LocalServers, database: Database) -> Iterator[tuple[Database, bool]]:
    """A migrated database, and whether its owner is a superuser."""
    if request.param == "superuser":
        yield database, True
        return
    role, name = f"owner_{secrets.token_hex(4)}", f"owned_{secrets.token_hex(4)}"
    with psycopg.connect(servers.superuser_dsn(), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN CREATEROLE PASSWORD 'secret'".encode())
        connection.execute(f"GRANT daybook_app TO {role} WITH ADMIN OPTION".encode())
        connection.execute(f"CREATE DATABASE {name} OWNER {role}".encode())
    owner = f"postgresql://{role}:secret@{servers.host}:{servers.port}/{name}"
    migrate(owner, APPLICATION)
    engine = create_engine(owner.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.begin() as connection:
        ensure(connection)
    engine.dispose()
    application = f"postgresql://{APPLICATION}:{APPLICATION}@{servers.host}:{servers.port}/{name}"
    yield Database(name, owner, application), False
    with psycopg.connect(servers.superuser_dsn(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
async def attacked(empty: tuple[Database, bool]) -> AsyncIterator[Attacked]:
    database, by_superuser = empty
    life = Life(7)
    for _ in range(120):
        life.step()
    journal = PostgresJournal(database.application, patience=PATIENCE)
    await journal.open()
    await recorded(journal, *life.recorded())
    await journal.close()
    engine = create_async_engine(database.url)
    await Projector(engine, PROJECTIONS, CODEC).catch_up()
    await engine.dispose()
    everything, own = f"all_{uuid4().hex[:8]}", f"own_{uuid4().hex[:8]}"
    grant(database.owner, everything, None, "secret")
    grant(database.owner, own, life.salons[0].id, "secret")
    yield Attacked(database, life, everything, own, by_superuser)
    for login in (everything, own):
        revoke(database.owner, login)


def ask(dsn: str, *statements: str) -> list[tuple[Any, ...]]:
    """The rows of the last statement."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement.encode())
        return cursor.fetchall()


async def test_nothing_but_the_views_can_be_read_and_nothing_be_written(attacked: Attacked) -> None:
    statements = [*REFUSED, *(BY_SUPERUSER_ALONE if attacked.by_superuser else ())]
    for statement in statements:
        for login in (attacked.everything, attacked.own):
            with pytest.raises(psycopg.Error) as refused:
                ask(attacked.dsn(login), "SET default_transaction_read_only = off", statement)
            assert isinstance(refused.value, NO_RIGHT), statement


async def test_one_organization_is_seen_and_no_other_whatever_is_set(attacked: Attacked) -> None:
    dsn, own = attacked.dsn(attacked.own), attacked.life.salons[0].id
    all_of_them = ask(attacked.dsn(attacked.everything), "SELECT DISTINCT organization_id FROM appointment")
    assert len(all_of_them) == 3, "two salons, and who belongs to none"
    for setting in ("app.scope = 'all'", "search_path = public", "row_security = off", "analysis.login = 'postgres'"):
        for view in VIEWS:
            if view.organization is not None:
                found = ask(dsn, f"SET {setting}", f"SELECT DISTINCT organization_id FROM analysis.{view.name}")
                assert {id for (id,) in found} <= {own}, (setting, view.name)
    assert ask(dsn, "SELECT DISTINCT organization_id FROM analysis.appointment") == [(own,)]


async def test_no_error_tells_of_rows_that_are_not_shown(attacked: Attacked) -> None:
    foreign = attacked.life.salons[1].id
    leak = f"""SELECT count(*) FROM analysis.appointment
        WHERE 1 / (CASE WHEN organization_id = '{foreign}' THEN 0 ELSE 1 END) = 1"""
    with pytest.raises(psycopg.errors.DivisionByZero):
        ask(attacked.dsn(attacked.everything), leak)
    assert ask(attacked.dsn(attacked.own), leak)[0][0] > 0


async def test_no_view_shows_a_person(attacked: Attacked) -> None:
    words = [each.name for each in attacked.life.customers]
    words += [str(each.id) for each in attacked.life.customers]
    words += [str(each.account_id) for each in attacked.life.accounts]
    for view in VIEWS:
        shown = str(ask(attacked.dsn(attacked.everything), f"SELECT * FROM analysis.{view.name}"))
        assert not [word for word in words if word in shown], view.name


async def test_a_person_who_was_erased_has_no_key_and_stays_in_the_figures(attacked: Attacked) -> None:
    dsn = attacked.dsn(attacked.everything)
    gone = {account.account_id for account in attacked.life.accounts if not account.active}
    gone |= {customer.id for customer in attacked.life.customers if customer.forgotten}
    theirs = [each for each in attacked.life.appointments if each.customer_id in gone]
    assert theirs, "this life erases somebody who has booked"
    for each in theirs:
        query = f"SELECT customer_key, price FROM appointment WHERE appointment_id = '{each.id}'"
        ((key, price),) = ask(dsn, query)
        assert (key, price > 0) == (None, True)


async def test_a_transaction_that_stays_open_and_a_held_lock_are_ended(
    attacked: Attacked, caplog: pytest.LogCaptureFixture
) -> None:
    async with RowPool(attacked.database.application, size=1, patience=PATIENCE) as rows:
        with psycopg.connect(attacked.dsn(attacked.everything)) as held:
            held.execute("SELECT count(*) FROM appointment")
            await end_analysts(rows)
            assert held.execute("SELECT 1").fetchone(), "not before two minutes"
        if attacked.by_superuser:
            return  # a lock can't be taken at all
        with psycopg.connect(attacked.dsn(attacked.everything), autocommit=True) as held:
            held.execute("SELECT pg_advisory_lock(hashtext('daybook rebuild'))")
            await end_analysts(rows)
            with pytest.raises(psycopg.OperationalError):
                held.execute("SELECT 1")


async def test_an_old_transaction_is_ended(attacked: Attacked) -> None:
    with psycopg.connect(attacked.database.owner, autocommit=True) as owner:
        definition = owner.execute("SELECT pg_get_functiondef('read.end_analysts'::regproc)").fetchone()
        assert definition is not None
        owner.execute(definition[0].replace("'00:02:00'", "'1 ms'").replace("'2 min'", "'1 ms'").encode())
    async with RowPool(attacked.database.application, size=1, patience=PATIENCE) as rows:
        with psycopg.connect(attacked.dsn(attacked.own)) as held:
            held.execute("SET idle_in_transaction_session_timeout = 0")
            held.execute("SELECT count(*) FROM appointment")
            await asyncio.sleep(0.01)
            await end_analysts(rows)
            with pytest.raises(psycopg.OperationalError):
                held.execute("SELECT 1")


async def test_a_rebuild_waits_for_a_question_and_moves_the_views_afterwards(attacked: Attacked) -> None:
    engine = create_async_engine(attacked.database.owner.replace("postgresql://", "postgresql+psycopg://"))
    rebuild = Rebuild(engine, PROJECTIONS, CODEC)
    dsn = attacked.dsn(attacked.everything)
    before = ask(dsn, "SELECT count(*), sum(price) FROM appointment")
    with psycopg.connect(dsn) as held:
        held.execute("SELECT count(*) FROM appointment")
        running = asyncio.create_task(rebuild.run(grace=0))

        async def switched() -> bool:
            if running.done():
                await running
            return await asyncio.to_thread(live_generation, attacked.database.owner) == 2

        await eventually(switched)
        assert not running.done(), "the old generation is still shown"
        assert ask(dsn, "SELECT generation FROM as_of") == [(1,)]
        with pytest.raises(ViewsPointHere):
            await rebuild._drop(1)
        held.rollback()
        await running
    assert ask(dsn, "SELECT count(*), sum(price) FROM appointment") == before
    assert ask(dsn, "SELECT generation FROM as_of") == [(2,)]
    await engine.dispose()


def live_generation(dsn: str) -> int:
    generation: int = ask(dsn, "SELECT generation FROM read.live")[0][0]
    return generation


async def test_a_false_notification_shows_nobody_old_data(attacked: Attacked) -> None:
    """NOTIFY can't be taken away; a snapshot looks at its own position."""
    journal = PostgresJournal(attacked.database.application, patience=PATIENCE)
    await journal.open()
    attacked.life.book()
    written = await recorded(journal, *attacked.life.recorded())
    await journal.close()
    engine = create_async_engine(attacked.database.url)
    async with Positions(engine) as positions:

        async def misled() -> bool:
            ask(
                attacked.dsn(attacked.everything), "SELECT pg_notify('read', '999999999'), pg_notify('log', 'nonsense')"
            )
            return positions.reached("analysis", written)

        await eventually(misled)
        with pytest.raises(Behind):
            async with Snapshots(engine, positions).open("analysis", at_least=written):
                pass
    await engine.dispose()


async def test_a_login_that_may_do_more_is_no_analyst(attacked: Attacked) -> None:
    with pytest.raises(AnalystRefused):
        grant(attacked.database.owner, APPLICATION, None, "secret")
    with pytest.raises(AnalystRefused):
        grant(attacked.database.owner, psycopg.conninfo.conninfo_to_dict(attacked.database.owner)["user"], None, "x")


async def test_revoking_ends_sessions_and_rights(attacked: Attacked) -> None:
    dsn = attacked.dsn(attacked.own)
    with psycopg.connect(dsn, autocommit=True) as held:
        assert revoke(attacked.database.owner, attacked.own)
        with pytest.raises(psycopg.OperationalError):
            held.execute("SELECT count(*) FROM appointment")
    with pytest.raises(psycopg.Error):
        ask(dsn, "SELECT count(*) FROM analysis.appointment")
    assert not revoke(attacked.database.owner, attacked.own)


def test_a_seat_is_of_an_organization_that_need_not_exist_yet(database: Database) -> None:
    login = f"early_{uuid4().hex[:8]}"
    granted = grant(database.owner, login, UUID(int=5), "secret")
    assert (granted.password, granted.open) == ("secret", ())
    assert revoke(database.owner, login)
