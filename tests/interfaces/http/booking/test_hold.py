"""Holds and requests over HTTP."""

from datetime import timedelta
from typing import Any

from application.access import Caller
from domain.kernel import new_id
from tests.interfaces.http.town import Town, pointers, problem
from tests.support.builders import somebody

FIELDS = {
    "id", "version", "status", "service_id", "provider_id", "customer_id", "start", "end", "timezone",
    "expires_at",
}  # fmt: skip


async def held(town: Town, by: Caller | None = None, clock: str = "09:00", **more: Any) -> dict[str, Any]:
    said = town.booking(clock, **more)
    answer = await town.api.post("/v1/holds", said, by or town.customer, idempotency_key=str(new_id()))
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


class TestPlaceHold:
    async def test_answers_the_hold_and_where_it_is(self, village: Town):
        answer = await village.api.post("/v1/holds", village.booking(), village.customer, idempotency_key="k")
        told = answer.json()
        assert answer.status_code == 201
        assert set(told) == FIELDS
        assert (told["status"], told["version"], told["start"]) == ("held", 1, village.at("09:00"))
        assert answer.headers["location"] == f"/v1/holds/{told['id']}"
        again = await village.api.post("/v1/holds", village.booking(), village.customer, idempotency_key="k")
        assert (again.content, again.headers["idempotency-replayed"]) == (answer.content, "true")

    async def test_needs_a_key(self, village: Town):
        answer = await village.api.post("/v1/holds", village.booking(), village.customer)
        assert problem(answer) == (400, "key-missing")

    async def test_is_no_longer_offered(self, town: Town):
        await held(town)
        query = f"service_id={town.service_id}&from={town.day()}&to={town.day()}&tz=UTC"
        starts = (await town.api.get(f"/v1/availability?{query}")).json()["starts"]
        assert starts[0]["start"] == town.at("09:30")
        said = town.booking()
        other = await town.api.post("/v1/appointments", said, somebody(), idempotency_key="k")
        assert problem(other) == (409, "slot-taken")
        asked = f"/v1/availability/why?service_id={town.service_id}&start={town.at('09:00')}"
        assert (await town.api.get(asked)).json()["rule"] == "taken"

    async def test_nobody_hoards_all_that_is_free(self, town: Town):
        for n in range(20):
            hold = await held(town, day=n)
            if n % 2:  # given back counts, too: else one would keep a time for ever
                await town.api.delete(f"/v1/holds/{hold['id']}", town.customer, if_match="*")
        said = town.booking("10:00")
        refused = await town.api.post("/v1/holds", said, town.customer, idempotency_key="k")
        assert problem(refused) == (429, "too-many-requests")
        assert int(refused.headers["retry-after"]) > 0
        await held(town, somebody(), "10:00")
        await town.booked("10:30")

    async def test_staff_keep_in_their_own_calendar_what_they_like(self, town: Town):
        said = {"name": "Grace"}
        guest = (await town.api.post("/v1/customers", said, town.owner)).json()["id"]
        for n in range(21):
            await held(town, town.owner, day=n, customer_id=guest)


class TestChangeHold:
    async def test_is_shown_to_both_sides_until_it_is_given_back(self, village: Town):
        hold = await held(village)
        path = f"/v1/holds/{hold['id']}"
        for by in (village.customer, village.owner, village.admin):
            answer = await village.api.ask("GET", path, by)
            assert (answer.status_code, answer.json()) == (200, hold)
        assert problem(await village.api.ask("GET", path, somebody())) == (404, "not-found")
        for _ in range(2):
            assert (await village.api.delete(path, village.customer, if_match="*")).status_code == 204
        assert problem(await village.api.ask("GET", path, village.customer)) == (410, "hold-expired")

    async def test_is_extended_once(self, village: Town):
        hold = await held(village)
        path = f"/v1/holds/{hold['id']}/extend"
        extended = await village.api.post(path, {}, village.customer)
        assert (extended.status_code, extended.json()["version"]) == (200, 2)
        assert problem(await village.api.post(path, {}, village.customer)) == (409, "hold-extended-before")

    async def test_is_gone_at_its_second_though_nothing_is_recorded(self, village: Town, monkeypatch: Any):
        hold = await held(village)
        store = village.api.ports.store
        later = store.now() + timedelta(minutes=5)
        monkeypatch.setattr(type(store), "now", lambda _: later)
        answer = await village.api.ask("GET", f"/v1/holds/{hold['id']}", village.customer)
        assert problem(answer) == (410, "hold-expired")
        said = village.booking(hold_id=hold["id"])
        gone = await village.api.post("/v1/appointments", said, village.customer, idempotency_key="k")
        assert problem(gone) == (410, "hold-expired")


