"""Appointments over HTTP."""

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from application.access import Caller, Role
from domain.kernel import new_id
from domain.log_position import position_of
from tests.interfaces.http.town import Town, pointers, problem
from tests.support.builders import somebody

FIELDS = {
    "id", "version", "status", "service_id", "provider_id", "customer_id", "start", "end", "timezone",
    "price", "currency", "currency_exponent", "policy",
    "free_cancellation", "note", "answers", "external_id", "metadata", "created_at", "updated_at", "expires_at",
    "confirmed", "overridden", "orphaned",
}  # fmt: skip


class TestBookAppointment:
    async def test_anonymous_callers_are_asked_who_they_are_whatever_they_say(self, village: Town):
        for said in (village.booking(), {}, b"nonsense"):
            assert problem(await village.api.post("/v1/appointments", said)) == (401, "unauthenticated")

    @pytest.mark.parametrize("role", [Role.AUDITOR, Role.ANALYST])
    async def test_who_only_reads_does_not_book(self, village: Town, role: Role):
        answer = await village.api.post("/v1/appointments", village.booking(), somebody(role), idempotency_key="k")
        assert problem(answer) == (403, "forbidden")

    async def test_answers_the_appointment_and_where_it_is(self, town: Town):
        said = town.booking(note="By the window.", answers={"hair": "long", "beard": False, "length": 3})
        answer = await town.api.post("/v1/appointments", said, town.customer, idempotency_key="k")
        told = answer.json()
        assert answer.status_code == 201
        assert set(told) == FIELDS
        assert told == {
            **told,
            **said,
            "customer_id": str(town.customer.id),
            "status": "booked",
            "version": 1,
        }
        assert (told["end"], told["timezone"]) == (town.at("09:30"), "UTC")
        assert answer.headers["location"] == f"/v1/appointments/{told['id']}"
        assert answer.headers["etag"] == '"1"'
        assert answer.headers["cache-control"] == "no-store"

    async def test_staff_know_who_booked_a_moment_ago(self, town: Town):
        await town.api.post("/v1/customers", {"name": "Grace"}, town.customer)
        await town.booked("09:00")  # which no reader has seen yet
        await town.booked("10:00", by=town.owner, customer_id=str(town.customer.id))

    async def test_a_get_shows_the_same_at_the_position_answered(self, town: Town):
        made = await town.api.post("/v1/appointments", town.booking(), town.customer, idempotency_key="k")
        position = made.headers["daybook-position"]
        seen = await town.api.get(made.headers["location"], town.customer, daybook_position=position)
        assert seen.json() == seen.json() | made.json()

    async def test_needs_a_key(self, village: Town):
        answer = await village.api.post("/v1/appointments", village.booking(), village.customer)
        assert problem(answer) == (400, "key-missing")

    @pytest.mark.parametrize("key", ["", "x" * 256, "with space", "caf\u00e9".encode(), b"\x7f", "x" * 60_000])
    async def test_a_key_is_some_visible_ascii(self, village: Town, key):
        answer = await village.api.post("/v1/appointments", village.booking(), village.customer, idempotency_key=key)
        assert problem(answer) == (400, "malformed")

    async def test_twins_are_one_booking_and_one_answer(self, village: Town):
        async def book() -> tuple[int, bytes, str | None]:
            said = village.booking()
            made = await village.api.post("/v1/appointments", said, village.customer, idempotency_key="k")
            return made.status_code, made.content, made.headers.get("idempotency-replayed")

        answers = await asyncio.gather(*(book() for _ in range(8)))
        assert {status for status, _, _ in answers} == {201}
        assert len({content for _, content, _ in answers}) == 1
        assert sorted(replayed or "" for *_, replayed in answers) == [""] + ["true"] * 7

    async def test_a_later_twin_gets_the_answer_of_then(self, town: Town):
        first = await town.api.post("/v1/appointments", town.booking(), town.customer, idempotency_key="k")
        path = first.headers["location"]
        await town.api.post(f"{path}/cancel", {}, town.customer, if_match=1)
        again = await town.api.post("/v1/appointments", town.booking(), town.customer, idempotency_key="k")
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["etag"] == '"1"'

    async def test_the_way_a_body_is_written_does_not_make_it_another(self, village: Town):
        said = village.booking()
        first = await village.api.post("/v1/appointments", said, village.customer, idempotency_key="k")
        backwards = json.dumps(dict(reversed(said.items())), indent=4).encode()
        again = await village.api.post("/v1/appointments", backwards, village.customer, idempotency_key="k")
        assert again.content == first.content

    async def test_a_key_for_another_start_is_refused(self, village: Town):
        await village.api.post("/v1/appointments", village.booking(), village.customer, idempotency_key="k")
        other = village.booking("10:00")
        answer = await village.api.post("/v1/appointments", other, village.customer, idempotency_key="k")
        assert problem(answer) == (422, "key-reused")

    async def test_a_refused_booking_keeps_no_answer(self, village: Town):
        taken = await village.booked()
        said = village.booking()
        other = somebody()
        refused = await village.api.post("/v1/appointments", said, other, idempotency_key="k")
        assert problem(refused) == (409, "slot-taken")
        await village.api.post(f"/v1/appointments/{taken['id']}/cancel", {}, village.customer, if_match="*")
        assert (await village.api.post("/v1/appointments", said, other, idempotency_key="k")).status_code == 201

    @pytest.mark.parametrize(
        ("clock", "kind"), [("09:10", "off-grid"), ("16:45", "outside-hours"), ("03:00", "outside-hours")]
    )
    async def test_a_start_that_is_not_offered_says_why(self, village: Town, clock: str, kind: str):
        said = village.booking(clock)
        answer = await village.api.post("/v1/appointments", said, village.customer, idempotency_key="k")
        assert problem(answer) == (409, kind)

    async def test_a_start_in_the_past_is_too_soon(self, village: Town):
        said = village.booking() | {"start": "2001-01-01T09:00:00Z"}
        answer = await village.api.post("/v1/appointments", said, village.customer, idempotency_key="k")
        assert problem(answer) == (409, "too-soon")

    async def test_staff_say_for_whom(self, town: Town):
        answer = await town.api.post("/v1/appointments", town.booking(), town.owner, idempotency_key="k")
        assert pointers(answer) == ["/customer_id"]
        guest = (await town.api.post("/v1/customers", {"name": "Guest"}, town.owner)).json()["id"]
        said = town.booking(customer_id=guest)
        made = await town.api.post("/v1/appointments", said, town.owner, idempotency_key="k")
        assert (made.status_code, made.json()["customer_id"]) == (201, guest)

    async def test_a_customer_books_for_nobody_else(self, village: Town):
        said = village.booking(customer_id=str(new_id()))
        answer = await village.api.post("/v1/appointments", said, village.customer, idempotency_key="k")
        assert problem(answer) == (404, "not-found")

    async def test_without_a_provider_takes_the_one_with_the_fewest_appointments(self, town: Town):
        second = await _another_provider(town)
        both = await _shared_service(town, [town.provider_id, second])
        await town.booked("12:00")
        await town.api.catch_up()
        said = {"service_id": both, "start": town.at("09:00")}
        first = await town.api.post("/v1/appointments", said, town.customer, idempotency_key="1")
        assert first.json()["provider_id"] == second
        then = await town.api.post("/v1/appointments", said, somebody(), idempotency_key="2")
        assert then.json()["provider_id"] == town.provider_id
        last = await town.api.post("/v1/appointments", said, somebody(), idempotency_key="3")
        assert problem(last) == (409, "slot-taken")

    async def test_what_is_not_there_is_not_found(self, village: Town):
        said = village.booking() | {"service_id": str(new_id())}
        answer = await village.api.post("/v1/appointments", said, village.customer, idempotency_key="k")
        assert problem(answer) == (404, "not-found")

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"start": "2030-01-07T09:00:00"}, "/start"),
            ({"start": "2030-01-07T09:00:00.5Z"}, "/start"),
            ({"start": "2030-02-30T09:00:00Z"}, "/start"),
            ({"start": "9999-12-31T23:59:59Z"}, "/start"),
            ({"start": "0001-01-01T00:00:00+23:59"}, "/start"),
            ({"start": "2200-01-01T00:00:00Z"}, "/start"),
            ({"start": "1969-12-31T23:59:59Z"}, "/start"),
            ({"start": "2030-01-07T09:00:00+99:99"}, "/start"),
            ({"start": "1893456000"}, "/start"),
            ({"start": 1893456000}, "/start"),
            ({"start": 10**400}, "/start"),
            ({"start": None}, "/start"),
            ({"start": "tomorrow"}, "/start"),
            ({"service_id": "1; DROP TABLE log"}, "/service_id"),
            ({"service_id": 5}, "/service_id"),
            ({"note": "a\0b"}, "/note"),
            ({"note": "x" * 2001}, "/note"),
            ({"note": None}, "/note"),
            ({"answers": {"a\0": 1}}, "/answers"),
            ({"answers": {"a": "\0"}}, "/answers"),
            ({"answers": {"a": {"b": 1}}}, "/answers"),
            ({"answers": {"a": 2**53}}, "/answers"),
            ({"answers": {str(n): n for n in range(65)}}, "/answers"),
            ({"answers": {"a": list(range(65))}}, "/answers"),
            ({"answers": {str(n): "a" * 2000 for n in range(9)}}, ""),
            ({"answers": []}, "/answers"),
            ({"hold": 1}, "/hold"),
            ({"a/b~c": 1}, "/a~1b~0c"),
        ],
    )
    async def test_says_which_field_does_not_fit(self, village: Town, changes: dict[str, Any], pointer: str):
        said = village.booking() | changes
        answer = await village.api.post("/v1/appointments", said, village.customer, idempotency_key="k")
        assert pointers(answer) == [pointer]

    async def test_an_offset_is_only_another_way_to_write_an_instant(self, village: Town):
        said = village.booking() | {"start": village.at("11:00").replace("Z", "+02:00")}
        answer = await village.api.post("/v1/appointments", said, village.customer, idempotency_key="k")
        assert answer.json()["start"] == village.at("09:00")


