"""A process that dies right after a commit: what must happen later is there already, and gets done.

The functions that enqueue jobs declare it (`@enqueues`); each is killed here, by the declarations.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pyotp
import pytest
from psycopg import AsyncTransaction

from application.access import OPERATOR, Caller, Role
from application.identity.totp import reset_totp
from application.jobs.job import ENQUEUING, Job
from application.notifications.notice_jobs import NoticeServices, notify
from application.people.erasure import ErasePerson, erase_person
from domain.kernel import new_id
from infrastructure.database.row_pool import RowPool
from infrastructure.event_log.postgres_journal import PostgresJournal
from infrastructure.jobs.enqueuing import JobEnqueuer
from tests.application.notifications.test_notice import Held, Told
from tests.interfaces.http.accounts import token_of
from tests.interfaces.http.sign_in import signed_in
from tests.interfaces.http.town import Api, a_town
from tests.support.builders import somebody
from tests.support.signing import PASSWORD, an_account, one_time_code

ADA, NEW = "ada@example.org", "ada.lovelace@example.org"
ANOTHER = "seven herons over the weir"
ADMIN = somebody(Role.ADMIN)


class Died(BaseException):
    """The process is no more."""


@pytest.fixture
def deadly(api: Api, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Awaitable[None]]:
    """From when it is called, the process dies right after the first commit by which there is another job."""
    rows, all_, leave, append = api.people.rows, RowPool.all, AsyncTransaction.__aexit__, PostgresJournal.append
    known = 0

    async def count() -> int:
        ((found,),) = await all_(rows, "SELECT count(*) FROM work.job")
        return int(found)

    async def die_if_committed() -> None:
        if await count() > known:
            monkeypatch.undo()
            raise Died

    async def all_dying(self: RowPool, *values: Any) -> Any:
        found = await all_(self, *values)
        if self._current() is None:
            await die_if_committed()
        return found

    async def leave_dying(self: AsyncTransaction, kind: Any, error: Any, trace: Any) -> Any:
        swallowed = await leave(self, kind, error, trace)
        if error is None:
            await die_if_committed()
        return swallowed

    async def append_dying(self: PostgresJournal, entry: Any) -> Any:
        found = await append(self, entry)
        await die_if_committed()
        return found

    async def arm() -> None:
        nonlocal known
        known = await count()
        monkeypatch.setattr(RowPool, "all", all_dying)
        monkeypatch.setattr(AsyncTransaction, "__aexit__", leave_dying)
        monkeypatch.setattr(PostgresJournal, "append", append_dying)

    return arm


Arm = Callable[[], Awaitable[None]]


async def ada(api: Api) -> Caller:
    return Caller(await an_account(api.ports.identity.signing, ADA), Role.CUSTOMER)  # type: ignore[arg-type]


async def registers(api: Api, arm: Arm) -> None:
    await arm()
    await api.post("/v1/auth/register", {"email": ADA, "password": PASSWORD, "name": "Ada"})


async def is_invited(api: Api, arm: Arm) -> None:
    await arm()
    await api.post("/v1/users", {"email": ADA, "name": "Ada", "role": "customer"}, ADMIN, idempotency_key="k")


async def asks_for_another_address(api: Api, arm: Arm) -> None:
    me = await ada(api)
    await arm()
    await api.patch("/v1/me", {"email": NEW, "password": PASSWORD}, me, if_match="*")


async def proves_another_address(api: Api, arm: Arm) -> None:
    await api.patch("/v1/me", {"email": NEW, "password": PASSWORD}, await ada(api), if_match="*")
    token = token_of(await api.people.last_mail())
    await arm()
    await api.post("/v1/auth/email/verify", {"token": token})


async def changes_the_password(api: Api, arm: Arm) -> None:
    me = await ada(api)
    await arm()
    await api.post("/v1/auth/password/change", {"old": PASSWORD, "password": ANOTHER}, me)


async def forgets_the_password(api: Api, arm: Arm) -> None:
    await ada(api)
    await arm()
    await api.post("/v1/auth/password/forgot", {"email": ADA})


async def resets_the_password(api: Api, arm: Arm) -> None:
    signing = api.ports.identity.signing
    ticket = await signing.tickets.issue((await ada(api)).account, "reset", timedelta(hours=1))
    await arm()
    await api.post("/v1/auth/password/reset", {"ticket": ticket, "password": ANOTHER})


async def _codes(api: Api, me: Caller) -> Callable[[int], Awaitable[str]]:
    told = (await api.post("/v1/auth/totp", {"password": PASSWORD}, me)).json()
    totp = pyotp.TOTP(told["secret"])
    return lambda step: one_time_code(totp, api.ports.store.now, step)


async def begins_codes(api: Api, arm: Arm) -> None:
    me = await ada(api)
    code = await _codes(api, me)
    await arm()
    await api.post("/v1/auth/totp/confirm", {"code": await code(0)}, me)


async def stops_codes(api: Api, arm: Arm) -> None:
    me = await ada(api)
    code = await _codes(api, me)
    await api.post("/v1/auth/totp/confirm", {"code": await code(-1)}, me)
    await api.people.work()
    await arm()
    await api.ask("DELETE", "/v1/auth/totp", me, {"password": PASSWORD, "code": await code(0)})


async def creates_an_api_key(api: Api, arm: Arm) -> None:
    me = await ada(api)
    await arm()
    await api.post("/v1/api-keys", {"name": "screen", "scopes": ["read"], "current_password": PASSWORD}, me)


async def renews_recovery_codes(api: Api, arm: Arm) -> None:
    me = await ada(api)
    code = await _codes(api, me)
    await api.post("/v1/auth/totp/confirm", {"code": await code(-1)}, me)
    await api.people.work()
    await arm()
    await api.post("/v1/auth/totp/recovery-codes", {"current_password": PASSWORD, "code": await code(0)}, me)


async def uses_a_recovery_code(api: Api, arm: Arm) -> None:
    me = await ada(api)
    code = await _codes(api, me)
    made = (await api.post("/v1/auth/totp/confirm", {"code": await code(-1)}, me)).json()
    await api.people.work()
    await arm()
    await signed_in(api, totp=made["recovery_codes"][0])


async def loses_the_device(api: Api, arm: Arm) -> None:
    me = await ada(api)
    code = await _codes(api, me)
    await api.post("/v1/auth/totp/confirm", {"code": await code(-1)}, me)
    await api.people.work()
    await arm()
    await reset_totp(me.account, api.ports.identity.signing)


async def is_erased(api: Api, arm: Arm) -> None:
    me = await ada(api)
    await arm()
    farewell = {"email": ADA, "name": "Ada", "language": None}
    await erase_person(ErasePerson(by=OPERATOR, subject=me.account, farewell=farewell), api.ports.store)


SCENES: dict[str, tuple[Callable[[Api, Arm], Awaitable[None]], str, str]] = {
    "identity.email_verification.ask_registration": (registers, ADA, "Confirm your e-mail address"),
    "people.account.register_account": (is_invited, ADA, "You have an account"),
    "people.contact.change_contact": (asks_for_another_address, NEW, "Confirm your new e-mail address"),
    "people.contact.change_address": (proves_another_address, ADA, "Your e-mail address was changed"),
    "identity.password.change_password": (changes_the_password, ADA, "Your password was changed"),
    "identity.password.request_password_reset": (forgets_the_password, ADA, "Set a new password"),
    "identity.password.reset_password": (resets_the_password, ADA, "Your password was changed"),
    "identity.totp.confirm_totp": (begins_codes, ADA, "Two-step sign-in is on"),
    "identity.totp.stop_totp": (stops_codes, ADA, "Two-step sign-in is off"),
    "identity.api_key_creation.create_api_key": (creates_an_api_key, ADA, "An API key was created"),
    "identity.totp.renew_recovery_codes": (renews_recovery_codes, ADA, "You have new recovery codes"),
    "identity.session.use_recovery_code": (uses_a_recovery_code, ADA, "A recovery code was used"),
    "identity.totp.reset_totp": (loses_the_device, ADA, "Two-step sign-in is off"),
    "people.erasure.erase_person": (is_erased, ADA, "Your data has been deleted"),
}
"""What calls each function that enqueues; to whom the mail goes that it owes, and its subject."""


def test_every_function_that_enqueues_is_killed_here() -> None:
    assert {name.removeprefix("application.") for name in ENQUEUING} == {
        *SCENES,
        "ending.cancellation",
        "catalog.provider.transfers",
        "notifications.audience.tell_others",
        "scheduling.hours_change.schedule_check",
        "scheduling.hours_change.holiday_check",
        "audit.ledger_verification.start_verification",
    }


@pytest.mark.parametrize("change", ["schedule", "holiday"])
async def test_what_changed_hours_leave_outside_is_found_by_another(api: Api, deadly: Arm, change: str) -> None:
    town = await a_town(api)
    there, booked = await town.an_organization(town.provider_id), await town.booked()
    paths = {
        "schedule": (f"/v1/providers/{town.provider_id}/schedule", {"timezone": "UTC", "weekly": []}),
        "holiday": (f"/v1/organizations/{there}/holidays/{town.day()}", {"name": "Rest"}),
    }
    await deadly()
    with pytest.raises(Died):
        await api.put(*paths[change], town.owner, if_match="*")
    await api.catch_up()
    await api.people.work()
    assert (await api.get(f"/v1/appointments/{booked['id']}", town.owner)).json()["orphaned"] is not None


async def test_the_appointments_of_who_moved_are_transferred_by_another(api: Api, deadly: Arm) -> None:
    town = await a_town(api)
    staff = somebody(Role.PROVIDER)
    there = await town.an_organization(staff=staff)
    booked = await town.booked()
    await deadly()
    path = f"/v1/providers/{town.provider_id}?appointments=take"
    with pytest.raises(Died):
        await api.patch(path, {"organization_id": there}, town.owner, if_match="*")
    await api.catch_up()
    await api.people.work()
    assert (await api.get(f"/v1/appointments/{booked['id']}", staff)).status_code == 200


async def test_the_appointments_of_what_has_ended_are_cancelled_by_another(api: Api, deadly: Arm) -> None:
    town = await a_town(api)
    booked = await town.booked()
    await deadly()
    with pytest.raises(Died):
        await api.delete(f"/v1/services/{town.service_id}?appointments=cancel&reason=Closed", town.owner, if_match=1)
    await api.catch_up()
    await api.people.work()
    told = (await api.get(f"/v1/appointments/{booked['id']}", town.customer)).json()
    assert (told["status"], told["cancelled"]["reason"]) == ("cancelled", "Closed")
    assert await api.people.enqueued() == [], "no payload is left"


async def test_the_team_is_told_by_another_and_each_of_them_once(api: Api, deadly: Arm) -> None:
    town = await a_town(api)
    member = Caller(await an_account(api.ports.identity.signing, ADA, role=Role.PROVIDER), Role.PROVIDER)
    await api.patch("/v1/me", {"notifications": {"team": True}}, member, if_match="*")
    await town.an_organization(town.provider_id, staff=member)
    booked = await town.booked()
    rows, told = api.people.rows, Told()
    services = NoticeServices(api.ports.store, channels=[told], jobs=JobEnqueuer(rows, api.ports.store.keyring))
    job = Job(new_id(), "notify", UUID(booked["id"]), "staff-booked", api.ports.store.now(), {"by": "somebody"}, "", 1)
    await deadly()
    with pytest.raises(Died):
        await notify(job, Held(), services)
    await notify(job, Held(), services)
    left = await rows.all(
        "SELECT slot FROM work.job WHERE kind = 'notify' AND enqueued AND subject = %s", [job.subject]
    )
    assert left == [("staff-booked",)]


@pytest.mark.parametrize("name", SCENES)
async def test_what_it_owes_is_done_by_another(api: Api, deadly: Arm, name: str) -> None:
    scene, to, subject = SCENES[name]
    with pytest.raises(Died):
        await scene(api, deadly)
    mail = await api.people.last_mail()
    assert (mail["to"], mail["subject"]) == (to, subject)
    assert await api.people.enqueued() == [], "no payload is left"


async def test_who_asked_to_be_forgotten_is_though_the_process_died_at_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command is recorded, nothing after it is done, and the same key is answered from what was recorded."""
    me, append = await ada(api), PostgresJournal.append

    async def append_dying(self: PostgresJournal, entry: Any) -> Any:
        await append(self, entry)
        raise Died

    monkeypatch.setattr(PostgresJournal, "append", append_dying)
    with pytest.raises(Died):
        await api.post("/v1/me/forget", {}, me, idempotency_key="k")
    monkeypatch.undo()
    again = await api.post("/v1/me/forget", {}, me, idempotency_key="k")
    assert again.status_code == 202
    assert [mail["subject"] for mail in await api.people.mails()] == ["Your data will be deleted"]
    found = await api.people.rows.all("SELECT kind FROM work.job WHERE done_at IS NULL")
    assert found == [("forget",)]