class TestBookHold:
    async def test_becomes_an_appointment(self, village: Town):
        hold = await held(village)
        booked = await village.booked(hold_id=hold["id"])
        assert (booked["start"], booked["status"], booked["expires_at"]) == (hold["start"], "booked", None)
        gone = await village.api.delete(f"/v1/holds/{hold['id']}", village.customer, if_match="*")
        assert problem(gone) == (409, "hold-used")

    async def test_for_something_else_it_is_no_good(self, village: Town):
        hold = await held(village)
        said = village.booking("10:00", hold_id=hold["id"])
        answer = await village.api.post("/v1/appointments", said, village.customer, idempotency_key="k")
        assert pointers(answer) == ["/start"]
        said = village.booking(hold_id=hold["id"])
        answer = await village.api.post("/v1/appointments", said, somebody(), idempotency_key="k")
        assert problem(answer) == (404, "not-found")


class TestApproval:
    async def test_a_request_is_confirmed(self, town: Town):
        service = await town.a_service(approval=True, approval_ttl=60)
        asked = await town.booked(service_id=service["id"])
        assert asked["status"] == "requested"
        assert asked["expires_at"] is not None
        path = f"/v1/appointments/{asked['id']}"
        shown = (await town.api.get(path, town.customer)).json()
        assert shown == shown | asked
        listed = await town.api.get("/v1/appointments?status=requested", town.owner)
        assert [item["id"] for item in listed.json()["items"]] == [asked["id"]]
        known = await town.api.get("/v1/customers?limit=9", town.owner)
        assert known.status_code == 200
        refused = await town.api.post(f"{path}/confirm", {}, town.customer, if_match="*")
        assert problem(refused) == (403, "forbidden")
        moved = {"start": town.at("11:00")}
        refused = await town.api.post(f"{path}/reschedule", moved, town.customer, if_match="*")
        assert problem(refused) == (409, "request-pending")
        done = await town.api.post(f"{path}/confirm", {}, town.owner, if_match=1)
        assert (done.json()["status"], done.json()["expires_at"]) == ("booked", None)
        shown = (await town.api.get(path, town.customer)).json()
        assert shown == shown | done.json()
        history = (await town.api.get(f"{path}/history", town.customer)).json()["items"]
        assert [item["type"] for item in history] == ["Appointment.Requested", "Appointment.Confirmed"]

    async def test_a_request_is_declined_with_a_reason(self, town: Town):
        service = await town.a_service(approval=True)
        asked = await town.booked(service_id=service["id"])
        path = f"/v1/appointments/{asked['id']}"
        done = await town.api.post(f"{path}/decline", {"reason": "Full."}, town.owner, if_match=1)
        assert (done.json()["status"], done.json()["declined"]["reason"]) == ("declined", "Full.")
        shown = (await town.api.get(path, town.customer)).json()
        assert shown == shown | done.json()
        refused = await town.api.post(f"{path}/confirm", {}, town.owner, if_match="*")
        assert problem(refused) == (409, "appointment-ended")
        await town.booked()

    async def test_the_terms_of_time_are_the_service_s(self, town: Town):
        service = await town.a_service(reminders=[60], hold_ttl=3)
        assert (service["approval"], service["hold_ttl"], service["complete_after"]) == (False, 3, 720)
        path, twice = f"/v1/services/{service['id']}", {"reminders": [60, 60]}
        assert pointers(await town.api.patch(path, twice, town.owner, if_match="*")) == ["/reminders"]
        booked = await town.booked(service_id=service["id"])
        assert booked["policy"]["reminders"] == [60]


class TestListHolds:
    async def test_both_sides_see_what_is_held_now(self, town: Town):
        said = {"service_id": town.service_id, "provider_id": town.provider_id, "start": town.at("09:00")}
        made = (await town.api.post("/v1/holds", said, town.customer, idempotency_key="a")).json()
        for by in (town.customer, town.owner, town.admin):
            assert (await town.api.get("/v1/holds", by)).json()["items"] == [made]
        assert (await town.api.get("/v1/holds", town.stranger)).json()["items"] == []
        assert problem(await town.api.get("/v1/holds")) == (401, "unauthenticated")
        other = f"/v1/holds?provider_id={new_id()}"
        assert (await town.api.get(other, town.owner)).json()["items"] == []
        await town.api.delete(f"/v1/holds/{made['id']}", town.customer, if_match=1)
        assert (await town.api.get("/v1/holds", town.owner)).json()["items"] == []
