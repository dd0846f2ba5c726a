"""A new password and the end of the sessions are one transaction: a process may end at any moment of it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from application.access import Caller, Role
from application.event_log import Unavailable
from application.identity.password import change_password, reset_password
from infrastructure.identity.services import IdentityServices
from tests.conftest import Database
from tests.support.signing import PASSWORD, an_account
from tests.support.waiting import eventually

NEW = "a long new password of mine"
WAITING = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%auth.session%'"""


async def ended_at_the_sessions(database: Database, change: Callable[[], Awaitable[None]]) -> None:
    """The change gets as far as the sessions; there its connection ends, as with its process."""
    connect = psycopg.AsyncConnection.connect
    async with (
        await connect(database.owner) as holder,
        await connect(database.owner, autocommit=True) as admin,
    ):
        await holder.execute("SELECT FROM auth.session FOR UPDATE")
        changing = asyncio.ensure_future(change())

        async def killed() -> bool:
            return (await admin.execute(WAITING.encode())).rowcount > 0

        await eventually(killed)
        with pytest.raises((psycopg.OperationalError, Unavailable)):
            await changing


@pytest.mark.parametrize("how", ["reset", "change"])
async def test_the_old_password_counts_as_long_as_its_sessions(
    opened: IdentityServices, database: Database, how: str
) -> None:
    signing = opened.signing
    account = await an_account(signing, "ada@example.org")
    before = await signing.credentials.get(account)
    assert before is not None
    await signing.sessions.open(account, "", proven=before.password)
    ticket = await signing.tickets.issue(account, "reset", timedelta(minutes=5))

    async def change() -> Any:
        if how == "reset":
            return await reset_password(ticket, NEW, "", signing)
        return await change_password(Caller(account, Role.CUSTOMER), PASSWORD, NEW, "", signing)

    await ended_at_the_sessions(database, change)
    assert await signing.credentials.get(account) == before
    assert len(await signing.sessions.of(account)) == 1
    await change()  # the link is not spent
    assert await signing.credentials.get(account) != before
    assert await signing.sessions.of(account) == []
