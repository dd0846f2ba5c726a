"""API keys: shown once, kept hashed, and good for what they are for."""

import pytest

from application.access import ACCESS, Role
from application.identity.api_key import ApiKeyHolders, TooManyKeys
from domain.errors import NotFound, Stale, Unauthenticated
from domain.kernel import new_id
from infrastructure.identity import api_keys
from infrastructure.identity.services import IdentityServices
from tests.conftest import Database
from tests.support.instances import ask
from tests.support.signing import an_account, change


async def test_a_key_is_found_by_what_was_shown_once(opened: IdentityServices, database: Database):
    keys, account = opened.signing.keys, new_id()
    made, secret = await keys.make(account, "screen", ["read"], None)
    assert secret.startswith(f"dbk_{made.id.hex}_")
    found = await keys.bearer(secret)
    assert found is not None
    assert (found.id, found.account_id, found.name, found.scopes) == (made.id, account, "screen", ["read"])
    kept = str(ask(database.owner, "SELECT t::text FROM auth.api_key t"))
    assert secret.rpartition("_")[2] not in kept
    assert b"screen".hex() not in kept


async def test_what_is_no_key_is_nobodys(opened: IdentityServices):
    made, secret = await opened.signing.keys.make(new_id(), "screen", ["read"], None)
    _, other = await opened.signing.keys.make(new_id(), "screen", ["read"], None)
    wrong = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    mixed = secret[:37] + other[37:]
    for each in ("dbk_", wrong, mixed, secret + "x", f"dbk_{made.id}_x", "dbk_" + "0" * 32 + "_" + "x" * 43):
        assert await opened.signing.keys.bearer(each) is None


async def test_when_it_was_used_is_kept_to_the_minute(opened: IdentityServices):
    keys, account = opened.signing.keys, new_id()
    made, secret = await keys.make(account, "screen", ["read"], None)
    assert made.used_at is None
    await keys.bearer(secret)
    used = (await keys.get(account, made.id)).used_at
    assert used is not None
    assert (used.second, used.microsecond) == (0, 0)


async def test_a_key_runs_out(opened: IdentityServices, database: Database):
    keys = opened.signing.keys
    _, secret = await keys.make(new_id(), "screen", ["read"], opened.signing.store.now())
    assert await keys.bearer(secret) is None


async def test_keys_are_their_accounts_alone(opened: IdentityServices):
    keys, account = opened.signing.keys, new_id()
    made, secret = await keys.make(account, "screen", ["read"], None)
    stranger = new_id()
    for refused in (
        keys.get(stranger, made.id),
        keys.rename(stranger, made.id, "mine", None),
        keys.end(stranger, made.id, None),
    ):
        with pytest.raises(NotFound):
            await refused
    assert await keys.find(stranger, limit=10) == []
    assert (await keys.rename(account, made.id, "door", 1)).version == 2
    with pytest.raises(Stale):
        await keys.rename(account, made.id, "window", 1)
    with pytest.raises(Stale):
        await keys.end(account, made.id, 1)
    await keys.end(account, made.id, 2)
    assert await keys.bearer(secret) is None


async def test_an_account_has_only_so_many(opened: IdentityServices, monkeypatch: pytest.MonkeyPatch):
    account = new_id()
    for _ in range(api_keys.MOST_KEYS):
        await opened.signing.keys.make(account, "one more", ["read"], None)
    with pytest.raises(TooManyKeys):
        await opened.signing.keys.make(account, "one too many", ["read"], None)
    assert len(await opened.signing.keys.find(account, limit=200)) == api_keys.MOST_KEYS


async def test_a_key_is_its_account_in_the_role_it_has_now(opened: IdentityServices):
    signing, time = opened.signing, [0.0]
    holders = ApiKeyHolders(signing.keys, signing.store, clock=lambda: time[0])
    account = await an_account(signing, "ada@example.org", role=Role.PROVIDER)
    made, secret = await signing.keys.make(account, "screen", ["read", "create_tag"], None)
    caller = await holders.holder(secret)
    assert (caller.id, caller.role, caller.scopes) == (account, Role.PROVIDER, {"read", "create_tag"})
    await change(signing.store, account, "role", "customer")
    time[0] = 1.0
    assert (await holders.holder(secret)).role is Role.CUSTOMER
    await change(signing.store, account, "disable")
    time[0] = 2.0
    with pytest.raises(Unauthenticated):
        await holders.holder(secret)
    await change(signing.store, account, "enable")
    assert (await holders.holder(secret)).id == account
    await signing.keys.end(account, made.id, None)
    time[0] = 3.0
    with pytest.raises(Unauthenticated):
        await holders.holder(secret)


async def test_a_key_of_nobody_opens_nothing(opened: IdentityServices):
    _, secret = await opened.signing.keys.make(new_id(), "screen", list(ACCESS)[:1], None)
    with pytest.raises(Unauthenticated):
        await opened.holders.holder(secret)
