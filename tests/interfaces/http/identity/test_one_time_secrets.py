"""One-time secrets are void once the credentials, the address or the status they were issued under have changed."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID

import httpx
import pyotp
import pytest

from application.access import Caller, Role
from application.people.contact import ChangeAddress, change_address
from domain.kernel import new_id
from tests.interfaces.http.accounts import nothing, token_of
from tests.interfaces.http.sign_in import ADA, an_account, prove, register, signed_in
from tests.interfaces.http.town import Api, problem
from tests.support.builders import somebody
from tests.support.signing import PASSWORD, change, one_time_code
from tests.support.signing import an_account as with_password

ADMIN = somebody(Role.ADMIN)
NEW, OTHER = "ada@new.example", "ada@other.example"
ANOTHER, CHOSEN = "seven herons over the weir", "nine otters on the bank"


@dataclass
class Secret:
    """One that was issued to Ada, who is `me`. `to`: the address that it proves; `again`: requests another."""

    api: Api
    me: Caller
    use: Callable[[], Awaitable[httpx.Response]]
    again: Callable[[], Awaitable[object]]
    to: str = ADA
    codes: list[pyotp.TOTP] = field(default_factory=list)


async def _mailed(api: Api) -> str:
    return token_of(await api.people.last_mail())


async def _ada(api: Api) -> Caller:
    return Caller(await with_password(api.ports.identity.signing, ADA), Role.CUSTOMER)


async def _forgot(api: Api) -> str:
    await api.post("/v1/auth/password/forgot", {"email": ADA})
    return await _mailed(api)


async def _reset(api: Api, ticket: str, password: str) -> httpx.Response:
    return await api.post("/v1/auth/password/reset", {"ticket": ticket, "password": password})


async def _confirm(api: Api, me: Caller, codes: pyotp.TOTP, step: int = 0) -> httpx.Response:
    code = await one_time_code(codes, api.ports.store.now, step)
    return await api.post("/v1/auth/totp/confirm", {"code": code}, me)


async def _enrol(api: Api, me: Caller) -> pyotp.TOTP:
    begun = await api.post("/v1/auth/totp", {"password": PASSWORD}, me)
    return pyotp.TOTP(begun.json()["secret"])


async def _move(api: Api, me: Caller, to: str) -> str:
    asked = await api.patch("/v1/me", {"email": to, "password": PASSWORD}, me, if_match="*")
    assert asked.status_code == 200, asked.text
    return await _mailed(api)


async def _register(api: Api, name: str) -> str:
    await register(api, email=ADA, name=name)
    return await _mailed(api)


# The secrets.


async def reset_ticket(api: Api) -> Secret:
    me, ticket = await _ada(api), await _forgot(api)
    return Secret(api, me, lambda: _reset(api, ticket, CHOSEN), lambda: _forgot(api))


async def invitation(api: Api) -> Secret:
    made = await api.post("/v1/users", {"email": ADA, "name": "Ada", "role": "customer"}, ADMIN)
    me, ticket = Caller(UUID(made.json()["id"]), Role.CUSTOMER), await _mailed(api)
    return Secret(api, me, lambda: _reset(api, ticket, CHOSEN), lambda: _forgot(api))


async def registration_code(api: Api) -> Secret:
    token = await _register(api, "Ada")
    return Secret(api, Caller(new_id(), Role.CUSTOMER), lambda: prove(api, token), lambda: _register(api, "Mallory"))


async def address_code(api: Api) -> Secret:
    me = await _ada(api)
    token = await _move(api, me, NEW)
    return Secret(api, me, lambda: prove(api, token), lambda: _move(api, me, OTHER), to=NEW)


async def totp_enrolment(api: Api) -> Secret:
    me = await _ada(api)
    codes = await _enrol(api, me)
    return Secret(api, me, lambda: _confirm(api, me, codes), lambda: _enrol(api, me))


# The events.


async def no_event(_: Secret) -> None:
    """The secret is used at once."""


async def its_own_use(it: Secret) -> None:
    assert (await it.use()).is_success


async def password_change(it: Secret) -> None:
    said = {"old": PASSWORD, "password": ANOTHER}
    assert (await it.api.post("/v1/auth/password/change", said, it.me)).status_code == 204


async def use_of_another_ticket(it: Secret) -> None:
    assert (await _reset(it.api, await _forgot(it.api), ANOTHER)).status_code == 204


async def address_change(it: Secret) -> None:
    address = await it.api.ports.store.address_id(OTHER)
    await change_address(ChangeAddress(by=it.me, email=OTHER, address=address), it.api.ports.store)


async def codes_in_force(it: Secret) -> None:
    it.codes.append(await _enrol(it.api, it.me))
    assert (await _confirm(it.api, it.me, it.codes[0], -1)).status_code == 200


async def codes_in_force_and_given_up(it: Secret) -> None:
    await codes_in_force(it)
    said = {"password": PASSWORD, "code": it.codes[0].at(it.api.ports.store.now())}
    assert (await it.api.ask("DELETE", "/v1/auth/totp", it.me, said)).status_code == 204


async def disabling(it: Secret) -> None:
    await change(it.api.ports.store, it.me.account, "disable")


async def disabling_and_enabling(it: Secret) -> None:
    await disabling(it)
    await change(it.api.ports.store, it.me.account, "enable")


async def erasure(it: Secret) -> None:
    path = f"/v1/users/{it.me.id}/forget"
    assert (await it.api.post(path, {"at_once": True}, ADMIN, if_match="*")).status_code == 202
    await it.api.catch_up()
    it.api.people.catch_up = nothing
    working = asyncio.create_task(it.api.people.work())
    while not working.done():  # the erasure waits for the read models
        await it.api.catch_up()
    await working


async def address_taken(it: Secret) -> None:
    await an_account(it.api, it.to)


async def address_taken_and_left(it: Secret) -> None:
    taker = await an_account(it.api, it.to)
    address = await it.api.ports.store.address_id("taker@example.org")
    await change_address(ChangeAddress(by=taker, email="taker@example.org", address=address), it.api.ports.store)


async def newer_one(it: Secret) -> None:
    await it.again()


async def end_of_its_time(it: Secret) -> None:
    for table in ("ticket", "verification"):
        await it.api.people.rows.all(f"UPDATE auth.{table} SET expires_at = expires_at - interval '8 days'")


async def all_of_it_to_another_account(it: Secret) -> None:
    """What happens to others does not matter."""
    signing = it.api.ports.identity.signing
    bea = Caller(await with_password(signing, "bea@example.org"), Role.CUSTOMER)
    other = Secret(it.api, bea, it.use, it.again)
    await password_change(other)
    address = await it.api.ports.store.address_id("bea@other.example")
    await change_address(ChangeAddress(by=bea, email="bea@other.example", address=address), it.api.ports.store)
    await disabling(other)


VOID, GOOD = "void", "good"
NO_PASSWORD = "an invited account has no password yet"
NO_ACCOUNT = "a registration has no account yet"
ITS_OWN = "the secret is issued to the holder of the address"
BY_ITSELF = "that is its own use"
NO_LIMIT = "an enrolment has no limit of time"
SECRETS = (reset_ticket, invitation, registration_code, address_code, totp_enrolment)
CELLS: dict[Callable[[Secret], Awaitable[None]], tuple[str, str, str, str, str]] = {
    no_event: (GOOD, GOOD, GOOD, GOOD, GOOD),
    all_of_it_to_another_account: (GOOD, GOOD, GOOD, GOOD, GOOD),
    its_own_use: (VOID, VOID, VOID, VOID, VOID),
    password_change: (VOID, NO_PASSWORD, NO_ACCOUNT, VOID, VOID),
    use_of_another_ticket: (VOID, VOID, NO_ACCOUNT, VOID, VOID),
    address_change: (VOID, VOID, NO_ACCOUNT, VOID, VOID),
    codes_in_force: (VOID, NO_PASSWORD, NO_ACCOUNT, VOID, BY_ITSELF),
    codes_in_force_and_given_up: (VOID, NO_PASSWORD, NO_ACCOUNT, VOID, BY_ITSELF),
    disabling: (VOID, VOID, NO_ACCOUNT, VOID, VOID),
    disabling_and_enabling: (VOID, VOID, NO_ACCOUNT, VOID, VOID),
    erasure: (VOID, VOID, NO_ACCOUNT, VOID, VOID),
    address_taken: (ITS_OWN, ITS_OWN, VOID, VOID, ITS_OWN),
    address_taken_and_left: (ITS_OWN, ITS_OWN, VOID, VOID, ITS_OWN),
    newer_one: (GOOD, GOOD, VOID, VOID, VOID),
    end_of_its_time: (VOID, VOID, VOID, VOID, NO_LIMIT),
}
"""Event -> what is left of each secret, or why the event cannot happen to it.

