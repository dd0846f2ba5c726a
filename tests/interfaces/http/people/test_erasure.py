"""A person leaves: told everything first, then nothing of them can be read anywhere, and all else holds."""

import json
from typing import Any
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from sqlalchemy.ext.asyncio import create_async_engine

from application.access import Caller, Role
from infrastructure.ledger.verification import verify
from projections.rebuild.rebuild import Rebuild
from projections.registry import PROJECTIONS
from tests.conftest import Database
from tests.interfaces.http.accounts import PASSWORD, token_of
from tests.interfaces.http.sign_in import signed_in
from tests.interfaces.http.town import Api, Town, problem
from tests.support.builders import somebody
from tests.support.dump import found_in_database, found_in_redis
from tests.support.instances import eventually
from tests.support.sealed import CODEC

EMAIL = "grace.hopper@navy.example"
ADMIN = somebody(Role.ADMIN)
NEEDLES = (
    EMAIL,
    "Grace Brewster",
    "+1 555 0199",
    "+1 555 0142",
    "navy-1906",
    "hums sea shanties",
    "log-1947",
    "relay seventy",
    "harvest of the mark",
    "upper starboard",
    "allergic to moths",
    "nanoseconds of wire",
    "unexpected sea duty",
    "Ship ahoy browser",
    "Amazing Grace the guest",
    "prefers the quiet chair",
    "photographs of my command",
    "gold braid by mail",
)


async def registered(api: Api, email: str = EMAIL, name: str = "Grace Brewster") -> Caller:
    said = {"email": email, "password": PASSWORD, "name": name, "timezone": "America/New_York"}
    assert (await api.post("/v1/auth/register", said)).status_code == 202
    mail = await api.people.last_mail()
    proven = await api.post("/v1/auth/email/verify", {"token": token_of(mail)})
    assert proven.status_code == 200, proven.text
    return Caller(UUID(proven.json()["account_id"]), Role.CUSTOMER)


async def consented(api: Api, customer_id: str, text: str, by: Caller) -> None:
    given = await api.post(f"/v1/customers/{customer_id}/consents", {"purpose": "pictures", "text": text}, by)
    assert given.status_code == 201, given.text


async def a_life(town: Town) -> tuple[Caller, str, list[dict[str, Any]]]:
    """Grace was a guest, registered, booked, cancelled: she, the guest, what was booked."""
    api = town.api
    guest = {"name": "Amazing Grace the guest", "email": EMAIL, "note": "allergic to moths"}
    made = await api.post("/v1/customers", guest, town.owner)
    guest_id = made.json()["id"]
    past = await town.booked("09:00", town.owner, customer_id=guest_id, note="nanoseconds of wire")
    words = {"staff_note": "prefers the quiet chair"}
    assert (await api.patch(f"/v1/customers/{guest_id}", words, town.owner, if_match="*")).status_code == 200
    await consented(api, guest_id, "photographs of my command", town.owner)
    grace = await registered(api)
    change = {"phone": "+1 555 0199", "external_id": "navy-1906", "metadata": {"berth": "upper starboard"}}
    changed = await api.patch(f"/v1/customers/{grace.id}", change, grace, if_match="*")
    assert changed.status_code == 200, changed.text
    contact = await api.patch("/v1/me", {"phone": "+1 555 0142"}, grace, if_match="*")
    assert contact.status_code == 200, contact.text
    await consented(api, str(grace.id), "gold braid by mail", grace)
    login = await api.ask(
        "POST",
        "/v1/auth/token",
        said=f"grant_type=password&username={EMAIL}&password={PASSWORD.replace(' ', '+')}".encode(),
        content_type="application/x-www-form-urlencoded",
        user_agent="Ship ahoy browser",
    )
    assert login.status_code == 200, login.text
    staff = {"staff_note": "hums sea shanties", "external_id": "log-1947", "metadata": {"moth": "relay seventy"}}
    noted = await api.patch(f"/v1/appointments/{past['id']}", staff, town.owner, if_match="*")
    assert noted.status_code == 200, noted.text
    when = {"start": town.at("13:00"), "reason": "harvest of the mark"}
    moved = await api.post(f"/v1/appointments/{past['id']}/reschedule", when, town.owner, if_match="*")
    assert moved.status_code == 200, moved.text
    kept = await town.booked("10:00", grace, answers={"hobby": "nanoseconds of wire"})
    other = await town.booked("11:00", grace)
    path, reason = f"/v1/appointments/{other['id']}/cancel", {"reason": "unexpected sea duty"}
    assert (await api.post(path, reason, grace, if_match="*")).status_code == 200
    return grace, guest_id, [past, kept, other]


