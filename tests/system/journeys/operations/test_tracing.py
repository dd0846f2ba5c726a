"""A request and all that follows from it are found by one id, and no span is about a person."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from tests.infrastructure.observability.spans import SentSpan, SpanCollector
from tests.support.instances import Instance, a_folder, within
from tests.support.waiting import PATIENCE
from tests.system.journeys.town import Town, at, good

NOTE = "Allergic to lavender oil"
CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def linked(spans: Sequence[SentSpan], name: str, request_id: str) -> list[SentSpan]:
    """The spans with this beginning of a name that link to a request."""
    return [each for each in spans if each.name.startswith(name) and request_id in each.links]


@pytest.mark.timeout(900)
async def test_what_follows_from_a_request_links_to_its_trace() -> None:
    with SpanCollector() as collector, a_folder() as folder:
        env = {"TRACING_URL": collector.url, "LOG_LEVEL": "INFO"}
        with Instance.start(folder, apis=1, workers=1, env=env) as instance:
            async with Town(instance) as town:
                shop = await town.a_shop()
                booked = await town.somebody().book(shop, at("09:00"), note=NOTE)
                good(booked, 201)
                refused = await town.somebody().ask("GET", "/v1/appointments/x", traceparent=CALLER)
                assert refused.status_code in {404, 422}
            id = booked.headers["x-request-id"]
            within(PATIENCE, lambda: linked(collector.spans, "job ", id) and linked(collector.spans, "project", id))
            instance.process.stop()
            said = instance.process.said
        spans = collector.spans

    (request,) = [each for each in spans if each.trace_id == id and each.name == "book_appointment"]
    assert request.facts == {"http.request.method": "POST", "http.response.status_code": 201}
    assert request.resource["daybook.role"] == "api"
    (append,) = linked(spans, "append", id)
    assert append.facts["commands"] >= 1
    assert {each.resource["daybook.role"] for each in linked(spans, "project", id)} == {"projector"}
    assert {each.resource["daybook.role"] for each in linked(spans, "job ", id)} == {"worker"}
    (called,) = linked(spans, "", CALLER.split("-")[1])
    assert called.trace_id == refused.headers["x-request-id"]
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    (line,) = [each for each in lines if each.get("event") == "request" and each.get("request_id") == id]
    assert line["operation"] == "book_appointment"
    assert line["trace_id"] == id
    assert NOTE.encode() not in b"".join(collector.bodies)


async def test_without_the_setting_there_is_no_trace() -> None:
    with a_folder() as folder, Instance.start(folder, apis=1) as instance:
        async with Town(instance) as town:
            good(await town.somebody().ask("GET", "/v1/services"))
        assert "trace_id" not in instance.process.said
