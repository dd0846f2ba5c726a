"""Sessions: each refresh token is good once, and one that comes back ends them all."""

import asyncio
from uuid import UUID

import psycopg
import pytest

from domain.errors import Unauthenticated
from domain.kernel import new_id
from infrastructure.identity.services import IdentityServices
from tests.conftest import Database
from tests.support.instances import ask


async def signed_in(opened: IdentityServices, account: UUID | None = None) -> tuple[UUID, UUID, str]:
    """Account, session, refresh token."""
    account = account or new_id()
    await opened.signing.credentials.put(account, "kept", long=True)
    session, token = await opened.signing.sessions.open(account, "curl/8", proven="kept")
    return account, session.id, token


def age(database: Database, statement: str) -> None:
    """Let time pass, for what is in the database."""
    ask(database.owner, statement)


async def kinds(opened: IdentityServices) -> list[str]:
    """What the security log tells, the newest first."""
    return [event.kind for event in await opened.signing.security.find(limit=100)]


async def test_a_refresh_token_is_exchanged_for_the_next(opened: IdentityServices, database: Database):
    account, session, token = await signed_in(opened)
    found, following = await opened.signing.sessions.refresh(token)
    assert (found.id, found.account_id, found.client) == (session, account, "curl/8")
    assert following != token
    assert (await opened.signing.sessions.refresh(following))[0].id == session


async def test_an_answer_that_was_lost_may_be_asked_again_for_ten_seconds(opened: IdentityServices, database: Database):
    _, session, token = await signed_in(opened)
    _, following = await opened.signing.sessions.refresh(token)
    age(database, "UPDATE auth.refresh_token SET used_at = used_at - interval '9 s'")
    found, again = await opened.signing.sessions.refresh(token)
    assert (found.id, again) == (session, following)
    await opened.signing.sessions.refresh(again)


async def test_a_token_used_again_later_ends_the_session_and_is_recorded(opened: IdentityServices, database: Database):
    account, session, token = await signed_in(opened)
    _, other, others = await signed_in(opened, account)
    _, following = await opened.signing.sessions.refresh(token)
    age(database, "UPDATE auth.refresh_token SET used_at = used_at - interval '11 s'")
    for stolen in (token, following, token):
        with pytest.raises(Unauthenticated):
            await opened.signing.sessions.refresh(stolen, network="192.0.2.1")
    assert [each.id for each in await opened.signing.sessions.of(account)] == [other]
    assert await kinds(opened) == ["refresh_reused"]
    (event,) = await opened.signing.security.find(limit=1)
    assert (event.account_id, event.facts) == (account, {"session": str(session)})
    await opened.signing.sessions.refresh(others)


async def test_of_many_who_come_with_one_token_at_once_none_breaks_the_session(opened: IdentityServices):
    _, session, token = await signed_in(opened)
    found = await asyncio.gather(*(opened.signing.sessions.refresh(token) for _ in range(8)))
    assert {each.id for each, _ in found} == {session}
    (following,) = {following for _, following in found}
    again = await asyncio.gather(*(opened.signing.sessions.refresh(following) for _ in range(8)))
    assert len({last for _, last in again}) == 1


async def test_one_token_has_one_live_successor(opened: IdentityServices, database: Database):
    _, _, token = await signed_in(opened)
    for _ in range(20):
        await opened.signing.sessions.refresh(token)
    live = "SELECT count(*) FROM auth.refresh_token WHERE used_at IS NULL"
    assert ask(database.owner, live) == [(1,)]


async def test_the_use_of_the_successor_ends_the_grace(opened: IdentityServices):
    """Who goes on from a stolen token within ten seconds is found as soon as both have gone on."""
    account, _, token = await signed_in(opened)
    _, following = await opened.signing.sessions.refresh(token)
    await opened.signing.sessions.refresh(following)
    with pytest.raises(Unauthenticated):
        await opened.signing.sessions.refresh(token)
    assert await opened.signing.sessions.of(account) == []
    assert await kinds(opened) == ["refresh_reused"]


async def test_a_session_ends_after_30_days_unused(opened: IdentityServices, database: Database):
    account, _, token = await signed_in(opened)
    age(database, "UPDATE auth.session SET used_at = used_at - interval '30 d', expires_at = now()")
    with pytest.raises(Unauthenticated):
        await opened.signing.sessions.refresh(token)
    assert await opened.signing.sessions.of(account) == []
    assert await kinds(opened) == []


async def test_a_session_lasts_30_days_from_each_use_and_90_at_most(opened: IdentityServices, database: Database):
    _, _, token = await signed_in(opened)
    age(database, "UPDATE auth.session SET created_at = created_at - interval '50 d'")
    found, token = await opened.signing.sessions.refresh(token)
    assert (found.expires_at - found.used_at).days == 30
    age(database, "UPDATE auth.session SET created_at = created_at - interval '35 d'")
    found, token = await opened.signing.sessions.refresh(token)
    assert (found.expires_at - found.created_at).days == 90
    assert (found.expires_at - found.used_at).days == 4, "not quite five"


async def test_whoever_changes_the_password_first_keeps_out_who_compared_it_before(opened: IdentityServices):
    account, _, _ = await signed_in(opened)
    await opened.signing.credentials.put(account, "another", long=True)
    with pytest.raises(Unauthenticated):
        await opened.signing.sessions.open(account, "", proven="kept")


async def test_one_session_ends_or_all_or_all_but_one(opened: IdentityServices):
    account, first, _ = await signed_in(opened)
    _, second, _ = await signed_in(opened, account)
    _, third, _ = await signed_in(opened, account)
    stranger, theirs, _ = await signed_in(opened)
    sessions = opened.signing.sessions
    assert await sessions.end(account, theirs) == 0
    assert await sessions.end(account, first) == 1
    assert await sessions.end(account, first) == 0
    assert await sessions.end(account, keep=third) == 1
    assert [each.id for each in await sessions.of(account)] == [third]
    assert await sessions.end(account) == 1
    assert [each.id for each in await sessions.of(stranger)] == [theirs]
    assert second != third


async def test_an_ended_session_is_refreshed_no_more(opened: IdentityServices):
    account, session, token = await signed_in(opened)
    await opened.signing.sessions.end(account, session)
    with pytest.raises(Unauthenticated):
        await opened.signing.sessions.refresh(token)
    with pytest.raises(Unauthenticated):
        await opened.signing.sessions.refresh("never issued")


async def test_what_is_long_over_is_swept(opened: IdentityServices, database: Database):
    account, _, _ = await signed_in(opened)
    await opened.signing.sessions.end(account)
    age(database, "UPDATE auth.session SET ended_at = now() - interval '2 d'")
    await signed_in(opened, account)
    assert ask(database.owner, "SELECT count(*) FROM auth.session") == [(1,)]
    assert ask(database.owner, "SELECT count(*) FROM auth.refresh_token") == [(1,)]


async def test_no_secret_and_nothing_personal_is_kept_in_clear(opened: IdentityServices, database: Database):
    _, _, token = await signed_in(opened)
    with psycopg.connect(database.owner) as connection:
        for table in ("session", "refresh_token"):
            rows = connection.execute(f"SELECT t::text FROM auth.{table} t".encode()).fetchall()
            assert rows
            assert token not in str(rows)
            assert b"curl".hex() not in str(rows)