async def counts(api: Api) -> Any:
    found = (await api.get("/v1/appointments", ADMIN)).json()["items"]
    return sorted((each["status"], each["service_id"], each["price"]) for each in found)


async def forgotten(api: Api, who: Caller) -> None:
    """Wait until whoever carries it out has."""

    async def done() -> bool:
        await api.people.mails()
        shown = (await api.get(f"/v1/users/{who.id}", ADMIN)).json()
        return bool(shown["standing"] == "forgotten")

    await eventually(done)


class TestForgetting:
    async def test_leaves_nothing_readable_and_everything_provable(
        self, town: Town, followed: None, database: Database, servers
    ):
        api = town.api
        grace, guest_id, booked = await a_life(town)
        export = (await api.get("/v1/me/export", grace)).text
        assert {needle for needle in NEEDLES if needle not in export} == set()
        assert found_in_database(database.owner, NEEDLES)  # the search finds what is there

        refused = await api.post("/v1/me/forget", {}, grace)
        assert problem(refused) == (409, "appointments-ahead")
        body = {"at_once": True, "cancel_appointments": True}
        assert (await api.post(f"/v1/users/{grace.id}/forget", body, ADMIN)).status_code == 202
        await forgotten(api, grace)

        assert found_in_database(database.owner, NEEDLES) == set()
        assert found_in_redis(servers.redis_url, NEEDLES) == set()
        async with await AsyncConnection.connect(database.owner, autocommit=True) as connection:
            assert (await verify(connection)).holds
        assert {status for status, *_ in await counts(api)} == {"cancelled"}
        assert len(await counts(api)) == len(booked)
        for each in booked:
            history = (await api.get(f"/v1/appointments/{each['id']}/history", ADMIN)).text
            assert not any(needle in history for needle in NEEDLES)
        assert "forgotten" in (await api.get(f"/v1/appointments/{booked[0]['id']}/history", ADMIN)).text
        assert sorted(map(str, api.people.forgotten.read())) == sorted([str(grace.id), guest_id])

    async def test_read_models_made_anew_say_the_same(self, town: Town, followed: None, database: Database):
        grace, _, _ = await a_life(town)
        said = {"at_once": True, "cancel_appointments": True}
        await town.api.post(f"/v1/users/{grace.id}/forget", said, ADMIN)
        await forgotten(town.api, grace)
        owner = create_async_engine(database.owner.replace("postgresql://", "postgresql+psycopg://", 1))
        assert (await Rebuild(owner, PROJECTIONS, CODEC).check()).differences == []
        await Rebuild(owner, PROJECTIONS, CODEC).run(grace=0)
        await owner.dispose()
        assert found_in_database(database.owner, NEEDLES) == set()

    async def test_nobody_signs_in_or_books_as_them_and_the_address_is_free(self, town: Town, followed: None):
        api = town.api
        grace, _, _ = await a_life(town)
        said = {"at_once": True, "cancel_appointments": True}
        await api.post(f"/v1/users/{grace.id}/forget", said, ADMIN)
        await forgotten(api, grace)
        assert problem(await signed_in(api, EMAIL, PASSWORD)) == (401, "invalid-credentials")
        tried = await api.post("/v1/appointments", town.booking("14:00"), grace, idempotency_key="again")
        assert problem(tried) == (409, "customer-deleted")
        again = await registered(api, name="Another Grace")
        assert again.id != grace.id

    async def test_can_be_cancelled_until_it_is_due(self, town: Town, followed: None):
        api = town.api
        grace, _, _ = await a_life(town)
        asked = await api.post("/v1/me/forget", {"cancel_appointments": True}, grace)
        assert asked.status_code == 202
        assert asked.json()["forgetting_due"] is not None
        assert "Your data will be deleted" in [mail["subject"] for mail in await api.people.mails()]
        assert (await api.delete("/v1/me/forget", grace, if_match="*")).status_code == 204
        told = (await api.get("/v1/me", grace)).json()
        assert (told["forgetting_due"], told["name"]) == (None, "Grace Brewster")

    async def test_a_guest_is_forgotten_at_once(self, town: Town, followed: None, database: Database):
        api = town.api
        guest = {"name": "Amazing Grace the guest", "email": EMAIL, "note": "allergic to moths"}
        id = (await api.post("/v1/customers", guest, town.owner)).json()["id"]
        await town.booked("09:00", town.owner, customer_id=id, note="nanoseconds of wire")
        await api.get("/v1/customers", ADMIN)
        path = f"/v1/customers/{id}/forget"
        assert problem(await api.post(path, {}, ADMIN)) == (409, "appointments-ahead")
        assert problem(await api.post(path, {}, town.owner))[0] == 403
        answer = await api.post(path, {"cancel_appointments": True}, ADMIN)
        assert answer.status_code == 204, answer.text
        assert (await api.get(f"/v1/customers/{id}", ADMIN)).status_code == 404

        async def gone() -> bool:
            return found_in_database(database.owner, NEEDLES) == set()

        await eventually(gone)

    async def test_a_guest_of_a_moment_ago_is_forgotten_whatever_the_read_models_know(self, town: Town, followed: None):
        for n in range(10):
            guest = (await town.api.post("/v1/customers", {"name": f"Guest {n}"}, town.owner)).json()
            answer = await town.api.post(f"/v1/customers/{guest['id']}/forget", {}, ADMIN)
            assert answer.status_code == 204, answer.text
            again = await town.api.post(f"/v1/customers/{guest['id']}/forget", {}, ADMIN)
            assert problem(again) == (404, "not-found")

    async def test_an_appointment_of_a_moment_ago_stops_the_erasure(self, town: Town, followed: None):
        for n in range(5):
            guest = (await town.api.post("/v1/customers", {"name": f"Guest {n}"}, town.owner)).json()
            await town.booked(f"{9 + n}:00", town.owner, customer_id=guest["id"])
            answer = await town.api.post(f"/v1/customers/{guest['id']}/forget", {}, ADMIN)
            assert problem(answer) == (409, "appointments-ahead")

    async def test_a_customer_with_an_account_is_not_a_guest(self, town: Town, followed: None):
        grace, guest_id, _ = await a_life(town)
        await town.api.get("/v1/customers", ADMIN)
        for id in (grace.id, guest_id):
            answer = await town.api.post(f"/v1/customers/{id}/forget", {}, ADMIN)
            assert problem(answer) == (409, "has-account")

    async def test_a_key_that_a_restore_brings_back_goes_again(self, town: Town, followed: None, database: Database):
        api = town.api
        grace, _, _ = await a_life(town)
        with psycopg.connect(database.owner, autocommit=True) as connection:
            connection.execute("CREATE TABLE public.kept AS TABLE keyring.person")
        said = {"at_once": True, "cancel_appointments": True}
        await api.post(f"/v1/users/{grace.id}/forget", said, ADMIN)
        await forgotten(api, grace)
        with psycopg.connect(database.owner, autocommit=True) as connection:
            connection.execute("INSERT INTO keyring.person TABLE public.kept ON CONFLICT DO NOTHING")
            connection.execute("DROP TABLE public.kept")
        assert await api.ports.store.knows(grace.account)
        await api.people.erase_again()
        assert not await api.ports.store.knows(grace.account)


class TestExport:
    async def test_is_of_oneself_alone(self, town: Town, followed: None):
        grace, _, booked = await a_life(town)
        other = await registered(town.api, "ada@example.org", "Ada")
        told = json.loads((await town.api.get("/v1/me/export", other)).text)
        assert (told["account"]["name"], told["appointments"]) == ("Ada", [])
        told = json.loads((await town.api.get("/v1/me/export", grace)).text)
        assert {each["id"] for each in told["appointments"]} == {each["id"] for each in booked}
        assert "Appointment.Cancelled" in {event["type"] for event in told["events"]}
        assert {each["text"] for each in told["consents"]} == {"photographs of my command", "gold braid by mail"}
        assert "prefers the quiet chair" in {each["staff_note"] for each in told["customers"]}
        assert problem(await town.api.get("/v1/me/export"))[0] == 401
