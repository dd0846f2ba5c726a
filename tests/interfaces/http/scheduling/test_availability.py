"""Availability over HTTP."""

from typing import Any

import pytest

from domain.kernel import new_id
from domain.log_position import position_of
from tests.interfaces.http.town import Town, pointers, problem

URL = "/v1/availability"
NOBODY = "00000000-0000-4000-8000-000000000000"


def asked(town: Town, **parameters: Any) -> str:
    """The query for the town's service, with these changes; None leaves one out."""
    given = {"service_id": town.service_id, "from": town.day(), "to": town.day(), "tz": "UTC"} | parameters
    return "&".join(f"{name.rstrip('_')}={value}" for name, value in given.items() if value is not None)


class TestFindStarts:
    async def test_anybody_may_look(self, town: Town):
        answer = await town.api.get(f"{URL}?{asked(town)}")
        told = answer.json()
        assert answer.status_code == 200
        assert len(told["starts"]) == 16
        first = {"start": town.at("09:00"), "end": town.at("09:30"), "provider_id": town.provider_id}
        assert told["starts"][0] == {**first, "seats_left": 1}
        assert told["timezone"] == "UTC"
        assert answer.headers["daybook-position"] == told["position"]
        assert told["as_of"].endswith("Z")

    async def test_what_is_booked_is_not_free(self, town: Town):
        made = await town.booked("09:00")
        told = (await town.api.get(f"{URL}?{asked(town)}")).json()
        assert made["start"] not in [each["start"] for each in told["starts"]]

    async def test_waits_for_the_position_of_a_booking(self, town: Town):
        made = await town.api.post("/v1/appointments", town.booking(), town.customer, idempotency_key="k")
        position = made.headers["daybook-position"]
        answer = await town.api.get(f"{URL}?{asked(town)}", daybook_position=position)
        assert position_of(answer.json()["position"]) >= position_of(position)
        assert len(answer.json()["starts"]) == 15

    async def test_instants_are_half_open_and_need_no_zone(self, town: Town):
        span = {"from": town.at("09:00"), "to": town.at("10:00"), "tz": None}
        told = (await town.api.get(f"{URL}?{asked(town, **span)}")).json()
        assert [each["start"] for each in told["starts"]] == [town.at("09:00"), town.at("09:30")]

    async def test_dates_are_read_in_the_zone(self, town: Town):
        told = (await town.api.get(f"{URL}?{asked(town, tz='Pacific/Kiritimati')}")).json()  # UTC+14
        assert told["starts"][0]["start"] == town.at("10:00", day=-1)
        assert told["timezone"] == "Pacific/Kiritimati"

    async def test_a_service_that_is_not_there_is_not_found(self, town: Town):
        answer = await town.api.get(f"{URL}?{asked(town, service_id=new_id())}")
        assert problem(answer) == (404, "not-found")

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"service_id": None}, "/service_id"),
            ({"service_id": "x"}, "/service_id"),
            ({"from": None}, "/from"),
            ({"from": "x"}, "/from"),
            ({"from": "2030-02-30"}, "/from"),
            ({"from": "9999-12-31"}, "/from"),
            ({"from": "0001-01-01"}, "/from"),
            ({"to": "2030-01-01T00:00:00"}, "/to"),
            ({"to": "2030-01-01T00:00:00Z"}, "/to"),
            ({"tz": None}, "/tz"),
            ({"tz": "Nowhere"}, "/tz"),
            ({"tz": "%00"}, "/tz"),
            ({"from": "2030-01-02", "to": "2030-01-01"}, "/to"),
            ({"from": "2030-01-01", "to": "2030-03-04"}, "/to"),
            ({"from": "2030-01-01T00:00:00Z", "to": "2030-03-04T00:00:01Z", "tz": None}, "/to"),
            ({"limit": "1"}, "/limit"),
        ],
    )
    async def test_says_which_parameter_does_not_fit(self, village: Town, changes: dict[str, Any], pointer: str):
        assert pointers(await village.api.get(f"{URL}?{asked(village, **changes)}")) == [pointer]

    async def test_62_days_are_not_too_many(self, town: Town):
        span = {"from": "2030-01-01", "to": "2030-03-03"}
        assert (await town.api.get(f"{URL}?{asked(town, **span)}")).status_code == 200

    @pytest.mark.parametrize("edge", ["1970-01-01", "2199-12-31"])
    @pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT%2B12"])
    async def test_the_ends_of_time_are_empty_not_an_error(self, town: Town, edge: str, zone: str):
        answer = await town.api.get(f"{URL}?{asked(town, **{'from': edge, 'to': edge, 'tz': zone})}")
        assert answer.status_code == 200


class TestFindEarliest:
    async def test_anybody_may_look(self, town: Town):
        told = (await town.api.get(f"{URL}/earliest?service_id={town.service_id}&limit=3")).json()
        assert len(told["starts"]) == 3
        assert {each["service_id"] for each in told["starts"]} == {town.service_id}

    async def test_finds_by_tag(self, town: Town):
        beard = await town.a_service(tags=["beard"])
        told = (await town.api.get(f"{URL}/earliest?tag=beard&limit=1")).json()
        assert [each["service_id"] for each in told["starts"]] == [beard["id"]]
        assert (await town.api.get(f"{URL}/earliest?tag=nobody")).json()["starts"] == []

    @pytest.mark.parametrize("query", ["", "limit=0", "tag=A", f"tag=a&service_id={NOBODY}"])
    async def test_needs_a_service_or_a_tag(self, village: Town, query: str):
        assert problem(await village.api.get(f"{URL}/earliest?{query}"))[0] == 422

    async def test_a_service_that_is_not_there_is_not_found(self, town: Town):
        assert problem(await town.api.get(f"{URL}/earliest?service_id={new_id()}")) == (404, "not-found")


class TestWhyNot:
    async def test_anybody_may_ask(self, town: Town):
        query = f"service_id={town.service_id}&provider_id={town.provider_id}"
        told = (await town.api.get(f"{URL}/why?{query}&start={town.at('09:00')}")).json()
        assert told == {**told, "offered": True, "rule": None}

    async def test_names_the_rule(self, town: Town):
        await town.booked("09:00")
        starts = ("09:00", "taken"), ("09:10", "grid"), ("17:00", "closed")
        for clock, rule in starts:
            path = f"{URL}/why?service_id={town.service_id}&start={town.at(clock)}"
            told = (await town.api.get(path)).json()
            assert (told["offered"], told["rule"]) == (False, rule)
            assert told["detail"]

    @pytest.mark.parametrize("start", ["2030-01-01", "now", "9999-12-31T00:00:00Z", "%00"])
    async def test_a_start_is_an_instant(self, village: Town, start: str):
        answer = await village.api.get(f"{URL}/why?service_id={village.service_id}&start={start}")
        assert pointers(answer) == ["/start"]
