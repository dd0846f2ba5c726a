"""Schedules over HTTP."""

from typing import Any

import pytest

from application.access import Role
from domain.kernel import new_id
from tests.interfaces.http.town import OFFICE_HOURS, Town, pointers, problem
from tests.support.builders import somebody

OFF = {"start": "2031-08-01T00:00:00Z", "end": "2031-08-15T00:00:00Z", "reason": "Holiday"}


def schedule_of(town: Town) -> str:
    return f"/v1/providers/{town.provider_id}/schedule"


def time_off_of(town: Town) -> str:
    return f"/v1/providers/{town.provider_id}/time-off"


class TestGetSchedule:
    async def test_anonymous_callers_are_asked_who_they_are(self, village: Town):
        assert problem(await village.api.get(schedule_of(village))) == (401, "unauthenticated")

    async def test_shows_when_the_provider_is_open(self, town: Town):
        answer = await town.api.get(schedule_of(town), town.owner)
        told = answer.json()
        empty: dict[str, Any] = {"overrides": [], "time_off": []}
        assert told == {"id": told["id"], "version": 2, "timezone": "UTC", "weekly": OFFICE_HOURS, **empty}
        assert answer.headers["etag"] == '"2"'
        assert (await town.api.get(schedule_of(town), town.owner, if_none_match=2)).status_code == 304

    async def test_is_the_owners_and_those_aboves(self, town: Town):
        assert problem(await town.api.get(schedule_of(town), town.stranger)) == (404, "not-found")
        assert problem(await town.api.get(schedule_of(town), town.customer)) == (403, "forbidden")
        for by in (town.admin, somebody(Role.AUDITOR)):
            assert (await town.api.get(schedule_of(town), by)).status_code == 200


class TestReplaceSchedule:
    async def test_anonymous_callers_are_asked_who_they_are(self, village: Town):
        assert problem(await village.api.put(schedule_of(village), {}, if_match=2)) == (
            401,
            "unauthenticated",
        )

    async def test_answers_the_hours_as_they_were_said(self, town: Town):
        weekly = [
            {"day": "mon", "from": "00:00", "to": "12:00"},
            {"day": "mon", "from": "12:00", "to": "24:00"},
            {"day": "wed", "from": "09:00", "to": "08:59"},
            {"day": "fri", "from": "22:00", "to": "02:00"},
        ]
        said = {"timezone": "Europe/Paris", "weekly": weekly}
        told = (await town.api.put(schedule_of(town), said, town.owner, if_match=2)).json()
        assert told == {**told, **said, "version": 3}
        assert (await town.api.get(schedule_of(town), town.owner)).json() == told

    @pytest.mark.parametrize(
        ("weekly", "pointer"),
        [
            ([("mon", "09:00", "12:00"), ("mon", "11:59", "13:00")], "/weekly"),
            ([("sun", "23:00", "01:00"), ("mon", "00:30", "02:00")], "/weekly"),
            ([("mon", "09:60", "12:00")], "/weekly/0/from"),
            ([("mon", "09:00", "24:01")], "/weekly/0/to"),
            ([("mon", "09:00", "09:00")], "/weekly/0/to"),
            ([("mon", "00:00", "00:00")], "/weekly/0/to"),
            ([("mon", "09:00\n", "12:00")], "/weekly/0/from"),
            ([("Mon", "09:00", "12:00")], "/weekly/0/day"),
        ],
    )
    async def test_says_which_hours_do_not_fit(self, village: Town, weekly: Any, pointer: str):
        windows = [{"day": day, "from": opens, "to": closes} for day, opens, closes in weekly]
        said = {"timezone": "UTC", "weekly": windows}
        answer = await village.api.put(schedule_of(village), said, village.owner, if_match=2)
        assert pointers(answer) == [pointer]

    async def test_needs_the_version_seen(self, village: Town):
        said = {"timezone": "UTC", "weekly": []}
        assert problem(await village.api.put(schedule_of(village), said, village.owner))[0] == 428
        assert problem(await village.api.put(schedule_of(village), said, village.owner, if_match=1)) == (
            412,
            "stale",
        )

    async def test_somebody_elses_does_not_exist(self, village: Town):
        said = {"timezone": "UTC", "weekly": []}
        answer = await village.api.put(schedule_of(village), said, village.stranger, if_match=2)
        assert problem(answer) == (404, "not-found")


