"""The waitlist over HTTP, its line read from the read model."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from application.access import Caller, Role
from application.booking.waitlist_matching import FreedTime, match
from domain.booking.waitlist import Wish
from domain.kernel import new_id
from projections.availability.waitlist_line import WaitlistLine
from tests.interfaces.http.sign_in import an_account
from tests.interfaces.http.town import Api, Town, a_town, pointers, problem
from tests.support.builders import somebody

FIELDS = {
    "id", "version", "status", "service_id", "provider_id", "customer_id", "dates", "hours", "timezone",
    "offer", "created_at",
}  # fmt: skip


async def joined(town: Town, by: Caller | None = None, **more: Any) -> dict[str, Any]:
    said = {"service_id": town.service_id, "dates": {"from": town.day(), "to": town.day()}} | more
    answer = await town.api.post("/v1/waitlist", said, by or town.customer)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


class CaughtUp(WaitlistLine):
    """Whose readers are up to date whenever it is asked."""

    catch_up: Callable[[], Awaitable[None]]

    async def wishes(self, *asked: Any) -> Sequence[Wish]:
        await self.catch_up()
        return await super().wishes(*asked)

    async def starts(self, *asked: Any) -> Sequence[datetime]:
        await self.catch_up()
        return await super().starts(*asked)


async def matched(town: Town, day: int = 0) -> int:
    """What the sweep does once the Monday has something free."""
    ports, nine = town.api.ports, datetime.fromisoformat(town.at("09:00", day))
    line = CaughtUp(ports.reads, ports.availability)
    line.catch_up = town.api.catch_up
    stretch = nine, nine + timedelta(minutes=30)
    return await match(FreedTime(UUID(town.provider_id), *stretch), line, ports.store)


async def entry(town: Town, waiting: dict[str, Any], by: Caller | None = None) -> dict[str, Any]:
    answer = await town.api.get(f"/v1/waitlist/{waiting['id']}", by or town.customer)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_joining_answers_the_entry_as_it_is_read_later(town: Town):
    hours = [{"from": "09:00", "to": "12:00"}]
    told = await joined(town, hours=hours, provider_id=town.provider_id)
    assert set(told) == FIELDS
    assert (told["status"], told["hours"], told["timezone"], told["offer"]) == ("waiting", hours, "UTC", None)
    assert await entry(town, told) == told


async def test_a_wish_must_make_sense(village: Town):
    said: dict[str, Any] = {
        "service_id": village.service_id,
        "dates": {"from": "2030-02-01", "to": "2030-01-01"},
    }
    assert pointers(await village.api.post("/v1/waitlist", said, village.customer)) == ["/dates/to"]
    said["dates"] = {"from": "2030-01-01", "to": "2030-01-01"}
    said["service_id"] = str(new_id())
    unknown = await village.api.post("/v1/waitlist", said, village.customer)
    assert problem(unknown) == (404, "not-found")


async def test_both_sides_see_it_in_line_and_nobody_else(town: Town):
    first, other = await joined(town), somebody()
    second = await joined(town, other, provider_id=town.provider_id)
    for by, expected in (
        (town.customer, [first["id"]]),
        (other, [second["id"]]),
        (town.owner, [first["id"], second["id"]]),
        (town.admin, [first["id"], second["id"]]),
        (town.stranger, []),
    ):
        answer = await town.api.get(f"/v1/waitlist?service_id={town.service_id}", by)
        assert [item["id"] for item in answer.json()["items"]] == expected
    page = (await town.api.get("/v1/waitlist?limit=1", town.owner)).json()
    following = await town.api.get(f"/v1/waitlist?limit=1&cursor={page['next']}", town.owner)
    assert [item["id"] for item in following.json()["items"]] == [second["id"]]
    assert problem(await town.api.get(f"/v1/waitlist/{first['id']}", town.stranger)) == (404, "not-found")


async def test_what_becomes_free_is_offered_accepted_and_booked(town: Town):
    taken = await town.booked(by=somebody())
    waiting, next_in_line = await joined(town), await joined(town, somebody())
    assert await matched(town) == 0
    path = f"/v1/waitlist/{waiting['id']}/accept"
    assert problem(await town.api.post(path, {}, town.customer)) == (409, "nothing-offered")
    await town.api.post(f"/v1/appointments/{taken['id']}/cancel", {"reason": "ill"}, town.owner, if_match="*")
    assert await matched(town) == 1
    told = await entry(town, waiting)
    assert (told["status"], told["offer"]["start"]) == ("offered", town.at("09:00"))
    assert told["offer"]["end"] == town.at("09:30")
    assert (await entry(town, next_in_line, town.owner))["status"] == "waiting"
    stranger = await town.api.post("/v1/appointments", town.booking(), somebody(), idempotency_key="k")
    assert problem(stranger) == (409, "slot-taken")
    booked = await town.api.post(path, {}, town.customer, idempotency_key="k")
    assert (booked.status_code, booked.json()["start"]) == (201, town.at("09:00"))
    assert booked.headers["location"] == f"/v1/appointments/{booked.json()['id']}"
    again = await town.api.post(path, {}, town.customer, idempotency_key="k")
    assert again.content == booked.content
    assert (await entry(town, waiting))["status"] == "accepted"


async def test_a_guest_who_has_an_account_by_now_accepts_for_themselves(town: Town):
    taken = await town.booked(by=somebody())
    said = {"name": "Ada", "email": "ada@example.org"}
    guest = (await town.api.post("/v1/customers", said, town.owner)).json()["id"]
    waiting = await joined(town, town.owner, customer_id=guest)
    ada = await an_account(town.api, "ada@example.org", Role.CUSTOMER)
    await town.api.post(f"/v1/appointments/{taken['id']}/cancel", {"reason": "ill"}, town.owner, if_match="*")
    assert await matched(town) == 1
    booked = await town.api.post(f"/v1/waitlist/{waiting['id']}/accept", {}, ada)
    assert (booked.status_code, booked.json()["customer_id"]) == (201, guest)
    another = town.booking("10:00", customer_id=guest)
    stranger = await town.api.post("/v1/appointments", another, somebody(), idempotency_key="k")
    assert problem(stranger) == (404, "not-found")


async def test_nobody_waits_twice_for_the_same(town: Town):
    waiting = await joined(town)
    dates = {"from": town.day(), "to": town.day()}
    said = {"service_id": town.service_id, "dates": dates}
    refused = await town.api.post("/v1/waitlist", said, town.customer)
    assert problem(refused) == (409, "already-waiting")
    await joined(town, somebody())
    await joined(town, dates={"from": town.day(1), "to": town.day(1)})
    await town.api.delete(f"/v1/waitlist/{waiting['id']}", town.customer, if_match=1)
    await joined(town)


async def test_nobody_waits_in_a_thousand_places(town: Town):
    for day in range(20):
        await joined(town, dates={"from": town.day(day), "to": town.day(day)})
    dates = {"from": town.day(20), "to": town.day(20)}
    refused = await town.api.post("/v1/waitlist", {"service_id": town.service_id, "dates": dates}, town.customer)
    assert problem(refused) == (429, "too-many-requests")
    await joined(town, somebody())


async def test_who_leaves_is_offered_nothing(town: Town):
    waiting = await joined(town)
    gone = await town.api.delete(f"/v1/waitlist/{waiting['id']}", town.customer, if_match=1)
    assert gone.status_code == 204
    assert await matched(town) == 0
    assert (await entry(town, waiting))["status"] == "left"


async def test_an_offer_and_strangers_bookings_never_win_both(town: Town):
    for day in range(3):
        dates = {"from": town.day(day), "to": town.day(day)}
        waiting = await joined(town, somebody(), dates=dates)
        strangers = [somebody() for _ in range(10)]
        said = town.booking(day=day)
        matching, *answers = await asyncio.gather(
            matched(town, day),
            *(town.api.post("/v1/appointments", said, by, idempotency_key="k") for by in strangers),
        )
        booked = sum(answer.status_code == 201 for answer in answers)
        told = await entry(town, waiting, town.owner)
        at_nine = told["offer"] is not None and told["offer"]["start"] == town.at("09:00", day)
        assert booked + at_nine == 1, "one of them has it"
        assert matching == (told["status"] == "offered")


async def test_the_export_tells_of_it(api: Api):
    ada = await an_account(api, "ada@example.org", Role.CUSTOMER)
    town = await a_town(api)
    waiting = await joined(town, ada)
    told = (await api.get("/v1/me/export", ada)).json()
    assert told["waitlist"] == [waiting]
    assert "Waiting.Joined" in [event["type"] for event in told["events"]]


class TestOfferingByStaff:
    async def offer(self, town: Town, waiting: dict[str, Any], by: Caller | None = None, **more: Any) -> Any:
        said = {"start": town.at("09:00"), **more}
        return await town.api.post(f"/v1/waitlist/{waiting['id']}/offer", said, by or town.owner, if_match=1)

    async def test_the_answer_is_the_entry_with_its_offer_and_the_customer_can_accept_it(self, town: Town):
        waiting = await joined(town)
        answer = await self.offer(town, waiting)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert set(told) == FIELDS
        assert (told["status"], told["version"]) == ("offered", 2)
        assert (told["offer"]["start"], told["offer"]["end"]) == (town.at("09:00"), town.at("09:30"))
        assert await entry(town, waiting) == told
        booked = await town.api.post(f"/v1/waitlist/{waiting['id']}/accept", {}, town.customer)
        assert booked.status_code == 201, booked.text

    async def test_what_stands_against_it_is_told(self, town: Town):
        waiting = await joined(town)
        assert problem(await self.offer(town, waiting, town.stranger)) == (404, "not-found")
        assert problem(await self.offer(town, waiting, town.customer)) == (403, "forbidden")
        assert pointers(await self.offer(town, waiting, start=town.at("09:00", 1))) == ["/start"]
        await town.booked("09:00", somebody())
        assert problem(await self.offer(town, waiting)) == (409, "slot-taken")
        await town.api.delete(f"/v1/waitlist/{waiting['id']}", town.customer, if_match=1)
        again = await town.api.post(
            f"/v1/waitlist/{waiting['id']}/offer", {"start": town.at("10:00")}, town.owner, if_match=2
        )
        assert problem(again) == (409, "not-waiting")

    async def test_a_time_that_is_offered_in_a_race_is_offered_and_booked_once(self, town: Town):
        """To two entries by staff, to the first by Daybook, and booked by a stranger, all at once."""
        for day in range(4):
            dates = {"from": town.day(day), "to": town.day(day)}
            entries = [await joined(town, by, dates=dates) for by in (somebody(), somebody())]
            nine = {"start": town.at("09:00", day)}
            booking = town.api.post(
                "/v1/appointments", town.booking("09:00", day), somebody(), idempotency_key=str(new_id())
            )
            matching, *answers = await asyncio.gather(
                matched(town, day), *(self.offer(town, each, **nine) for each in entries), booking
            )
            statuses = [answer.status_code for answer in answers]
            assert set(statuses) <= {200, 201, 409}
            assert matching + sum(status < 300 for status in statuses) == 1