A newer reset ticket leaves the older one good: strangers may request tickets, and would void those of the owner.
"""
CASES = [
    pytest.param(secret, event, cell == GOOD, id=f"{secret.__name__}-{event.__name__}")
    for event, row in CELLS.items()
    for secret, cell in zip(SECRETS, row, strict=True)
    if cell in {VOID, GOOD}
]


@pytest.mark.parametrize(("secret", "event", "good"), CASES)
async def test_each_secret_is_void_after_each_event_that_changes_what_it_stands_on(
    api: Api, secret: Callable[[Api], Awaitable[Secret]], event: Callable[[Secret], Awaitable[None]], good: bool
):
    it = await secret(api)
    await event(it)
    before = await api.people.rows.all("SELECT * FROM auth.credential ORDER BY account_id")
    answer = await it.use()
    if good:
        assert answer.is_success, answer.text
        return
    expected = {(410, "ticket-void")} if secret is not totp_enrolment else {(409, "no-codes"), (409, "codes-in-force")}
    if secret is totp_enrolment and event is newer_one:
        expected = {(403, "wrong-code")}
    assert problem(answer) in expected
    assert await api.people.rows.all("SELECT * FROM auth.credential ORDER BY account_id") == before


async def test_a_code_that_is_mailed_after_a_reset_is_void_if_it_was_asked_for_before(api: Api):
    me, ticket = await _ada(api), await _forgot(api)
    await api.patch("/v1/me", {"email": NEW, "password": PASSWORD}, me, if_match="*")
    assert (await _reset(api, ticket, ANOTHER)).status_code == 204
    codes = [token_of(mail) for mail in await api.people.mails() if mail["to"] == NEW]
    assert [problem(await prove(api, code)) for code in codes] == [(410, "ticket-void")] * len(codes)


async def test_of_two_tickets_at_once_one_counts(api: Api):
    await _ada(api)
    tickets = [await _forgot(api) for _ in range(3)]
    passwords = [f"nine otters on the bank {n}" for n in range(3)]
    answers = await asyncio.gather(*(_reset(api, *each) for each in zip(tickets, passwords, strict=True)))
    assert sorted(each.status_code for each in answers) == [204, 410, 410]
    (won,) = [passwords[n] for n, each in enumerate(answers) if each.status_code == 204]
    assert (await signed_in(api, password=won)).status_code == 200


@pytest.mark.parametrize("secret", [address_code, totp_enrolment])
@pytest.mark.parametrize("attempt", range(5))
async def test_of_a_reset_and_another_secret_at_once_one_counts(
    api: Api, secret: Callable[[Api], Awaitable[Secret]], attempt: int
):
    it = await secret(api)
    ticket = await _forgot(api)
    reset, used = await asyncio.gather(_reset(api, ticket, ANOTHER), it.use())
    assert sorted((reset.is_success, used.is_success)) == [False, True], (reset.text, used.text)


@pytest.mark.parametrize("attempt", range(5))
async def test_who_knows_the_old_password_does_not_win_against_a_reset_at_once(api: Api, attempt: int):
    me = await _ada(api)
    ticket = await _forgot(api)
    said = {"old": PASSWORD, "password": "a thief was here first"}
    reset, changed = await asyncio.gather(_reset(api, ticket, ANOTHER), api.post("/v1/auth/password/change", said, me))
    assert sorted((reset.is_success, changed.is_success)) == [False, True], (reset.text, changed.text)
    signed = await signed_in(api, password=ANOTHER if reset.is_success else said["password"])
    assert signed.status_code == 200
