"""Standing: what makes a token void is known in every process within a second."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import UUID

import psycopg
import pytest

from application.access import ANONYMOUS, Role
from application.event_log import Unavailable
from application.people.account import FindAccount, find_account
from domain.errors import Unauthenticated
from domain.kernel import new_id
from infrastructure.identity import token_revocation
from infrastructure.identity.access_tokens import AccessTokens
from infrastructure.identity.services import IdentityServices
from infrastructure.identity.token_revocation import TokenRevocation
from tests.conftest import Database
from tests.support.faultproxy import FaultProxy
from tests.support.instances import ask, eventually
from tests.support.signing import SECRET, an_account, change
from tests.support.waiting import assert_took


@pytest.fixture
async def verifiers(database: Database, opened: IdentityServices) -> AsyncIterator[list[AccessTokens]]:
    """Of three processes: the one that issued, and two others."""
    async with AsyncExitStack() as stack:
        others = [await stack.enter_async_context(TokenRevocation(database.application)) for _ in range(2)]
        yield [opened.tokens, *(AccessTokens(SECRET, revocation=each) for each in others)]


def counts(tokens: AccessTokens, token: str) -> bool:
    try:
        tokens.verify(token)
    except Unauthenticated:
        return False
    return True


async def granted(opened: IdentityServices, account: UUID, role: Role = Role.CUSTOMER) -> tuple[str, UUID]:
    """A token as signing in gives it, and its session."""
    signing = opened.signing
    credential = await signing.credentials.get(account)
    assert credential is not None
    session, _ = await signing.sessions.open(account, "", proven=credential.password)
    asked = FindAccount(by=ANONYMOUS, account_id=account)
    position = (await find_account(asked, signing.store)).position
    token = signing.tokens.grant(account, role, session.id, signing.store.now(), position).token
    return token, session.id


async def dead_within_a_second(verifiers: list[AccessTokens], token: str) -> None:
    since = time.monotonic()

    async def dead() -> bool:
        return not any(counts(each, token) for each in verifiers)

    await eventually(dead)
    assert_took(since, 1.0)


@pytest.mark.parametrize("what", ["disable", "forget", "role"])
async def test_a_live_token_dies_everywhere_when_its_account_changes(
    what: str, opened: IdentityServices, verifiers: list[AccessTokens]
):
    account = await an_account(opened.signing, "ada@example.org", role=Role.PROVIDER)
    other = await an_account(opened.signing, "grace@example.org")
    token, _ = await granted(opened, account, Role.PROVIDER)
    live, _ = await granted(opened, other)
    assert all(counts(each, token) for each in verifiers)
    await change(opened.signing.store, account, what, "customer")
    await dead_within_a_second(verifiers, token)
    assert all(counts(each, live) for each in verifiers), "others stay signed in"


async def test_a_token_from_after_the_change_counts(opened: IdentityServices, verifiers: list[AccessTokens]):
    account = await an_account(opened.signing, "ada@example.org", role=Role.PROVIDER)
    token, _ = await granted(opened, account, Role.PROVIDER)
    await change(opened.signing.store, account, "role", "customer")
    await dead_within_a_second(verifiers, token)
    token, _ = await granted(opened, account)
    assert all(counts(each, token) for each in verifiers)


async def test_the_tokens_of_an_ended_session_die_everywhere(opened: IdentityServices, verifiers: list[AccessTokens]):
    account = await an_account(opened.signing, "ada@example.org")
    token, session = await granted(opened, account)
    other, _ = await granted(opened, account)
    assert all(counts(each, token) for each in verifiers)
    await opened.signing.sessions.end(account, session)
    await dead_within_a_second(verifiers, token)
    assert all(counts(each, other) for each in verifiers)


async def test_an_end_that_is_committed_long_after_its_statement_is_known_everywhere(
    opened: IdentityServices, verifiers: list[AccessTokens], database: Database
):
    """A COMMIT may wait for a stalled disk or a synchronous standby, while the row has the statement's time."""
    account = await an_account(opened.signing, "ada@example.org")
    token, session = await granted(opened, account)
    other, _ = await granted(opened, account)
    async with await psycopg.AsyncConnection.connect(database.owner) as slow:
        await slow.execute(
            "UPDATE auth.session SET ended_at = clock_timestamp() - interval '1 minute' WHERE id = %s", [session]
        )
        await asyncio.sleep(2 * token_revocation.EACH)  # in every process a refresh passes that cannot see it
        assert all(counts(each, token) for each in verifiers)
    await dead_within_a_second(verifiers, token)
    assert all(counts(each, other) for each in verifiers)


