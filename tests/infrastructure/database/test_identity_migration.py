"""A database of release 0.1.0: its reset tickets are bound to the present state, its verification codes are void."""

from collections.abc import Callable
from uuid import UUID

import psycopg
import pytest

from application.identity.one_time_tokens import TicketVoid
from domain.kernel import new_id
from domain.people.account import Account
from infrastructure.database.roles import migrate
from infrastructure.event_log.postgres_journal import postgres_store
from infrastructure.identity.opaque_secrets import hashed, new_secret
from tests.infrastructure.database.test_one_queue import migrate_to
from tests.infrastructure.database.test_roles import empty
from tests.support.sealed import MASTERS
from tests.support.signing import a_signing

__all__ = ["empty"]


def an_older_database(dsn: str, account_id: UUID, *tickets: str) -> None:
    """With a password, one-time codes that await confirmation, tickets and a verification code."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO auth.credential (account_id, password, long, totp) VALUES (%s, 'hash', true, 'sealed')",
            [account_id],
        )
        for ticket in tickets:
            connection.execute(
                """INSERT INTO auth.ticket (hash, account_id, purpose, issued_at, expires_at)
                VALUES (%s, %s, 'reset', now(), now() + interval '1 hour')""",
                [hashed(ticket), account_id],
            )
        connection.execute(
            """INSERT INTO auth.verification (hash, account_id, said, expires_at)
            VALUES ('x', %s, 'sealed', now() + interval '1 hour')""",
            [account_id],
        )


def record(dsn: str, account_id: UUID, version: int, topic: str) -> None:
    """An event of the account, of which the binding counts topic and version alone."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            """INSERT INTO log.stored_events (
                originator_id, originator_version, topic, state, notification_id, event_id, recorded_at, metadata,
                digest)
            VALUES (%s, %s, %s, '', %s, %s, now(), '{}', '')""",
            [Account.id_of(account_id), version, topic, version, new_id()],
        )


@pytest.mark.parametrize("event", [None, "password", "disable"])
async def test_secrets_of_an_older_release_are_bound_to_the_present_state(
    empty: Callable[[], str], event: str | None
) -> None:
    dsn, account_id, tickets = empty(), new_id(), [new_secret(), new_secret()]
    migrate_to(dsn, "0007")
    record(dsn, account_id, 1, "Account.Registered")
    record(dsn, account_id, 2, "Account.AddressChanged")
    an_older_database(dsn, account_id, *tickets)
    migrate(dsn, None)
    store = postgres_store(dsn, MASTERS)
    await store.open()
    try:
        async with a_signing(dsn, store) as opened:
            signing = opened.signing
            kept = await signing.credentials.get(account_id)
            assert kept is not None
            assert (kept.password, kept.totp) == ("hash", None)
            if event == "password":
                await signing.credentials.put(account_id, "another", long=True)
            elif event == "disable":
                record(dsn, account_id, 3, "Account.Disabled")
            for ticket in tickets:
                if event is None:
                    assert await signing.tickets.look(ticket, "reset") == account_id
                else:
                    with pytest.raises(TicketVoid):
                        await signing.tickets.redeem(ticket, "reset")
    finally:
        await store.close()
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT count(*) FROM auth.verification").fetchone() == (0,)
