"""The demo town, whose events happened before they were recorded: the past answers by when Daybook knew."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from interfaces.demo.places import SHOPS
from interfaces.demo.town import seed
from tests.conftest import Database
from tests.interfaces.http.audit.test_past import AUDITOR
from tests.interfaces.http.town import Api, problem
from tests.support.instances import ask

BOOKED = """
    SELECT originator_id, notification_id, since - 1, upto FROM log.stored_events
    JOIN log.seal ON notification_id BETWEEN since AND upto
    WHERE topic LIKE 'Appointment.Booked%' AND originator_version = 1 ORDER BY notification_id"""


class Booked(NamedTuple):
    """An appointment of the town, as it was right after its first event. `at`: the position of that.

    `before`, `after`: the positions around the batch that recorded it.
    """

    id: UUID
    at: int
    before: int
    after: int
    told: dict[str, Any]
    event: dict[str, Any]


async def get(api: Api, path: str) -> dict[str, Any]:
    answer = await api.ask("GET", path, AUDITOR)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def why(api: Api, booked: Booked, at: str) -> dict[str, Any]:
    return await get(api, f"{asked(booked)}&at={at}")


def asked(booked: Booked) -> str:
    wanted = {name: booked.told["state"][name] for name in ("service_id", "provider_id", "start")}
    return "/v1/availability/why?" + "&".join(f"{name}={value}" for name, value in wanted.items())


@pytest.fixture
async def booked(api: Api, database: Database, monkeypatch: pytest.MonkeyPatch) -> list[Booked]:
    """Of a town of one shop and a few people, some appointments from all of its time."""
    monkeypatch.setattr("interfaces.demo.shop.SHOPS", SHOPS[:1])
    for place in ("customer", "town"):
        monkeypatch.setattr(f"interfaces.demo.{place}.PEOPLE", 8)
    await seed(api.ports.store, progress=lambda *_: None, now=api.ports.store.now())
    rows = ask(database.owner, BOOKED)
    found = []
    for id, position, before, after in rows[:: max(1, len(rows) // 12)]:
        told = await get(api, f"/v1/audit/streams/{id}?at=0.{position}")
        history = await get(api, f"/v1/audit/streams/{id}/history")
        found.append(Booked(id, position, before, after, told, history["items"][0]))
    return found


async def test_both_times_are_shown_where_they_differ(api: Api, booked: list[Booked]) -> None:
    now = api.ports.store.now()
    for each in booked:
        recorded, happened = (datetime.fromisoformat(each.event[name]) for name in ("at", "occurred_at"))
        assert happened < recorded <= now + timedelta(seconds=1)
        assert each.event["position"] == each.told["position"] == f"0.{each.at}"
        assert each.told["at"] == each.event["at"], "the state says when it was recorded"
        assert datetime.fromisoformat(each.told["state"]["created_at"]) == happened.replace(microsecond=0)
    ages = [now - datetime.fromisoformat(each.event["occurred_at"]) for each in booked]
    assert max(ages) > timedelta(days=20)


async def test_an_instant_means_what_had_been_recorded_by_then(api: Api, booked: list[Booked]) -> None:
    """When it happened, Daybook did not know of it, nor of the service; the position knows both."""
    for each in booked[:3]:
        happened = each.event["occurred_at"]
        assert problem(await api.ask("GET", f"/v1/audit/streams/{each.id}?at={happened}", AUDITOR))[0] == 404
        assert problem(await api.ask("GET", f"{asked(each)}&at={happened}", AUDITOR))[0] == 404
        by_time = await why(api, each, each.event["at"])
        assert by_time["at"] == each.event["at"]


async def test_a_start_is_taken_from_its_booking_on(api: Api, booked: list[Booked]) -> None:
    past = 0
    for each in booked:
        before, after = [await why(api, each, f"0.{position}") for position in (each.before, each.after)]
        assert str(each.id) not in before["taken_by"]
        full = after["rules"][-1:] and after["rules"][-1] in {"taken", "full"}
        assert not full or str(each.id) in after["taken_by"]
        assert len(after["rules"]) >= len(before["rules"])
        start = datetime.fromisoformat(each.told["state"]["start"])
        assert (after["rules"][:1] == ["past"]) is (start < datetime.fromisoformat(after["as_of"]))
        past += after["rules"][:1] == ["past"]
    assert past > 0
    taken = [str(each.id) in (await why(api, each, f"0.{each.after}"))["taken_by"] for each in booked]
    assert any(taken)
