"""Health over HTTP."""

from collections.abc import Mapping
from typing import Any

from tests.interfaces.http.town import Api


async def _well() -> Mapping[str, Any]:
    return {"version": "0001"}


async def _unwell() -> Mapping[str, Any]:
    raise ConnectionError("the password is hunter2")


class TestLive:
    async def test_a_process_that_answers_is_alive_whatever_it_can_reach(self, door: Api):
        door.ports.health.vital = {"database": _unwell}
        answer = await door.get("/health/live")
        assert (answer.status_code, answer.json()) == (200, {"status": "live"})


class TestReady:
    async def test_tells_of_each_part(self, door: Api):
        door.ports.health.vital, door.ports.health.useful = {"database": _well}, {"redis": _well}
        answer = await door.get("/health/ready")
        part = {"ok": True, "version": "0001"}
        told = {"status": "ready", "checks": {"database": part, "redis": part}}
        assert (answer.status_code, answer.json()) == (200, told)

    async def test_without_its_database_it_is_not_ready_and_gives_nothing_away(self, door: Api):
        door.ports.health.vital = {"database": _unwell}
        answer = await door.get("/health/ready")
        part = {"ok": False, "error": "ConnectionError"}
        assert (answer.status_code, answer.json()) == (
            503,
            {"status": "unavailable", "checks": {"database": part}},
        )
        assert answer.headers["retry-after"] == "1"

    async def test_without_redis_it_is_degraded_and_ready(self, door: Api):
        door.ports.health.vital, door.ports.health.useful = {"database": _well}, {"redis": _unwell}
        answer = await door.get("/health/ready")
        assert (answer.status_code, answer.json()["status"]) == (200, "degraded")

    async def test_a_process_that_is_ending_is_not_ready(self, door: Api):
        door.ports.health.draining = True
        answer = await door.get("/health/ready")
        assert (answer.status_code, answer.json()["status"]) == (503, "draining")
