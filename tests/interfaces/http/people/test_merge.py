"""Merging a guest into another record of the same person: what was booked, held and waited for follows."""

import asyncio
import json
from random import Random
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from application.access import Caller
from domain.kernel import new_id
from projections.rebuild.rebuild import Rebuild
from projections.registry import PROJECTIONS
from tests.conftest import Database
from tests.interfaces.http.people.test_erasure import registered
from tests.interfaces.http.sign_in import an_account
from tests.interfaces.http.town import Town, pointers, problem
from tests.support.sealed import CODEC


async def a_guest(town: Town, name: str = "Zoe", by: Caller | None = None, **more: Any) -> str:
    made = await town.api.post("/v1/customers", {"name": name, **more}, by or town.owner)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def merged(town: Town, guest: str, into: str, by: Caller | None = None, version: Any = "*") -> Any:
    return await town.api.post(f"/v1/customers/{guest}/merge", {"into": into}, by or town.owner, if_match=version)


async def listed(town: Town, path: str, customer: str) -> list[dict[str, Any]]:
    items = (await town.api.get(f"/v1/{path}", town.owner)).json()["items"]
    return [each for each in items if each["customer_id"] == customer]


async def test_appointments_holds_and_waitlist_entries_follow_and_history_stays(town: Town) -> None:
    guest, into = await a_guest(town, "Zoe"), await a_guest(town, "Zoë Ågren")
    mine = await town.booked("09:00", by=town.owner, customer_id=guest)
    other = await town.booked("10:00", by=town.owner, customer_id=into)
    held = {**town.booking("11:00"), "customer_id": guest}
    assert (await town.api.post("/v1/holds", held, town.owner, idempotency_key="h")).status_code == 201
    wish = {"service_id": town.service_id, "customer_id": guest, "dates": {"from": town.day(), "to": town.day()}}
    assert (await town.api.post("/v1/waitlist", wish, town.owner)).status_code == 201
    answer = await merged(town, guest, into)
    assert answer.status_code == 200, answer.text
    assert answer.json()["id"] == into
    found = (await town.api.get(f"/v1/appointments?customer_id={into}", town.owner)).json()["items"]
    assert [each["id"] for each in found] == [mine["id"], other["id"]]
    assert {each["customer"]["name"] for each in found} == {"Zoë Ågren"}
    for path in ("holds", "waitlist"):
        assert len(await listed(town, path, into)) == 1, path
        assert await listed(town, path, guest) == []
    people = (await town.api.get("/v1/customers", town.owner)).json()["items"]
    assert [each["id"] for each in people] == [into]
    assert (await town.api.get(f"/v1/customers/{guest}", town.owner)).json()["id"] == into
    history = (await town.api.get(f"/v1/appointments/{mine['id']}/history", town.owner)).json()["items"]
    assert history[0]["data"]["customer_id"] == guest


async def test_what_is_booked_under_the_merged_id_is_the_others(town: Town) -> None:
    guest, into = await a_guest(town), await a_guest(town)
    wish = {"service_id": town.service_id, "customer_id": guest, "dates": {"from": town.day(), "to": town.day()}}
    waiting = (await town.api.post("/v1/waitlist", wish, town.owner)).json()["id"]
    await merged(town, guest, into)
    assert (await town.booked("09:00", by=town.owner, customer_id=guest))["customer_id"] == into
    said = {"start": town.at("10:00")}
    assert (await town.api.post(f"/v1/waitlist/{waiting}/offer", said, town.owner, if_match=1)).status_code == 200
    accepted = await town.api.post(f"/v1/waitlist/{waiting}/accept", {}, town.owner)
    assert (accepted.status_code, accepted.json()["customer_id"]) == (201, into)


async def test_the_record_that_stays_takes_over_what_it_lacks(town: Town) -> None:
    guest = await a_guest(town, email="zoe@example.org", phone="+33 1 23 45 67 89", note="Tall.")
    into = await a_guest(town, "Zoë Ågren", note="Left-handed.")
    for id, note in ((guest, "Was late twice."), (into, "Prefers silence.")):
        said = {"staff_note": note}
        assert (await town.api.patch(f"/v1/customers/{id}", said, town.owner, if_match="*")).status_code == 200
    consent = {"purpose": "photos", "text": "You may.", "given_at": "2025-01-31T09:00:00Z"}
    await town.api.post(f"/v1/customers/{guest}/consents", consent, town.owner)
    told = (await merged(town, guest, into)).json()
    assert (told["name"], told["email"], told["phone"]) == ("Zoë Ågren", "zoe@example.org", "+33 1 23 45 67 89")
    assert told["note"] == "Left-handed."
    assert told["staff_note"] == "Prefers silence.\n\nWas late twice."
    (kept,) = (await town.api.get(f"/v1/customers/{into}/consents", town.owner)).json()["items"]
    assert {name: kept[name] for name in consent} == consent
    assert kept["customer_id"] == into