async def test_who_is_to_be_forgotten_now_is_though_the_process_died_at_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    me, append = await ada(api), PostgresJournal.append

    async def append_dying(self: PostgresJournal, entry: Any) -> Any:
        await append(self, entry)
        raise Died

    monkeypatch.setattr(PostgresJournal, "append", append_dying)
    with pytest.raises(Died):
        await api.post(f"/v1/users/{me.account}/forget", {"at_once": True}, ADMIN)
    monkeypatch.undo()
    await api.people.work()
    await api.people.work()  # the erasure has enqueued the last mail
    shown = (await api.get(f"/v1/users/{me.account}", ADMIN)).json()
    assert (shown["standing"], UUID(shown["id"])) == ("forgotten", me.account)
    assert "Your data has been deleted" in [mail["subject"] for mail in await api.people.mails()]


async def test_who_is_erased_by_two_jobs_at_once_is_told_once(api: Api) -> None:
    me = await ada(api)
    farewell = {"email": ADA, "name": "Ada", "language": None}
    erase = ErasePerson(by=OPERATOR, subject=me.account, farewell=farewell)
    await asyncio.gather(*(erase_person(erase, api.ports.store) for _ in range(2)))
    told = [mail["subject"] for mail in await api.people.mails()]
    assert told.count("Your data has been deleted") == 1