async def test_a_process_that_starts_later_knows_too(opened: IdentityServices, database: Database):
    account = await an_account(opened.signing, "ada@example.org")
    disabled, _ = await granted(opened, account)
    other = await an_account(opened.signing, "grace@example.org")
    ended, session = await granted(opened, other)
    await change(opened.signing.store, account, "disable")
    await opened.signing.sessions.end(other, session)
    async with TokenRevocation(database.application) as revocation:
        tokens = AccessTokens(SECRET, revocation=revocation)
        assert not counts(tokens, disabled)
        assert not counts(tokens, ended)


async def test_a_role_read_just_before_its_change_is_void_though_the_token_is_younger(
    opened: IdentityServices, database: Database
):
    """The change has its time before its commit: who reads in between issues a token that is younger."""
    account = await an_account(opened.signing, "ada@example.org")
    (seen,) = ask(database.owner, "SELECT max(notification_id) FROM log.stored_events")[0]
    await change(opened.signing.store, account, "disable")
    async with TokenRevocation(database.application) as revocation:
        tokens = AccessTokens(SECRET, revocation=revocation)
        now = opened.signing.store.now()
        assert not counts(tokens, tokens.grant(account, Role.CUSTOMER, new_id(), now, int(str(seen))).token)
        assert counts(tokens, tokens.grant(account, Role.CUSTOMER, new_id(), now, int(str(seen)) + 1).token)


async def test_it_finds_its_way_back_after_a_cut(opened: IdentityServices, database: Database):
    account = await an_account(opened.signing, "ada@example.org")
    token, _ = await granted(opened, account)
    async with FaultProxy(database.application) as door, TokenRevocation(door.dsn) as revocation:
        tokens = AccessTokens(SECRET, revocation=revocation)
        assert counts(tokens, token)
        door.cut()
        await change(opened.signing.store, account, "disable")

        async def dead() -> bool:
            return not counts(tokens, token)

        await eventually(dead)


async def test_when_the_database_is_silent_no_token_counts(
    opened: IdentityServices, database: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(token_revocation, "SILENCE", 0.8)
    monkeypatch.setattr(token_revocation, "PATIENCE", 0.5)
    account = await an_account(opened.signing, "ada@example.org")
    token, _ = await granted(opened, account)
    async with FaultProxy(database.application) as door, TokenRevocation(door.dsn) as revocation:
        tokens = AccessTokens(SECRET, revocation=revocation)
        assert counts(tokens, token)
        door.stall("to server", "to client")

        async def unknown() -> bool:
            try:
                return not counts(tokens, token)
            except Unavailable:
                return True

        await eventually(unknown)
        door.flow()
        door.cut()

        async def counts_again() -> bool:
            try:
                return counts(tokens, token)
            except Unavailable:
                return False

        await eventually(counts_again)


class Breaking(TokenRevocation):
    """Its connection breaks while its task is cancelled, which psycopg reports in place of the cancellation."""

    async def _follow(self, connection: psycopg.AsyncConnection) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await connection.close()
            raise psycopg.OperationalError("the connection is lost") from None


async def test_it_ends_though_its_connection_breaks_meanwhile(database: Database) -> None:
    async with Breaking(database.application) as revocation:
        await asyncio.sleep(0)
        assert revocation._task is not None
    assert revocation._task.cancelled()
