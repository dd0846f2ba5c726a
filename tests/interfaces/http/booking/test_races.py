"""Bookings that race with an end, with a change of organization, and with staff who set rules aside."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from application.access import Role
from domain.kernel import new_id
from tests.interfaces.http.town import Town
from tests.support.builders import somebody

CLOCKS = ("09:00", "10:00", "11:00", "12:00", "13:00", "14:00")


async def books(town: Town, clock: str) -> dict[str, Any] | None:
    """The appointment of a stranger; None if it was refused."""
    answer = await town.api.post("/v1/appointments", town.booking(clock), somebody(), idempotency_key=str(new_id()))
    assert answer.status_code in {201, 404, 409}, answer.text
    told: dict[str, Any] | None = answer.json() if answer.status_code == 201 else None
    return told


async def settle(town: Town) -> None:
    await town.api.catch_up()
    await town.api.people.work()
    await town.api.catch_up()


@pytest.mark.parametrize("delay", [0, 0.01, 0.03])
async def test_no_appointment_outlives_a_provider_whose_appointments_are_cancelled(town: Town, delay: float) -> None:
    async def end() -> Any:
        await asyncio.sleep(delay)
        path = f"/v1/providers/{town.provider_id}?appointments=cancel&reason=Closed"
        return await town.api.delete(path, town.owner, if_match="*")

    answer, *booked = await asyncio.gather(end(), *(books(town, clock) for clock in CLOCKS))
    assert answer.status_code == 200, answer.text
    await settle(town)
    made = {each["id"] for each in booked if each is not None}
    assert set(answer.json()["ids"]) == made
    listed = (await town.api.get("/v1/appointments", town.admin)).json()["items"]
    assert {each["id"]: each["status"] for each in listed} == dict.fromkeys(made, "cancelled")
    assert await books(town, "15:00") is None


@pytest.mark.parametrize("delay", [0, 0.01, 0.03])
async def test_what_is_taken_along_belongs_to_one_organization_whenever_it_was_booked(town: Town, delay: float) -> None:
    former, later = somebody(Role.PROVIDER), somebody(Role.PROVIDER)
    await town.an_organization(town.provider_id, staff=former)
    there = await town.an_organization(staff=later)

    async def change() -> Any:
        await asyncio.sleep(delay)
        path = f"/v1/providers/{town.provider_id}?appointments=take"
        return await town.api.patch(path, {"organization_id": there}, town.owner, if_match="*")

    answer, *booked = await asyncio.gather(change(), *(books(town, clock) for clock in CLOCKS))
    assert answer.status_code == 200, answer.text
    await settle(town)
    made = {each["id"] for each in booked if each is not None}
    assert len(made) == len(CLOCKS)
    seen = {by.id: (await town.api.get("/v1/appointments", by)).json()["items"] for by in (former, later)}
    assert {each["id"] for each in seen[later.id]} == made
    assert seen[former.id] == []


async def test_a_rule_set_aside_never_books_over_another(town: Town) -> None:
    guest = (await town.api.post("/v1/customers", {"name": "Bob"}, town.owner)).json()["id"]
    override = {"rules": ["grid"], "reason": "A walk-in."}

    async def walks_in() -> str:
        said = town.booking("09:10", customer_id=guest, override=override)
        answer = await town.api.post("/v1/appointments", said, town.owner, idempotency_key=str(new_id()))
        assert answer.status_code in {201, 409}, answer.text
        return "09:10" if answer.status_code == 201 else ""

    async def stranger(clock: str) -> str:
        return clock if await books(town, clock) is not None else ""

    racing = [walks_in(), stranger("09:00"), stranger("09:30")]
    racing += [coroutine() for coroutine in (walks_in, walks_in)] + [stranger("09:00"), stranger("09:30")]
    taken = Counter(filter(None, await asyncio.gather(*racing)))
    assert set(taken.values()) == {1}, "nobody is booked twice"
    assert set(taken) in ({"09:10"}, {"09:00", "09:30"}), "09:10 overlaps both others"