class TestListAppointments:
    async def test_anonymous_callers_are_asked_who_they_are(self, village: Town):
        assert problem(await village.api.get("/v1/appointments")) == (401, "unauthenticated")

    async def test_everybody_sees_what_is_theirs(self, town: Town):
        mine = await town.booked("09:00")
        other = somebody()
        theirs = await town.booked("10:00", by=other)

        async def seen(by: Caller) -> list[dict[str, Any]]:
            items: list[dict[str, Any]] = (await town.api.get("/v1/appointments", by)).json()["items"]
            return [{name: item[name] for name in mine} for item in items]  # a write answers no names

        assert await seen(town.customer) == [mine]
        assert await seen(other) == [theirs]
        assert await seen(town.stranger) == []
        for by in (town.owner, town.admin, somebody(Role.AUDITOR)):
            assert await seen(by) == [mine, theirs]

    async def test_filters(self, town: Town):
        first, second = await town.booked("09:00"), await town.booked("10:00")
        await town.api.post(f"/v1/appointments/{first['id']}/cancel", {}, town.customer, if_match=1)

        async def found(query: str) -> list[str]:
            answer = await town.api.get(f"/v1/appointments?{query}", town.owner)
            return [item["id"] for item in answer.json()["items"]]

        assert await found("status=cancelled") == [first["id"]]
        assert await found(f"from={town.at('09:30')}") == [second["id"]]
        assert await found(f"to={town.at('10:00')}") == [first["id"]]
        within = f"from={town.at('09:15')}&to={town.at('09:45')}"
        assert await found(within) == []
        assert await found(f"{within}&overlapping=true") == [first["id"]]
        assert await found(f"from={town.at('09:30')}&to={town.at('10:00')}&overlapping=true") == [], "touching is free"
        assert await found(f"provider_id={new_id()}") == []
        for several in (
            f"provider_id={new_id()},{town.provider_id}",
            f"provider_id={town.provider_id}&provider_id={new_id()}",
        ):
            assert await found(several) == [first["id"], second["id"]]
        assert await found(f"customer_id={town.customer.id}") == [first["id"], second["id"]]

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ("status=lost", "/status"),
            ("status=booked,lost", "/status"),
            ("status=booked&status=lost", "/status"),
            ("provider_id=1", "/provider_id"),
            ("provider_id=" + ",".join(["0198c5a2-7d1c-7cc1-9a54-0d6f3b1f7a10"] * 101), "/provider_id"),
            ("from=2030-01-01", "/from"),
            ("from=2030-01-01T00:00:00", "/from"),
            ("to=9999-12-31T00:00:00Z", "/to"),
            ("from=2030-01-02T00:00:00Z&to=2030-01-01T00:00:00Z", "/to"),
            ("mine=1", "/mine"),
        ],
    )
    async def test_says_which_parameter_does_not_fit(self, village: Town, query: str, pointer: str):
        answer = await village.api.get(f"/v1/appointments?{query}", village.customer)
        assert pointers(answer) == [pointer]

    async def test_pages_and_a_cursor_is_its_callers(self, town: Town):
        made = [(await town.booked(f"{hour:02}:00"))["id"] for hour in range(9, 14)]
        first = (await town.api.get("/v1/appointments?limit=3", town.customer)).json()
        path = f"/v1/appointments?limit=3&cursor={first['next']}"
        rest = (await town.api.get(path, town.customer)).json()
        assert [item["id"] for item in first["items"] + rest["items"]] == made
        assert rest["next"] is None
        assert problem(await town.api.get(path, town.stranger)) == (400, "bad-cursor")