class TestReplaceOverride:
    async def test_anonymous_callers_are_asked_who_they_are(self, village: Town):
        answer = await village.api.put(f"{schedule_of(village)}/overrides/2031-12-24", {}, if_match=2)
        assert problem(answer) == (401, "unauthenticated")

    async def test_other_hours_on_a_date_under_the_schedules_tag(self, town: Town):
        hours = [{"from": "09:00", "to": "12:00"}]
        path = f"{schedule_of(town)}/overrides/2031-12-24"
        answer = await town.api.put(path, {"hours": hours}, town.owner, if_match=2)
        assert answer.json() == {"date": "2031-12-24", "hours": hours, "version": 3}
        assert answer.headers["etag"] == '"3"'
        closed = await town.api.put(path, {"hours": []}, town.owner, if_match=3)
        assert closed.json()["hours"] == []
        told = (await town.api.get(schedule_of(town), town.owner)).json()
        assert told["overrides"] == [{"date": "2031-12-24", "hours": []}]

    @pytest.mark.parametrize("date", ["2031-02-30", "tomorrow", "9999-12-31", "0001-01-01", "2031-1-1", "20310101"])
    async def test_a_date_that_is_none_is_refused(self, village: Town, date: str):
        answer = await village.api.put(
            f"{schedule_of(village)}/overrides/{date}", {"hours": []}, village.owner, if_match=2
        )
        assert pointers(answer) == ["/date"]

    async def test_hours_may_not_overlap(self, village: Town):
        hours = [{"from": "09:00", "to": "12:00"}, {"from": "11:00", "to": "13:00"}]
        path = f"{schedule_of(village)}/overrides/2031-12-24"
        assert pointers(await village.api.put(path, {"hours": hours}, village.owner, if_match=2)) == ["/hours"]


class TestDeleteOverride:
    async def test_anonymous_callers_are_asked_who_they_are(self, village: Town):
        answer = await village.api.delete(f"{schedule_of(village)}/overrides/2031-12-24", if_match=2)
        assert problem(answer) == (401, "unauthenticated")

    async def test_goes_back_to_the_weekly_hours(self, town: Town):
        path = f"{schedule_of(town)}/overrides/2031-12-24"
        assert problem(await town.api.delete(path, town.owner, if_match=2)) == (404, "not-found")
        await town.api.put(path, {"hours": []}, town.owner, if_match=2)
        answer = await town.api.delete(path, town.owner, if_match=3)
        assert (answer.status_code, answer.headers["etag"]) == (204, '"4"')
        assert (await town.api.get(schedule_of(town), town.owner)).json()["overrides"] == []


class TestCreateTimeOff:
    async def test_anonymous_callers_are_asked_who_they_are(self, village: Town):
        assert problem(await village.api.post(time_off_of(village), OFF)) == (401, "unauthenticated")

    async def test_answers_the_time_off_and_where_it_is(self, town: Town):
        answer = await town.api.post(time_off_of(town), OFF, town.owner)
        told = answer.json()
        assert (answer.status_code, told) == (201, {**OFF, "id": told["id"], "version": 3})
        assert answer.headers["etag"] == '"3"'
        assert answer.headers["location"] == f"{time_off_of(town)}/{told['id']}"
        assert (await town.api.get(answer.headers["location"], town.owner)).json() == told

    async def test_the_same_key_answers_the_same_bytes_again(self, town: Town):
        first = await town.api.post(time_off_of(town), OFF, town.owner, idempotency_key="k")
        await town.api.post(time_off_of(town), OFF, town.owner, idempotency_key="another")
        again = await town.api.post(time_off_of(town), OFF, town.owner, idempotency_key="k")
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["location"] == first.headers["location"]
        assert again.headers["idempotency-replayed"] == "true"

    async def test_nothing_is_offered_in_it(self, village: Town):
        off = {"start": village.at("09:00"), "end": village.at("12:00")}
        await village.api.post(time_off_of(village), off, village.owner)
        refused = await village.api.post("/v1/appointments", village.booking(), village.customer, idempotency_key="k")
        assert problem(refused) == (409, "outside-hours")

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"end": OFF["start"]}, "/end"),
            ({"end": "2031-07-01T00:00:00Z"}, "/end"),
            ({"start": "2031-08-01"}, "/start"),
            ({"end": "2200-08-01T00:00:00Z"}, "/end"),
            ({"reason": None}, "/reason"),
        ],
    )
    async def test_says_which_field_does_not_fit(self, village: Town, changes: dict[str, Any], pointer: str):
        assert pointers(await village.api.post(time_off_of(village), OFF | changes, village.owner)) == [pointer]


