"""What an appointment says over HTTP besides its time: names, notes of staff, ids of other programs."""

from typing import Any

import pytest

from application.access import Role
from tests.interfaces.http.town import Town, pointers, problem
from tests.support.builders import somebody

OURS = {"external_id": "crm-4711", "metadata": {"branch": "north"}}


async def seen(town: Town, id: str, by: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await town.api.get(f"/v1/appointments/{id}", by)).json()
    return found


class TestNames:
    async def test_an_appointment_that_is_read_names_service_provider_and_customer(self, town: Town):
        await town.api.post("/v1/customers", {"name": "Grace", "phone": "+33 1 23"}, town.customer)
        made = await town.booked()
        for by in (town.customer, town.owner, town.admin, somebody(Role.AUDITOR)):
            (told,) = (await town.api.get("/v1/appointments", by)).json()["items"]
            assert (told["service"]["id"], told["service"]["name"]) == (town.service_id, "Haircut")
            assert (told["provider"]["id"], told["provider"]["name"]) == (town.provider_id, "Ada")
            assert told["customer"] == {
                "id": str(town.customer.id),
                "name": "Grace",
                "email": None,
                "phone": "+33 1 23",
            }
            assert {name: told[name] for name in made} == made
            one = await seen(town, made["id"], by)
            assert one == told

    async def test_the_price_says_how_many_digits_its_minor_unit_has(self, town: Town):
        for currency, digits in (("JPY", 0), ("EUR", 2), ("KWD", 3)):
            service = await town.a_service(currency=currency, price=100)
            made = await town.booked(f"1{digits}:00", service_id=service["id"])
            assert (made["currency"], made["currency_exponent"]) == (currency, digits)


class TestStaffNote:
    async def test_staff_write_it_and_the_customer_never_sees_it(self, town: Town):
        made = await town.booked()
        path = f"/v1/appointments/{made['id']}"
        changed = await town.api.patch(path, {"staff_note": "Prefers silence.", **OURS}, town.owner, if_match=1)
        assert changed.status_code == 200, changed.text
        assert changed.json()["staff_note"] == "Prefers silence."
        for by in (town.owner, town.admin, somebody(Role.AUDITOR)):
            assert (await seen(town, made["id"], by))["staff_note"] == "Prefers silence."
        assert "staff_note" not in await seen(town, made["id"], town.customer)
        history = await town.api.get(f"{path}/history", town.customer)
        assert "silence" not in history.text
        assert "Prefers silence." in (await town.api.get(f"{path}/history", town.owner)).text
        for answer in (
            await town.api.get("/v1/appointments", town.customer),
            await town.api.patch(path, {"note": "Thanks."}, town.customer, if_match=2),
            await town.api.post(f"{path}/cancel", {}, town.customer, if_match=3),
        ):
            assert answer.status_code == 200, answer.text
            assert "silence" not in answer.text
        assert (await seen(town, made["id"], town.owner))["staff_note"] == "Prefers silence."

    async def test_only_staff_write_it(self, town: Town):
        said = town.booking(staff_note="x")
        refused = await town.api.post("/v1/appointments", said, town.customer, idempotency_key="k")
        assert pointers(refused) == ["/staff_note"]
        made = await town.booked()
        path = f"/v1/appointments/{made['id']}"
        assert pointers(await town.api.patch(path, {"staff_note": ""}, town.customer, if_match=1)) == ["/staff_note"]
        assert problem(await town.api.patch(path, {"staff_note": "x"}, town.stranger, if_match=1))[0] == 404

    async def test_who_books_elsewhere_as_a_customer_is_no_staff_there(self, town: Town):
        """The relation decides, not the role."""
        said = {"name": "Stranger"}
        await town.api.post("/v1/customers", said, town.stranger)
        made = await town.booked()
        assert (await town.api.get(f"/v1/appointments/{made['id']}", town.stranger)).status_code == 404

    async def test_staff_book_with_one(self, town: Town):
        guest = (await town.api.post("/v1/customers", {"name": "Guest"}, town.owner)).json()["id"]
        made = await town.booked(by=town.owner, customer_id=guest, staff_note="Brings a dog.", **OURS)
        assert made["staff_note"] == "Brings a dog."
        assert {name: made[name] for name in OURS} == OURS