class TestGetAppointment:
    async def test_anonymous_callers_are_asked_who_they_are(self, village: Town):
        assert problem(await village.api.get(f"/v1/appointments/{new_id()}")) == (401, "unauthenticated")

    async def test_both_sides_and_those_above_see_it_nobody_else_knows_of_it(self, town: Town):
        made = await town.booked()
        path = f"/v1/appointments/{made['id']}"
        for by in (town.customer, town.owner, town.admin, somebody(Role.AUDITOR)):
            shown = (await town.api.get(path, by)).json()
            assert shown == shown | made
        for by in (town.stranger, somebody()):
            assert problem(await town.api.get(path, by)) == (404, "not-found")
        assert problem(await town.api.get(path, somebody(Role.ANALYST))) == (403, "forbidden")

    async def test_a_version_that_is_known_is_not_sent_again(self, town: Town):
        made = await town.booked()
        known = await town.api.get(f"/v1/appointments/{made['id']}", town.customer, if_none_match=1)
        assert (known.status_code, known.content) == (304, b"")
        assert position_of(known.headers["daybook-position"]) > 0


class TestChangeAppointment:
    async def test_anonymous_callers_are_asked_who_they_are(self, village: Town):
        answer = await village.api.patch(f"/v1/appointments/{new_id()}", {}, if_match=1)
        assert problem(answer) == (401, "unauthenticated")

    async def test_changes_note_and_answers(self, village: Town):
        made = await village.booked(note="before", answers={"a": 1})
        path = f"/v1/appointments/{made['id']}"
        told = (await village.api.patch(path, {"note": "after"}, village.owner, if_match=1)).json()
        assert (told["note"], told["answers"], told["version"]) == ("after", {"a": 1}, 2)
        told = (await village.api.patch(path, {"answers": {}}, village.customer, if_match=2)).json()
        assert (told["note"], told["answers"], told["version"]) == ("after", {}, 3)

    async def test_nothing_else_can_be_changed(self, village: Town):
        made = await village.booked()
        path = f"/v1/appointments/{made['id']}"
        answer = await village.api.patch(path, {"start": village.at("10:00")}, village.customer, if_match=1)
        assert pointers(answer) == ["/start"]

    async def test_strangers_do_not_know_of_it(self, town: Town):
        made = await town.booked()
        path = f"/v1/appointments/{made['id']}"
        assert problem(await town.api.patch(path, {}, town.stranger, if_match=1)) == (404, "not-found")

    async def test_the_log_does_not_grow_without_end(self, town: Town):
        """Every version of an answer is kept for ever, so all of them together have a bound."""
        booked = await town.booked()
        path, refused = f"/v1/appointments/{booked['id']}", []
        for number in range(12):
            answers = {str(n): str(number) + "a" * 1900 for n in range(8)}
            answer = await town.api.patch(path, {"answers": answers}, town.customer, if_match="*")
            if answer.status_code != 200:
                refused.append(problem(answer))
        assert set(refused) == {(409, "text-budget-spent")}
        assert len(refused) > 7