class TestListTimeOff:
    async def test_anonymous_callers_are_asked_who_they_are(self, village: Town):
        assert problem(await village.api.get(time_off_of(village))) == (401, "unauthenticated")

    async def test_comes_in_pages_the_earliest_first(self, town: Town):
        for day in (5, 1, 3):
            off = {"start": f"2031-08-0{day}T00:00:00Z", "end": f"2031-08-0{day}T12:00:00Z"}
            await town.api.post(time_off_of(town), off, town.owner)
        first = (await town.api.get(f"{time_off_of(town)}?limit=2", town.owner)).json()
        path = f"{time_off_of(town)}?limit=2&cursor={first['next']}"
        rest = (await town.api.get(path, town.owner)).json()
        starts = [item["start"] for item in first["items"] + rest["items"]]
        assert starts == [f"2031-08-0{day}T00:00:00Z" for day in (1, 3, 5)]
        assert rest["next"] is None


class TestGetTimeOff:
    async def test_anonymous_callers_are_asked_who_they_are(self, village: Town):
        assert problem(await village.api.get(f"{time_off_of(village)}/{new_id()}")) == (
            401,
            "unauthenticated",
        )

    async def test_what_is_not_there_is_not_found(self, town: Town):
        answer = await town.api.get(f"{time_off_of(town)}/{new_id()}", town.owner)
        assert problem(answer) == (404, "not-found")


class TestReplaceTimeOff:
    async def test_anonymous_callers_are_asked_who_they_are(self, village: Town):
        answer = await village.api.put(f"{time_off_of(village)}/{new_id()}", OFF, if_match=2)
        assert problem(answer) == (401, "unauthenticated")

    async def test_moves_it(self, town: Town):
        made = await town.api.post(time_off_of(town), OFF, town.owner)
        path = made.headers["location"]
        moved = await town.api.put(path, {**OFF, "end": "2031-08-20T00:00:00Z"}, town.owner, if_match=3)
        assert moved.json() == {**made.json(), "end": "2031-08-20T00:00:00Z", "version": 4}


class TestDeleteTimeOff:
    async def test_anonymous_callers_are_asked_who_they_are(self, village: Town):
        answer = await village.api.delete(f"{time_off_of(village)}/{new_id()}", if_match=2)
        assert problem(answer) == (401, "unauthenticated")

    async def test_opens_again(self, town: Town):
        path = (await town.api.post(time_off_of(town), OFF, town.owner)).headers["location"]
        assert (await town.api.delete(path, town.owner, if_match=3)).status_code == 204
        assert problem(await town.api.get(path, town.owner)) == (404, "not-found")
        assert problem(await town.api.delete(path, town.owner, if_match=4)) == (404, "not-found")


class TestOpeningHours:
    async def test_everybody_sees_when_a_provider_is_open_but_not_their_time_off(self, town: Town):
        path = f"/v1/providers/{town.provider_id}"
        off = {"start": town.at("12:00"), "end": town.at("13:00"), "reason": "Dentist"}
        assert (await town.api.post(f"{path}/time-off", off, town.owner)).status_code == 201
        closed = await town.api.put(f"{path}/schedule/overrides/{town.day()}", {"hours": []}, town.owner, if_match="*")
        assert closed.status_code == 200, closed.text
        shown = await town.api.get(f"{path}/opening-hours")
        schedule = (await town.api.get(f"{path}/schedule", town.owner)).json()
        assert shown.json() == {name: told for name, told in schedule.items() if name != "time_off"}
        assert shown.json()["overrides"] == [{"date": town.day(), "hours": []}]
        assert "Dentist" not in shown.text
        assert problem(await town.api.get(f"{path}/schedule"))[0] == 401

    async def test_who_has_retired_has_none(self, town: Town):
        path = f"/v1/providers/{town.provider_id}"
        assert (await town.api.delete(path, town.owner, if_match=1)).status_code < 300
        assert problem(await town.api.get(f"{path}/opening-hours")) == (404, "not-found")

    async def test_who_is_paused_has_none_until_they_resume(self, town: Town):
        path = f"/v1/providers/{town.provider_id}"
        assert (await town.api.post(f"{path}/pause", {}, town.owner, if_match=1)).status_code == 200
        assert problem(await town.api.get(f"{path}/opening-hours")) == (404, "not-found")
        assert (await town.api.post(f"{path}/resume", {}, town.owner, if_match=2)).status_code == 200
        assert (await town.api.get(f"{path}/opening-hours")).status_code == 200
