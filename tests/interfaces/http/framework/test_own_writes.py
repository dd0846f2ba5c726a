"""Callers read their own writes, whether or not they send Daybook-Position."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import httpx
import pytest

from domain.kernel import new_id
from interfaces.http.framework.ports import Ports
from projections.query import snapshot
from tests.interfaces.http.town import Town


async def read(town: Town, ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """The answer to a GET that is sent while the read models are behind, and catch up a moment later."""
    asked = asyncio.create_task(ask())
    await asyncio.sleep(0.05)
    await town.api.catch_up()
    return await asked


@pytest.fixture
async def followed(town: Town) -> Town:
    """The read models are up to date; from now on they follow when a test says so."""
    await town.api.catch_up()
    return town


class TestTheNextRead:
    async def test_of_an_appointment_shows_the_booking(self, followed: Town) -> None:
        booked = await followed.booked()
        path = f"/v1/appointments/{booked['id']}"
        answer = await read(followed, lambda: followed.api.ask("GET", path, followed.customer))
        assert answer.json().items() >= booked.items()

    async def test_of_a_list_shows_the_booking(self, followed: Town) -> None:
        booked = await followed.booked()
        answer = await read(followed, lambda: followed.api.ask("GET", "/v1/appointments", followed.customer))
        assert [each["id"] for each in answer.json()["items"]] == [booked["id"]]

    async def test_of_free_times_lacks_the_booked_one(self, followed: Town) -> None:
        booked = await followed.booked("09:00")
        query = f"service_id={followed.service_id}&from={followed.day()}&to={followed.day()}&tz=UTC"
        path = f"/v1/availability?{query}"
        answer = await read(followed, lambda: followed.api.ask("GET", path, followed.customer))
        assert booked["start"] not in [each["start"] for each in answer.json()["starts"]]

    async def test_of_a_search_shows_the_new_provider(self, followed: Town) -> None:
        made = await followed.api.post("/v1/providers", {"name": "Zoe", "timezone": "UTC"}, followed.owner)
        answer = await read(followed, lambda: followed.api.ask("GET", "/v1/providers?q=zoe", followed.owner))
        assert [each["id"] for each in answer.json()["items"]] == [made.json()["id"]]

    async def test_waits_for_the_later_of_two_positions(self, followed: Town) -> None:
        booked = await followed.booked()
        path, asked = f"/v1/appointments/{booked['id']}", {"daybook_position": "1"}
        answer = await read(followed, lambda: followed.api.ask("GET", path, followed.customer, **asked))
        assert answer.json().items() >= booked.items()


async def test_others_do_not_wait(followed: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    await followed.booked()
    monkeypatch.setattr(snapshot, "PATIENCE", 1e9)  # who waits, waits for ever
    query = f"service_id={followed.service_id}&from={followed.day()}&to={followed.day()}&tz=UTC"
    answer = await followed.api.ask("GET", f"/v1/availability?{query}", followed.stranger)
    assert answer.status_code == 200


async def test_an_answer_without_the_write_is_better_than_none(followed: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    booked = await followed.booked()
    monkeypatch.setattr(snapshot, "PATIENCE", 0.01)
    listed = await followed.api.ask("GET", "/v1/appointments", followed.customer)  # nobody reads on
    assert (listed.status_code, listed.json()["items"]) == (200, [])
    asked = listed.headers["daybook-position"]
    await followed.api.catch_up()
    again = await followed.api.ask("GET", "/v1/appointments", followed.customer, daybook_position=asked)
    assert [each["id"] for each in again.json()["items"]] == [booked["id"]]


async def test_a_position_that_the_log_lost_refuses_nobody(followed: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "PATIENCE", 0.01)
    ports: Ports = followed.api.ports
    assert isinstance(followed.customer.id, UUID)
    ports.writes.note(followed.customer.id, 10**9)  # as after a restore of an older backup
    assert (await followed.api.ask("GET", "/v1/appointments", followed.customer)).status_code == 200


async def test_a_refused_write_is_no_write(followed: Town) -> None:
    answer = await followed.api.post("/v1/appointments", {}, followed.customer, idempotency_key=str(new_id()))
    assert answer.status_code == 422
    assert followed.api.ports.writes.of(followed.customer.id) is None