class TestWriteBudget:
    async def test_an_account_writes_so_many_bytes_a_day(self, town: Town):
        said = {"name": "Ada", "email": "ada@example.org", "timezone": "UTC"}
        assert (await town.api.post("/v1/customers", said, town.customer)).status_code == 201
        path, statuses = f"/v1/customers/{town.customer.id}", []
        for number in range(60):
            note = {"note": str(number) + "\u20ac" * 1900}
            statuses.append(await town.api.patch(path, note, town.customer, if_match="*"))
        written = [each.status_code for each in statuses]
        assert written[:20] == [200] * 20
        assert written[-1] == 429
        assert "retry-after" in statuses[-1].headers
        small = await town.api.patch(path, {"note": "x"}, town.customer, if_match="*")
        assert problem(small) == (429, "too-many-requests")
        assert (await town.api.patch(path, {"note": "x"}, town.admin, if_match="*")).status_code == 200


class TestDeleteAppointment:
    async def test_anonymous_callers_are_asked_who_they_are(self, village: Town):
        answer = await village.api.delete(f"/v1/appointments/{new_id()}", if_match=1)
        assert problem(answer) == (401, "unauthenticated")

    async def test_cancels(self, town: Town):
        made = await town.booked()
        path = f"/v1/appointments/{made['id']}"
        answer = await town.api.delete(path, town.customer, if_match=1)
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (204, b"", '"2"')
        assert (await town.api.get(path, town.customer)).json()["status"] == "cancelled"

    async def test_staff_say_why(self, town: Town):
        made = await town.booked()
        path = f"/v1/appointments/{made['id']}"
        assert pointers(await town.api.delete(path, town.owner, if_match=1)) == ["/reason"]
        assert (await town.api.delete(f"{path}?reason=Ill", town.owner, if_match=1)).status_code == 204
        assert (await town.api.get(path, town.owner)).json()["cancelled"]["reason"] == "Ill"


