"""Appointments: book, move, cancel, and what becomes of them."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from application.booking.appointment import (
    BookAppointment,
    CancelAppointment,
    ChangeAppointment,
    MarkAppointment,
    RescheduleAppointment,
    book_appointment,
    cancel_appointment,
    change_appointment,
    reschedule_appointment,
)
from application.booking.approval import (
    DeclineAppointment,
    confirm_appointment,
    decline_appointment,
)
from application.booking.attendance import check_in_appointment, complete_appointment, miss_appointment, undo_no_show
from application.event_log import CommandResult, EventStore
from domain.booking.appointment import Appointment
from domain.errors import NotFound
from domain.kernel import new_id
from interfaces.http.booking.appointment_schemas import (
    AppointmentChange,
    AppointmentFilters,
    AppointmentPage,
    AppointmentShown,
    Booking,
    Cancelling,
    CancellingQuery,
    Declining,
    HistoryFilters,
    HistoryPage,
    Move,
    history_shown,
    shown,
)
from interfaces.http.booking.provider_ranking import wanted
from interfaces.http.framework.fields import Nothing
from interfaces.http.framework.paging import page, sealed
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import ended, listed, seen, written
from interfaces.http.framework.routing import Route
from projections.read_models import appointment, history
from projections.read_models.appointment import AppointmentFilter

router = APIRouter(prefix="/v1/appointments", tags=["appointments"], route_class=Route)


def location(appointment: Appointment) -> str:
    return f"/v1/appointments/{appointment.id}"


@router.post("", operation_id="book_appointment", status_code=201, response_model=AppointmentShown)
async def book(ask: RequestContext, body: Booking) -> Response:
    """Book an offered start."""
    command = BookAppointment(
        **await wanted(ask, body), id=new_id(), note=body.note, answers=body.answers, hold_id=body.hold_id
    )
    return written(await book_appointment(command, ask.ports.store), shown, location)


@router.get("", operation_id="list_appointments", response_model=AppointmentPage)
async def find(ask: RequestContext, filters: Annotated[AppointmentFilters, Query()]) -> Response:
    """List the appointments the caller may know of."""
    async with ask.look("agenda") as read:
        rows, bookmark = await appointment.find(
            read,
            page(ask, filters),
            AppointmentFilter(
                since=filters.from_,
                until=filters.to,
                status=filters.status,
                provider_id=filters.provider_id,
                customer_id=filters.customer_id,
                organization_id=filters.organization_id,
            ),
            owner=ask.owner,
        )
    return listed([shown(row) for row in rows], sealed(ask, filters, bookmark), read.position)


@router.get("/{appointment_id}", operation_id="get_appointment", response_model=AppointmentShown)
async def get(ask: RequestContext, appointment_id: UUID) -> Response:
    """Show an appointment."""
    async with ask.look("agenda") as read:
        row = await appointment.get(read, appointment_id, owner=ask.owner)
    if row is None:
        raise NotFound("appointment", appointment_id)
    return seen(ask.given, row.version, shown(row), read.position)


@router.patch("/{appointment_id}", operation_id="change_appointment", response_model=AppointmentShown)
async def change(ask: RequestContext, appointment_id: UUID, body: AppointmentChange) -> Response:
    """Change note or answers, while it has not ended."""
    command = ChangeAppointment(**ask.command(), appointment_id=appointment_id, note=body.note, answers=body.answers)
    return written(await change_appointment(command, ask.ports.store), shown)


@router.delete("/{appointment_id}", operation_id="delete_appointment", status_code=204)
async def delete(ask: RequestContext, appointment_id: UUID, said: Annotated[CancellingQuery, Query()]) -> Response:
    """Cancel an appointment."""
    command = CancelAppointment(**ask.command(), appointment_id=appointment_id, reason=said.reason)
    return ended(await cancel_appointment(command, ask.ports.store))


@router.post("/{appointment_id}/reschedule", operation_id="reschedule_appointment", response_model=AppointmentShown)
async def reschedule(ask: RequestContext, appointment_id: UUID, body: Move) -> Response:
    """Move to another offered start. The old time is kept until the new one is taken."""
    command = RescheduleAppointment(
        **ask.command(), appointment_id=appointment_id, start=body.start, provider_id=body.provider_id
    )
    return written(await reschedule_appointment(command, ask.ports.store), shown)


@router.post("/{appointment_id}/cancel", operation_id="cancel_appointment", response_model=AppointmentShown)
async def cancel(ask: RequestContext, appointment_id: UUID, body: Cancelling) -> Response:
    """Give the time back. Late is refused, or costs a fee, as the policy says."""
    command = CancelAppointment(**ask.command(), appointment_id=appointment_id, reason=body.reason)
    return written(await cancel_appointment(command, ask.ports.store), shown)


@router.post("/{appointment_id}/confirm", operation_id="confirm_appointment", response_model=AppointmentShown)
async def confirm(ask: RequestContext, appointment_id: UUID, body: Nothing) -> Response:  # noqa: ARG001
    """Book what a customer has asked for."""
    return await _mark(ask, appointment_id, confirm_appointment)


@router.post("/{appointment_id}/decline", operation_id="decline_appointment", response_model=AppointmentShown)
async def decline(ask: RequestContext, appointment_id: UUID, body: Declining) -> Response:
    """Refuse what a customer has asked for; its time is free again."""
    command = DeclineAppointment(**ask.command(), appointment_id=appointment_id, reason=body.reason)
    return written(await decline_appointment(command, ask.ports.store), shown)


@router.post("/{appointment_id}/check-in", operation_id="check_in_appointment", response_model=AppointmentShown)
async def check_in(ask: RequestContext, appointment_id: UUID, body: Nothing) -> Response:  # noqa: ARG001
    """The customer is here."""
    return await _mark(ask, appointment_id, check_in_appointment)


@router.post("/{appointment_id}/complete", operation_id="complete_appointment", response_model=AppointmentShown)
async def complete(ask: RequestContext, appointment_id: UUID, body: Nothing) -> Response:  # noqa: ARG001
    """It took place; not before its start."""
    return await _mark(ask, appointment_id, complete_appointment)


@router.post("/{appointment_id}/no-show", operation_id="miss_appointment", response_model=AppointmentShown)
async def no_show(ask: RequestContext, appointment_id: UUID, body: Nothing) -> Response:  # noqa: ARG001
    """The customer did not come; not before its start."""
    return await _mark(ask, appointment_id, miss_appointment)


@router.post("/{appointment_id}/undo-no-show", operation_id="undo_no_show", response_model=AppointmentShown)
async def undo(ask: RequestContext, appointment_id: UUID, body: Nothing) -> Response:  # noqa: ARG001
    """The customer came after all; within 24 hours of the mark."""
    return await _mark(ask, appointment_id, undo_no_show)


@router.get("/{appointment_id}/history", operation_id="get_history", response_model=HistoryPage)
async def get_history(
    ask: RequestContext, appointment_id: UUID, filters: Annotated[HistoryFilters, Query()]
) -> Response:
    """All that happened to an appointment, in order."""
    async with ask.look("agenda") as read:
        if await appointment.get(read, appointment_id, owner=ask.owner) is None:
            raise NotFound("appointment", appointment_id)
        items, bookmark = await history.of(read.connection, appointment_id, page(ask, filters), ask.ports.codec)
    return listed([history_shown(item) for item in items], sealed(ask, filters, bookmark), read.position)


_Marking = Callable[[MarkAppointment, EventStore], Awaitable[CommandResult[Appointment]]]


async def _mark(ask: RequestContext, appointment_id: UUID, mark: _Marking) -> Response:
    command = MarkAppointment(**ask.command(), appointment_id=appointment_id)
    return written(await mark(command, ask.ports.store), shown)
