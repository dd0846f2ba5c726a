"""A database of release 0.1.0: its reset tickets are bound to the present state, its verification codes are void."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import psycopg
import pytest

from application.identity.one_time_tokens import TicketVoid
from infrastructure.database.roles import migrate
from infrastructure.event_log import append_connection
from infrastructure.event_log.append_call import APPEND, Batch, arguments, read_answers
from infrastructure.event_log.journal import LogEntry
from infrastructure.event_log.postgres_journal import postgres_store
from infrastructure.identity.opaque_secrets import hashed, new_secret
from tests.infrastructure.database.test_one_queue import migrate_to
from tests.infrastructure.database.test_roles import empty
from tests.support.sealed import MASTERS
from tests.support.signing import a_signing, change, recorded

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


def called_as_before(patch: pytest.MonkeyPatch) -> None:
    """The append as release 0.1.0 called it, and read its answer: the function of its database knows no other."""

    def older(entries: Sequence[LogEntry], rows: Sequence[tuple[Any, ...]]) -> Batch:
        (*front, _, position, verdicts, seal, at), *rest = rows
        return read_answers(entries, [(*front, 0, position, verdicts, seal, at), *rest])

    patch.setattr(append_connection, "call_of", lambda entries, _: (APPEND, arguments(entries)))
    patch.setattr(append_connection, "read_answers", older)


@pytest.mark.parametrize("event", [None, "password", "disable"])
async def test_secrets_of_an_older_release_are_bound_to_the_present_state(
    empty: Callable[[], str], event: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    dsn, tickets = empty(), [new_secret(), new_secret()]
    migrate_to(dsn, "0007")
    store = postgres_store(dsn, MASTERS)
    await store.open()
    try:
        with monkeypatch.context() as patch:
            called_as_before(patch)
            account_id = await recorded(store, "ada@example.org")
        an_older_database(dsn, account_id, *tickets)
        migrate(dsn, None)
        async with a_signing(dsn, store) as opened:
            signing = opened.signing
            kept = await signing.credentials.get(account_id)
            assert kept is not None
            assert (kept.password, kept.totp) == ("hash", None)
            if event == "password":
                await signing.credentials.put(account_id, "another", long=True)
            elif event == "disable":
                await change(store, account_id, event)
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