class TestRescheduleAppointment:
    async def test_anonymous_callers_are_asked_who_they_are(self, village: Town):
        path = f"/v1/appointments/{new_id()}/reschedule"
        assert problem(await village.api.post(path, {"start": village.at("10:00")}, if_match=1)) == (
            401,
            "unauthenticated",
        )

    async def test_moves_and_frees_the_old_time(self, town: Town):
        made = await town.booked("09:00")
        path = f"/v1/appointments/{made['id']}/reschedule"
        moved = await town.api.post(path, {"start": town.at("10:00")}, town.customer, if_match=1)
        assert (moved.status_code, moved.headers["etag"]) == (200, '"2"')
        told = moved.json()
        assert told.pop("rescheduled")["outcome"] == "made"
        changed = {"version": 2, "updated_at": told["updated_at"], "start": town.at("10:00"), "end": town.at("10:30")}
        assert told == {**made, **changed}
        assert (await town.booked("09:00", by=somebody()))["start"] == town.at("09:00")

    async def test_a_failed_move_keeps_the_old_time(self, town: Town):
        made = await town.booked("09:00")
        await town.booked("10:00", by=somebody())
        path = f"/v1/appointments/{made['id']}"
        refused = await town.api.post(f"{path}/reschedule", {"start": town.at("10:00")}, town.customer, if_match=1)
        assert problem(refused) == (409, "slot-taken")
        shown = (await town.api.get(path, town.customer)).json()
        assert shown == shown | made

    async def test_by_staff_keeps_the_price_and_lets_the_customer_cancel_at_no_cost(self, town: Town):
        strict = {"price": 4000, "cancel_notice": 60 * 24 * 30, "late_cancel": "refuse"}
        made = await town.booked("09:00")
        changed = await town.api.patch(f"/v1/services/{town.service_id}", strict, town.owner, if_match=1)
        assert changed.status_code == 200
        path = f"/v1/appointments/{made['id']}"
        moved = await town.api.post(f"{path}/reschedule", {"start": town.at("10:00")}, town.owner, if_match=1)
        told = moved.json()
        assert {name: told[name] for name in ("price", "policy")} == {name: made[name] for name in ("price", "policy")}
        assert (made["free_cancellation"], told["free_cancellation"]) == (False, True)
        shown = (await town.api.get(path, town.customer)).json()
        assert shown == shown | told
        answer = await town.api.post(f"{path}/cancel", {}, town.customer, if_match=2)
        cancelled = answer.json()["cancelled"]
        assert (answer.status_code, cancelled["late"], cancelled["fee"]) == (200, False, 0)


