"""The messages that webhooks receive are the ones that the OpenAPI document describes."""

import json
from datetime import UTC, datetime
from typing import Any

import jsonschema_rs
import pytest

from application.catalog.provider import ChangeProvider, change_provider
from application.scheduling.schedule import ReplaceSchedule, replace_schedule
from application.webhooks.payload import WebhookEvent, payload
from domain.booking.appointment import Appointment
from domain.booking.appointment_status import AppointmentStatus
from domain.catalog.catalog_status import CatalogStatus
from domain.catalog.provider import Provider
from domain.kernel import Aggregate
from domain.webhooks.webhook import TYPES
from infrastructure.event_log.event_store import EventStore
from infrastructure.event_log.memory_journal import MemoryJournal
from tests.interfaces.http.openapi.committed import DOCUMENT
from tests.support.builders import a_booked_appointment, an_open_week
from tests.support.sealed import MASTERS

AT = datetime(2030, 1, 7, 9, tzinfo=UTC)


@pytest.fixture
async def subjects() -> dict[str, Aggregate]:
    """By the first part of the type."""
    store = EventStore(MemoryJournal(), MASTERS)
    week = await an_open_week(store)
    appointment = await a_booked_appointment(store, week)
    opening = ReplaceSchedule(by=week.owner, calendar_id=week.provider_id, timezone="UTC", weekly={})
    schedule = (await replace_schedule(opening, store)).aggregate
    change = ChangeProvider(by=week.owner, provider_id=week.provider_id, profile={"bio": "Cuts hair."})
    provider = (await change_provider(change, store)).aggregate
    return {"appointment": appointment, "schedule": schedule, "provider": provider}


def described(kind: str) -> jsonschema_rs.Validator:
    content = DOCUMENT["webhooks"][kind]["post"]["requestBody"]["content"]["application/json"]
    return jsonschema_rs.validator_for(
        {**content["schema"], "components": DOCUMENT["components"]}, validate_formats=True
    )


@pytest.mark.parametrize("kind", TYPES)
def test_a_message_is_as_described(kind: str, subjects: dict[str, Aggregate]) -> None:
    message: Any = json.loads(payload(WebhookEvent(7, kind, AT, subjects[kind.partition(".")[0]])))
    described(kind).validate(message)
    with pytest.raises(jsonschema_rs.ValidationError):
        described(kind).validate({**message, "data": {**message["data"], "note": "personal"}})


@pytest.mark.parametrize("status", [*CatalogStatus])
def test_a_message_about_a_provider_of_any_status_is_as_described(
    status: CatalogStatus, subjects: dict[str, Aggregate]
) -> None:
    provider = subjects["provider"]
    assert isinstance(provider, Provider)
    provider.status = status
    described("provider.changed").validate(json.loads(payload(WebhookEvent(7, "provider.changed", AT, provider))))


@pytest.mark.parametrize("status", [*AppointmentStatus])
def test_a_message_about_an_appointment_of_any_status_is_as_described(
    status: AppointmentStatus, subjects: dict[str, Aggregate]
) -> None:
    appointment = subjects["appointment"]
    assert isinstance(appointment, Appointment)
    appointment.status = status
    message = payload(WebhookEvent(7, "appointment.booked", AT, appointment))
    described("appointment.booked").validate(json.loads(message))