async def test_who_proves_the_address_of_a_merged_guest_gets_all_that_was_booked(town: Town, followed: None) -> None:
    guest, into = await a_guest(town, email="zoe@example.org"), await a_guest(town)
    booked = await town.booked("09:00", by=town.owner, customer_id=guest)
    await merged(town, guest, into)
    zoe = await registered(town.api, "zoe@example.org", "Zoe")
    path = f"/v1/appointments/{booked['id']}"
    assert (await town.api.get(path, zoe)).status_code == 200
    cancelled = await town.api.post(f"{path}/cancel", {}, zoe, if_match=1)
    assert cancelled.json()["cancelled"]["party"] == "customer"
    export = json.loads((await town.api.get("/v1/me/export", zoe)).text)
    assert {"Customer.Merged", "Customer.Absorbed"} <= {event["type"] for event in export["events"]}


async def test_what_cannot_be_merged_is_refused_with_the_reason(town: Town) -> None:
    guest, into = await a_guest(town), await a_guest(town)
    assert problem(await merged(town, guest, guest)) == (409, "same-customer")
    assert pointers(await merged(town, guest, str(new_id()))) == ["/into"]
    foreign = await a_guest(town, by=town.stranger)
    assert pointers(await merged(town, guest, foreign)) == ["/into"]
    assert problem(await merged(town, foreign, into)) == (404, "not-found")
    assert problem(await merged(town, guest, foreign, town.admin)) == (409, "not-of-one-keeper")
    assert problem(await merged(town, guest, into, version=9)) == (412, "stale")
    account = await an_account(town.api, "ada@example.org")
    assert problem(await merged(town, guest, str(account.id), town.admin)) == (409, "not-of-one-keeper")
    assert (await merged(town, guest, into)).status_code == 200
    assert problem(await merged(town, guest, into)) == (409, "customer-merged")
    assert problem(await town.api.post(f"/v1/customers/{guest}/forget", {}, town.admin)) == (409, "customer-merged")


async def test_notes_that_are_too_long_together_are_refused(town: Town) -> None:
    guest, into = await a_guest(town), await a_guest(town)
    for id, letter in ((guest, "a"), (into, "b")):
        await town.api.patch(f"/v1/customers/{id}", {"staff_note": letter * 1200}, town.owner, if_match="*")
    assert problem(await merged(town, guest, into)) == (409, "notes-too-long")


async def test_erasure_reaches_all_records_of_the_person(town: Town, followed: None, database: Database) -> None:
    needles = ("Zoe of the mill", "miller at example", "likes the old chair", "keeps bees")
    guest, into = await a_guest(town, needles[0], note=needles[1]), await a_guest(town, "Zoë Ågren")
    await town.api.patch(f"/v1/customers/{guest}", {"staff_note": needles[2]}, town.owner, if_match="*")
    booked = await town.booked("09:00", by=town.owner, customer_id=guest, note=needles[3])
    await merged(town, guest, into)
    await town.api.catch_up()
    said = {"cancel_appointments": True}
    erased = await town.api.post(f"/v1/customers/{into}/forget", said, town.admin)
    assert erased.status_code == 204, erased.text
    assert not any([await town.api.ports.store.knows(id) for id in map(UUID, (guest, into))])
    history = (await town.api.get(f"/v1/appointments/{booked['id']}/history", town.admin)).text
    assert not any(needle in history for needle in needles)


@pytest.mark.parametrize("seed", range(3))
async def test_merging_while_the_guest_books_and_cancels_loses_and_doubles_nothing(
    town: Town, database: Database, seed: int
) -> None:
    """Whatever was answered with success is of the record that is left, once."""
    chance = Random(seed)
    guest, into = await a_guest(town), await a_guest(town)
    first = [await town.booked(f"{hour:02}:00", by=town.owner, customer_id=guest) for hour in (9, 10)]

    async def book(clock: str) -> Any:
        await asyncio.sleep(chance.random() * 0.05)
        said = town.booking(clock, customer_id=guest)
        return await town.api.post("/v1/appointments", said, town.owner, idempotency_key=str(new_id()))

    async def cancel(id: str) -> Any:
        await asyncio.sleep(chance.random() * 0.05)
        return await town.api.post(f"/v1/appointments/{id}/cancel", {"reason": "ill"}, town.owner, if_match="*")

    async def merge() -> Any:
        await asyncio.sleep(chance.random() * 0.05)
        return await merged(town, guest, into)

    clocks = [f"{hour:02}:{minute}" for hour in range(11, 16) for minute in ("00", "30")]
    done, *others = await asyncio.gather(
        merge(), *(book(clock) for clock in clocks), *(cancel(each["id"]) for each in first)
    )
    assert done.status_code == 200, done.text
    assert {answer.status_code for answer in others} <= {200, 201}, [answer.text for answer in others]
    found = (await town.api.get(f"/v1/appointments?customer_id={into}&limit=200", town.owner)).json()["items"]
    assert sorted(each["start"] for each in found) == [town.at(clock) for clock in ("09:00", "10:00", *clocks)]
    assert sorted(each["status"] for each in found) == ["booked"] * len(clocks) + ["cancelled"] * 2
    assert await listed(town, "appointments", guest) == []
    owner = create_async_engine(database.owner.replace("postgresql://", "postgresql+psycopg://", 1))
    assert (await Rebuild(owner, PROJECTIONS, CODEC).check()).differences == []
    await owner.dispose()
    with psycopg.connect(database.owner) as connection:
        query = "SELECT state FROM log.stored_events WHERE topic = 'Appointment.Booked'"
        recorded = [json.loads(bytes(state)) for (state,) in connection.execute(query)]
    assert len(recorded) == len(found)