class TestCancelAppointment:
    async def test_anonymous_callers_are_asked_who_they_are(self, village: Town):
        answer = await village.api.post(f"/v1/appointments/{new_id()}/cancel", {}, if_match=1)
        assert problem(answer) == (401, "unauthenticated")

    async def test_says_by_whom_why_and_at_what_cost(self, town: Town):
        made = await town.booked()
        path = f"/v1/appointments/{made['id']}/cancel"
        said = {"reason": "Ill.", "reason_code": "provider_unavailable"}
        answer = await town.api.post(path, said, town.owner, if_match=1)
        told = answer.json()
        at = told["updated_at"]
        cancelled = {"at": at, "by": str(town.owner.id), "party": "staff", **said, "late": False, "fee": 0}
        assert (answer.status_code, told["status"], told["cancelled"]) == (200, "cancelled", cancelled)
        shown = (await town.api.get(f"/v1/appointments/{made['id']}", town.owner)).json()
        assert shown == shown | told

    async def test_a_customer_need_not_say_anything_not_even_a_body(self, village: Town):
        made = await village.booked()
        path = f"/v1/appointments/{made['id']}/cancel"
        assert (await village.api.post(path, b"", village.customer, if_match=1)).status_code == 200

    async def test_already_cancelled_is_no_error(self, village: Town):
        made = await village.booked()
        path = f"/v1/appointments/{made['id']}/cancel"
        first = await village.api.post(path, {}, village.customer, if_match=1)
        again = await village.api.post(path, {}, village.customer, if_match=2)
        assert (again.status_code, again.content) == (200, first.content)

    async def test_needs_the_version_seen(self, village: Town):
        made = await village.booked()
        path = f"/v1/appointments/{made['id']}/cancel"
        assert problem(await village.api.post(path, {}, village.customer)) == (428, "version-missing")
        assert problem(await village.api.post(path, {}, village.customer, if_match=2)) == (412, "stale")

    async def test_a_key_is_looked_at_before_the_version(self, village: Town):
        made = await village.booked()
        path = f"/v1/appointments/{made['id']}/cancel"
        first = await village.api.post(path, {}, village.customer, if_match=1, idempotency_key="k")
        again = await village.api.post(path, {}, village.customer, if_match=1, idempotency_key="k")
        assert (again.status_code, again.content) == (200, first.content)
        assert again.headers["idempotency-replayed"] == "true"


MARKS = ["check-in", "complete", "no-show", "undo-no-show"]


class TestMarkAppointment:
    @pytest.mark.parametrize("mark", MARKS)
    async def test_anonymous_callers_are_asked_who_they_are(self, village: Town, mark: str):
        answer = await village.api.post(f"/v1/appointments/{new_id()}/{mark}", {}, if_match=1)
        assert problem(answer) == (401, "unauthenticated")

    @pytest.mark.parametrize("mark", MARKS)
    async def test_customers_do_not_mark(self, village: Town, mark: str):
        made = await village.booked()
        answer = await village.api.post(f"/v1/appointments/{made['id']}/{mark}", {}, village.customer, if_match=1)
        assert problem(answer) == (403, "forbidden")

    @pytest.mark.parametrize("mark", MARKS)
    async def test_other_staff_do_not_know_of_it(self, village: Town, mark: str):
        made = await village.booked()
        answer = await village.api.post(f"/v1/appointments/{made['id']}/{mark}", {}, village.stranger, if_match=1)
        assert problem(answer) == (404, "not-found")

    async def test_check_in(self, village: Town):
        made = await village.booked()
        path = f"/v1/appointments/{made['id']}/check-in"
        told = (await village.api.post(path, {}, village.owner, if_match=1)).json()
        assert told == {**made, "version": 2, "status": "checked_in", "updated_at": told["updated_at"]}

    @pytest.mark.parametrize("mark", ["complete", "no-show"])
    async def test_what_has_not_begun_can_neither_be_completed_nor_missed(self, village: Town, mark: str):
        made = await village.booked()
        answer = await village.api.post(f"/v1/appointments/{made['id']}/{mark}", {}, village.owner, if_match=1)
        assert problem(answer) == (409, "too-early")

    async def test_what_was_not_missed_can_not_be_undone(self, village: Town):
        made = await village.booked()
        path = f"/v1/appointments/{made['id']}/undo-no-show"
        answer = await village.api.post(path, {}, village.owner, if_match=1)
        assert problem(answer) == (409, "not-a-no-show")


