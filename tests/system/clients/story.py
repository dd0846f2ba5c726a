"""A customer's story, played with the client that openapi-python-client generates: story.py API OWNER CUSTOMER."""

import sys
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import uuid4

from daybook_client import AuthenticatedClient
from daybook_client.api.appointments import (
    book_appointment,
    cancel_appointment,
    get_appointment,
    get_appointment_history,
    reschedule_appointment,
)
from daybook_client.api.availability import find_starts
from daybook_client.api.holds import get_hold, place_hold
from daybook_client.api.providers import create_provider
from daybook_client.api.schedules import get_schedule, replace_schedule
from daybook_client.api.services import create_service, list_services
from daybook_client.models.appointment import Appointment
from daybook_client.models.appointment_status import AppointmentStatus
from daybook_client.models.book_appointment import BookAppointment
from daybook_client.models.cancel_appointment import CancelAppointment
from daybook_client.models.cancellation import Cancellation
from daybook_client.models.create_provider import CreateProvider
from daybook_client.models.create_service import CreateService
from daybook_client.models.history_page import HistoryPage
from daybook_client.models.hold import Hold
from daybook_client.models.hold_status import HoldStatus
from daybook_client.models.place_hold import PlaceHold
from daybook_client.models.problem import Problem
from daybook_client.models.provider import Provider
from daybook_client.models.replace_schedule import ReplaceSchedule
from daybook_client.models.reschedule_appointment import RescheduleAppointment
from daybook_client.models.schedule import Schedule
from daybook_client.models.service import Service
from daybook_client.models.service_page import ServicePage
from daybook_client.models.starts import Starts
from daybook_client.models.weekday import Weekday
from daybook_client.models.weekly_window import WeeklyWindow
from daybook_client.types import Response

T = TypeVar("T")


def got(kind: type[T], response: Response[T | Problem]) -> tuple[T, str, str]:
    """The answer, its version and its position; fails for a problem."""
    parsed = response.parsed
    assert isinstance(parsed, kind), parsed
    return parsed, response.headers.get("etag", ""), response.headers["daybook-position"]


def open_shop(owner: AuthenticatedClient, name: str) -> str:
    """A provider with hours and a service; the position of the last write."""
    profile = CreateProvider(name="Ada", timezone="Europe/Paris")
    provider, _, at = got(Provider, create_provider.sync_detailed(client=owner, body=profile))
    _, version, _ = got(Schedule, get_schedule.sync_detailed(provider.id, client=owner, daybook_position=at))
    weekly = [WeeklyWindow(day=day, from_="09:00", to="17:00") for day in Weekday]
    hours = ReplaceSchedule(timezone="Europe/Paris", weekly=weekly)
    got(Schedule, replace_schedule.sync_detailed(provider.id, client=owner, body=hours, if_match=version))
    terms = CreateService(name=name, duration=30, currency="EUR", price=3500, provider_id=provider.id)
    _, _, position = got(Service, create_service.sync_detailed(client=owner, body=terms))
    return position


def visit(customer: AuthenticatedClient, name: str, at: str) -> None:
    """Search by name, hold, book, move, cancel, and read back."""
    found, _, _ = got(ServicePage, list_services.sync_detailed(client=customer, q=name, daybook_position=at))
    (service,) = found.items
    first = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    span = find_starts.sync_detailed(
        client=customer, service_id=service.id, from_=first, to=first + timedelta(days=2), daybook_position=at
    )
    starts, _, _ = got(Starts, span)
    one, other = starts.starts[0], starts.starts[1]

    wish = PlaceHold(service_id=service.id, start=one.start)
    hold, _, _ = got(Hold, place_hold.sync_detailed(client=customer, body=wish, idempotency_key=str(uuid4())))
    held, _, _ = got(Hold, get_hold.sync_detailed(hold.id, client=customer))
    assert held.status is HoldStatus.HELD
    booking = BookAppointment(service_id=service.id, start=one.start, hold_id=hold.id, note="By the window, please.")
    booked, version, _ = got(
        Appointment, book_appointment.sync_detailed(client=customer, body=booking, idempotency_key=str(uuid4()))
    )
    assert booked.status is AppointmentStatus.BOOKED
    move = RescheduleAppointment(start=other.start)
    moved, version, _ = got(
        Appointment, reschedule_appointment.sync_detailed(booked.id, client=customer, body=move, if_match=version)
    )
    assert moved.start == other.start
    cancel = CancelAppointment(reason="Ill.")
    _, version, at = got(
        Appointment, cancel_appointment.sync_detailed(booked.id, client=customer, body=cancel, if_match=version)
    )
    read, etag, _ = got(Appointment, get_appointment.sync_detailed(booked.id, client=customer, daybook_position=at))
    assert (read.status, etag) == (AppointmentStatus.CANCELLED, version)
    assert isinstance(read.cancelled, Cancellation)
    assert read.cancelled.reason == "Ill."
    history, _, _ = got(
        HistoryPage, get_appointment_history.sync_detailed(booked.id, client=customer, daybook_position=at)
    )
    assert [event.type_.partition(".")[2] for event in history.items] == ["Booked", "Rescheduled", "Cancelled"]


def main(api: str, owner: str, customer: str) -> None:
    name = f"Haircut {uuid4().hex}"
    at = open_shop(AuthenticatedClient(api, owner), name)
    visit(AuthenticatedClient(api, customer), name, at)


if __name__ == "__main__":
    main(*sys.argv[1:])
