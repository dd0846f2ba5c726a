"""The security log: written once, and never too much of it."""

import asyncio

import psycopg
import pytest

from domain.kernel import new_id
from infrastructure.identity.denied_requests import DeniedRequests
from infrastructure.identity.services import IdentityServices
from tests.conftest import Database
from tests.support.instances import ask


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE auth.security_log SET kind = 'nothing'",
        "DELETE FROM auth.security_log",
        "TRUNCATE auth.security_log",
        "ALTER TABLE auth.security_log DISABLE TRIGGER ALL",
        "DROP TABLE auth.security_log",
        "INSERT INTO auth.security_log (id, kind, facts) VALUES (1, 'forged', '{}')",
    ],
)
async def test_the_application_can_only_add_to_it(opened: IdentityServices, database: Database, statement: str):
    await opened.signing.security.note("login")
    with (
        psycopg.connect(database.application) as connection,
        pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.GeneratedAlways)),
    ):
        connection.execute(statement.encode())


async def test_it_tells_the_newest_first_by_kind_and_account(opened: IdentityServices):
    security, ada, grace = opened.signing.security, new_id(), new_id()
    await security.note("login", ada, network="192.0.2.1", session="s")
    await security.note("login_failed", grace, network="192.0.2.1")
    await security.note("login", grace, network="192.0.2.2")
    third, second, first = await security.find(limit=10)
    assert (first.kind, first.account_id, first.facts) == ("login", ada, {"session": "s"})
    assert first.network == second.network != third.network
    assert await security.find(limit=1, before=third.id) == [second]
    assert await security.find(limit=9, kind="login") == [third, first]
    assert await security.find(limit=9, kind="login", account_id=ada) == [first]


async def test_networks_are_kept_as_hashes(opened: IdentityServices, database: Database):
    await opened.signing.security.note("login", network="192.0.2.1")
    rows = str(ask(database.owner, "SELECT t::text FROM auth.security_log t"))
    assert b"192.0.2.1".hex() not in rows
    assert "192.0.2.1" not in rows


async def test_a_flood_of_denials_becomes_few_rows_that_count(opened: IdentityServices):
    denials, account = DeniedRequests(opened.signing.security, rows=3), new_id()
    for _ in range(10_000):
        denials.note("denied", account, "192.0.2.1", "verify_ledger")
    for n in range(5_000):
        denials.note("token_refused", None, f"{n}", "list_tags")
    await denials.write()
    await denials.write()
    events = await opened.signing.security.find(limit=100)
    assert [event.kind for event in events] == ["denied_others", "token_refused", "token_refused", "denied"]
    assert sum(event.facts["times"] for event in events) == 15_000
    assert events[-1].facts == {"operation": "verify_ledger", "times": 10_000}


async def test_what_arrives_during_a_call_is_recorded_by_the_next_under_one_seal(
    opened: IdentityServices, database: Database
):
    security, account = opened.signing.security, new_id()
    await asyncio.gather(*(security.note("login", account, n=n) for n in range(100)))
    found = await security.find(limit=200, account_id=account)
    assert [event.facts["n"] for event in found] == list(range(99, -1, -1))
    seals = ask(database.owner, "SELECT upto - since + 1 FROM auth.security_seal ORDER BY upto")
    assert [rows for (rows,) in seals] == [100]


async def test_who_waits_is_told_that_it_was_not_recorded(opened: IdentityServices, database: Database):
    security = opened.signing.security
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute("ALTER TABLE auth.security_seal RENAME TO away")
        notes = await asyncio.gather(*(security.note("login") for _ in range(3)), return_exceptions=True)
        assert [type(note) for note in notes] == [psycopg.errors.UndefinedTable] * 3
        owner.execute("ALTER TABLE auth.away RENAME TO security_seal")
    await security.note("logout")
    assert [event.kind for event in await security.find(limit=9)] == ["logout"]


async def test_within_a_transaction_a_row_is_recorded_with_it(opened: IdentityServices):
    security = opened.signing.security

    async def noted(*, undone: bool) -> None:
        async with security._pool.transaction():
            await security.note("login", undone=undone)
            if undone:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await noted(undone=True)
    await noted(undone=False)
    assert [event.facts for event in await security.find(limit=9)] == [{"undone": False}]