class TestGetHistory:
    async def test_anonymous_callers_are_asked_who_they_are(self, village: Town):
        answer = await village.api.get(f"/v1/appointments/{new_id()}/history")
        assert problem(answer) == (401, "unauthenticated")

    async def test_tells_all_that_happened_in_order(self, town: Town):
        made = await town.booked()
        path = f"/v1/appointments/{made['id']}"
        await town.api.post(f"{path}/check-in", {}, town.owner, if_match=1)
        told = (await town.api.get(f"{path}/history", town.customer)).json()
        items = told["items"]
        assert [(item["type"], item["version"], item["actor"]) for item in items] == [
            ("Appointment.Booked", 1, str(town.customer.id)),
            ("Appointment.CheckedIn", 2, str(town.owner.id)),
        ]
        assert position_of(items[0]["position"]) < position_of(items[1]["position"])
        assert items[0]["data"]["starts_at"] == made["start"]
        assert told["next"] is None

    async def test_comes_in_pages(self, town: Town):
        made = await town.booked()
        path = f"/v1/appointments/{made['id']}"
        await town.api.post(f"{path}/check-in", {}, town.owner, if_match=1)
        first = (await town.api.get(f"{path}/history?limit=1", town.customer)).json()
        rest = (await town.api.get(f"{path}/history?limit=1&cursor={first['next']}", town.customer)).json()
        assert [page["items"][0]["version"] for page in (first, rest)] == [1, 2]

    async def test_strangers_do_not_know_of_it(self, town: Town):
        made = await town.booked()
        path = f"/v1/appointments/{made['id']}/history"
        assert problem(await town.api.get(path, town.stranger)) == (404, "not-found")


async def _another_provider(town: Town) -> str:
    made = await town.api.post("/v1/providers", {"name": "Bea", "timezone": "UTC"}, town.owner)
    id: str = made.json()["id"]
    path = f"/v1/providers/{town.provider_id}/schedule"
    schedule = (await town.api.get(path, town.owner)).json()
    hours = {"timezone": "UTC", "weekly": schedule["weekly"]}
    await town.api.put(f"/v1/providers/{id}/schedule", hours, town.owner, if_match=1)
    return id


async def _shared_service(town: Town, provider_ids: list[str]) -> str:
    organization_id = await town.an_organization(*provider_ids)
    who = {"provider_id": None, "organization_id": organization_id, "provider_ids": provider_ids}
    return str((await town.a_service(**who))["id"])


async def asked_to_move(town: Town) -> dict[str, Any]:
    """A confirmed appointment at nine, for which its customer asks for eleven."""
    service = await town.a_service(approval=True)
    booked = await town.booked(service_id=service["id"])
    path = f"/v1/appointments/{booked['id']}"
    await town.api.post(f"{path}/confirm", {}, town.owner, if_match=1)
    answer = await town.api.post(f"{path}/reschedule", {"start": town.at("11:00")}, town.customer, if_match=2)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


class TestRequestedMove:
    async def test_a_get_and_the_answer_say_both_times(self, town: Town):
        told = await asked_to_move(town)
        assert (told["status"], told["start"]) == ("requested", town.at("11:00"))
        kept = {"provider_id": town.provider_id, "start": town.at("09:00"), "end": town.at("09:30")}
        assert told["confirmed"] == kept
        assert told["rescheduled"]["outcome"] == "requested"
        shown = (await town.api.get(f"/v1/appointments/{told['id']}", town.owner)).json()
        assert shown == shown | told

    @pytest.mark.parametrize(
        ("verb", "outcome", "start"), [("confirm", "made", "11:00"), ("decline", "declined", "09:00")]
    )
    async def test_an_answer_leaves_one_of_them(self, town: Town, verb: str, outcome: str, start: str):
        moved = await asked_to_move(town)
        path = f"/v1/appointments/{moved['id']}"
        told = (await town.api.post(f"{path}/{verb}", {}, town.owner, if_match=moved["version"])).json()
        assert (told["status"], told["start"], told["confirmed"]) == ("booked", town.at(start), None)
        assert told["rescheduled"] == {**moved["rescheduled"], "outcome": outcome}
        shown = (await town.api.get(path, town.customer)).json()
        assert shown == shown | told
        day = f"/v1/availability?service_id={told['service_id']}&from={town.day()}&to={town.day()}&tz=UTC"
        free = [each["start"] for each in (await town.api.get(day)).json()["starts"]]
        other = {"11:00": "09:00", "09:00": "11:00"}[start]
        assert (town.at(start) in free, town.at(other) in free) == (False, True)