class TestExternalFields:
    async def test_who_books_says_them_and_finds_the_appointment_by_its_id(self, town: Town):
        made = await town.booked(**OURS)
        assert {name: made[name] for name in OURS} == OURS
        await town.booked("10:00")
        found = (await town.api.get("/v1/appointments?external_id=crm-4711", town.owner)).json()["items"]
        assert [each["id"] for each in found] == [made["id"]]

    async def test_they_change_after_the_end_too_but_note_and_answers_do_not(self, town: Town):
        made = await town.booked()
        path = f"/v1/appointments/{made['id']}"
        await town.api.post(f"{path}/cancel", {"reason": "Ill."}, town.owner, if_match=1)
        changed = await town.api.patch(path, {**OURS, "staff_note": "Called."}, town.owner, if_match=2)
        assert {name: changed.json()[name] for name in OURS} == OURS
        assert problem(await town.api.patch(path, {"note": "x"}, town.owner, if_match=3)) == (409, "appointment-ended")

    async def test_too_much_together_is_refused(self, town: Town):
        made = await town.booked()
        metadata = {str(n): "é" * 500 for n in range(20)}
        answer = await town.api.patch(f"/v1/appointments/{made['id']}", {"metadata": metadata}, town.owner, if_match=1)
        assert problem(answer) == (422, "text-too-long")


class TestWhatHappened:
    async def test_a_move_says_who_when_and_why(self, town: Town):
        made = await town.booked()
        path = f"/v1/appointments/{made['id']}"
        said = {"start": town.at("11:00"), "reason": "The chair is broken."}
        moved = (await town.api.post(f"{path}/reschedule", said, town.owner, if_match=1)).json()
        by = {"by": str(town.owner.id), "by_customer": False, "outcome": "made", "reason": "The chair is broken."}
        assert moved["rescheduled"] == {"at": moved["updated_at"], **by}
        assert (await seen(town, made["id"], town.customer))["rescheduled"] == moved["rescheduled"]
        again = (await town.api.post(f"{path}/reschedule", {"start": town.at("12:00")}, town.owner, if_match=2)).json()
        assert again["rescheduled"]["reason"] == ""

    @pytest.mark.parametrize("how", ["cancelled", "declined"])
    async def test_an_ending_says_when(self, town: Town, how: str):
        service = await town.a_service(approval=True)
        made = await town.booked(service_id=service["id"])
        path = f"/v1/appointments/{made['id']}"
        verb = {"cancelled": "cancel", "declined": "decline"}[how]
        told = (await town.api.post(f"{path}/{verb}", {"reason": "Ill."}, town.owner, if_match=1)).json()
        assert told[how]["at"] == told["updated_at"] >= told["created_at"]
        assert (await seen(town, made["id"], town.customer))[how] == told[how]


class TestFinding:
    async def test_a_list_takes_several_states_a_service_and_what_changed(self, town: Town):
        service = await town.a_service()
        first, second = await town.booked("09:00"), await town.booked("10:00", service_id=service["id"])
        third = await town.booked("11:00")
        await town.api.post(f"/v1/appointments/{third['id']}/cancel", {"reason": "x"}, town.owner, if_match=1)

        async def ids(query: str) -> list[str]:
            return [
                each["id"] for each in (await town.api.get(f"/v1/appointments?{query}", town.owner)).json()["items"]
            ]

        every = [first["id"], second["id"], third["id"]]
        assert await ids("status=booked&status=cancelled") == every
        assert await ids("status=booked,cancelled") == every
        assert await ids("status=booked") == every[:2]
        assert await ids("status=cancelled&status=no_show") == every[2:]
        assert await ids(f"service_id={service['id']}") == [second["id"]]
        assert await ids("sort=-start") == every[::-1]
        assert await ids("sort=-updated&limit=1") == [third["id"]]
        assert await ids(f"updated_since={town.at('00:00')}") == []
        assert await ids("updated_since=2020-01-01T00:00:00Z") == every

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ("status=gone", "/status"),
            ("status=booked&status=x", "/status"),
            ("sort=price", "/sort"),
            ("updated_since=now", "/updated_since"),
            ("sort=start&sort=start", "/sort"),
        ],
    )
    async def test_what_is_no_filter_is_refused(self, village: Town, query: str, pointer: str):
        assert pointers(await village.api.get(f"/v1/appointments?{query}", village.owner)) == [pointer]
