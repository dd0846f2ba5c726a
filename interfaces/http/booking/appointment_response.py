"""Appointments as JSON, from the aggregate or from the read model."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from application.catalog.currency import minor_digits
from domain.booking.appointment import Appointment
from domain.catalog.service_terms import DEFAULTS, POLICY
from interfaces.http.booking.appointment_schemas import (
    AppointmentMoveResponse,
    CancellationResponse,
    DeclinationResponse,
)
from interfaces.http.framework.fields import Shape, plain
from projections.read_models.agenda.listed import ListedAppointment

TEXTS = ("note", "answers", "external_id", "metadata")


def noted_response(appointment: Appointment) -> Mapping[str, Any]:
    """An appointment as JSON, for a caller who has just written its staff note."""
    return {**appointment_response(appointment), "staff_note": appointment.staff_note}


def _currency(currency: str) -> Mapping[str, Any]:
    return {"currency": currency, "currency_exponent": minor_digits(currency)}


def _orphaned(state: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**state, "at": plain(state["at"])}


def _place(provider_id: UUID, start: datetime, end: datetime) -> Mapping[str, Any]:
    return {"provider_id": provider_id, "start": plain(start), "end": plain(end)}


def appointment_response(appointment: Appointment | ListedAppointment) -> Mapping[str, Any]:
    """An appointment as JSON. Only a read model knows names, and whether the caller may see the staff note."""
    answer = {
        "id": appointment.id,
        "version": appointment.version,
        "status": appointment.status,
        "service_id": appointment.service_id,
        "provider_id": appointment.provider_id,
        "customer_id": appointment.customer_id,
        "start": plain(appointment.starts_at),
        "end": plain(appointment.ends_at),
        "timezone": appointment.timezone,
        "price": appointment.price,
        **_currency(appointment.currency),
        "policy": {name: appointment.policy.get(name, DEFAULTS.get(name)) for name in POLICY},
        "free_cancellation": appointment.free_cancellation,
        "overridden": appointment.overridden,
        **{name: getattr(appointment, name) for name in TEXTS},
        "created_at": plain(appointment.created_at),
        "updated_at": plain(appointment.updated_at),
        "expires_at": appointment.expires_at and plain(appointment.expires_at),
        "orphaned": appointment.orphan_state and _orphaned(appointment.orphan_state),
        "confirmed": appointment.confirmed_place and _place(**appointment.confirmed_place),
    }
    more = _listed(appointment) if isinstance(appointment, ListedAppointment) else {}
    return {**answer, **more, **_changes(appointment)}


def _listed(appointment: ListedAppointment) -> dict[str, Any]:
    """The names of what it is about, and what staff may see."""
    about = {
        "service": (appointment.service_id, appointment.service),
        "provider": (appointment.provider_id, appointment.provider),
        "customer": (appointment.customer_id, appointment.customer),
    }
    found = {name: {"id": id, **shown} for name, (id, shown) in about.items() if shown is not None}
    return found | ({"staff_note": appointment.staff_note} if appointment.for_staff else {})


def _changes(appointment: Appointment | ListedAppointment) -> dict[str, Any]:
    """How it was moved, cancelled or declined, if it was."""
    shapes: Mapping[str, type[Shape]] = {
        "rescheduled": AppointmentMoveResponse,
        "cancelled": CancellationResponse,
        "declined": DeclinationResponse,
    }
    happened = {name: getattr(appointment, name) for name in shapes}
    return {
        name: {**{field: what.get(field) for field in shapes[name].model_fields}, "at": plain(what["at"])}
        for name, what in happened.items()
        if what is not None
    }