class TestOverride:
    async def guest(self, town: Town) -> str:
        made = await town.api.post("/v1/customers", {"name": "Bob"}, town.owner)
        id: str = made.json()["id"]
        return id

    async def test_staff_book_off_the_grid_and_move_out_of_hours_and_history_says_why(self, town: Town):
        override = {"rules": ["grid"], "reason": "A walk-in."}
        booked = await town.booked("09:10", by=town.owner, customer_id=await self.guest(town), override=override)
        assert booked["overridden"] == ["grid"]
        path = f"/v1/appointments/{booked['id']}"
        shown = (await town.api.get(path, town.owner)).json()
        assert shown == shown | booked
        said = {"start": town.at("18:00"), "override": {"rules": ["hours"], "reason": "He works late."}}
        moved = (await town.api.post(f"{path}/reschedule", said, town.owner, if_match=1)).json()
        assert (moved["start"], moved["overridden"]) == (town.at("18:00"), ["hours"])
        shown = (await town.api.get(path, town.owner)).json()
        assert shown == shown | moved
        items = (await town.api.get(f"{path}/history", town.owner)).json()["items"]
        assert [item["data"]["override_reason"] for item in items] == ["A walk-in.", "He works late."]

    async def test_a_walk_in_begins_at_the_next_full_minute(self, town: Town):
        override = {"rules": ["grid", "hours", "notice"], "reason": "A walk-in."}
        said = {"service_id": town.service_id, "provider_id": town.provider_id, "override": override}
        before = town.api.ports.store.now()
        answer = await town.api.post(
            "/v1/appointments", {**said, "customer_id": await self.guest(town)}, town.owner, idempotency_key="k"
        )
        assert answer.status_code == 201, answer.text
        start = datetime.fromisoformat(answer.json()["start"])
        assert before < start <= town.api.ports.store.now() + timedelta(minutes=1)
        assert (start.second, start.microsecond) == (0, 0)
        for by, more in ((town.customer, {}), (town.owner, {"override": None})):
            refused = await town.api.post("/v1/appointments", {**said, **more}, by, idempotency_key=f"{by.id}")
            assert pointers(refused) == ["/start"]

    async def test_a_customer_is_refused(self, village: Town):
        said = village.booking("09:10", override={"rules": ["grid"], "reason": "Please."})
        answer = await village.api.post("/v1/appointments", said, village.customer, idempotency_key="k")
        assert problem(answer) == (403, "override-by-staff")

    @pytest.mark.parametrize(
        ("override", "pointer"),
        [
            ({"rules": [], "reason": "x"}, "/override/rules"),
            ({"rules": ["taken"], "reason": "x"}, "/override/rules/0"),
            ({"rules": ["grid"], "reason": ""}, "/override/reason"),
            ({"rules": ["grid"]}, "/override/reason"),
            (["grid"], "/override"),
        ],
    )
    async def test_says_what_does_not_fit(self, village: Town, override: Any, pointer: str):
        said = village.booking(override=override)
        answer = await village.api.post("/v1/appointments", said, village.owner, idempotency_key="k")
        assert pointers(answer) == [pointer]


class TestRacesForMoves:
    @pytest.mark.parametrize("verb", ["confirm", "decline"])
    async def test_strangers_get_the_time_that_is_given_up_once_and_the_other_never(self, town: Town, verb: str):
        moved = await asked_to_move(town)
        path = f"/v1/appointments/{moved['id']}"

        async def book(clock: str) -> tuple[str, int]:
            said = town.booking(clock, service_id=moved["service_id"])
            answer = await town.api.post("/v1/appointments", said, somebody(), idempotency_key=str(new_id()))
            return clock, answer.status_code

        answering = town.api.post(f"{path}/{verb}", {}, town.owner, if_match=moved["version"])
        clocks = ["09:00", "11:00"] * 6
        answer, *booked = await asyncio.gather(answering, *map(book, clocks))
        assert answer.status_code == 200
        kept, given_up = ("11:00", "09:00") if verb == "confirm" else ("09:00", "11:00")
        assert {status for clock, status in booked if clock == kept} == {409}
        late = [(await book(given_up))[1], *(status for clock, status in booked if clock == given_up)]
        assert late.count(201) == 1, "the first who came after the answer"
