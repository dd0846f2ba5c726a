"""Routes of appointments: book, reschedule, cancel, and record what became of them."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

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
from application.booking.attendance import check_in_appointment, complete_appointment, mark_no_show, undo_no_show
from application.event_log import CommandResult, EventStore
from domain.booking.appointment import Appointment
from domain.errors import NotFound
from domain.kernel import new_id
from interfaces.http.booking.appointment_filters import AppointmentFilters, wanted
from interfaces.http.booking.appointment_response import appointment_response, noted_response
from interfaces.http.booking.appointment_schemas import (
    AppointmentPage,
    AppointmentResponse,
    BookAppointmentBody,
    CancelAppointmentBody,
    CancelAppointmentQuery,
    ChangeAppointmentBody,
    DeclineAppointmentBody,
    RescheduleAppointmentBody,
    texts,
)
from interfaces.http.framework.fields import EmptyBody
from interfaces.http.framework.needs import IdempotencyKeys, Needs
from interfaces.http.framework.paging import next_cursor, page
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.request_errors import InvalidFields, field_error
from interfaces.http.framework.responses import command_response, empty_response, page_response, resource_response
from interfaces.http.framework.routing import Router
from projections.read_models import appointment

router = Router("/v1/appointments", "appointments")


def location(appointment: Appointment) -> str:
    return f"/v1/appointments/{appointment.id}"


@router.post(
    "", "book_appointment", AppointmentResponse, status=201, needs=Needs(keys=IdempotencyKeys.REQUIRED, expires=True)
)
async def book(request: RequestContext, body: BookAppointmentBody) -> Response:
    """Book an appointment. Without a provider, the one with the fewest appointments that week is booked."""
    command = BookAppointment(
        **request.command(),
        id=new_id(),
        service_id=body.service_id,
        start=_start(request, body),
        provider_id=body.provider_id,
        customer_id=body.customer_id,
        note=body.note,
        answers=body.answers,
        texts=texts(body),
        hold_id=body.hold_id,
        override=body.override.command if body.override else None,
    )
    queries = request.ports.booking
    return command_response(
        await queries.settled(command.id, book_appointment(command, request.ports.store, queries)),
        noted_response if "staff_note" in command.texts else appointment_response,
        location,
    )


def _start(request: RequestContext, body: BookAppointmentBody) -> datetime:
    """The start, or the next full minute for staff who set rules aside and name none."""
    start: datetime | None = body.start
    if start is not None:
        return start
    if body.override is None or request.caller.is_customer:
        raise InvalidFields([field_error(["start"], "Required, but for staff with an `override`.", "body")])
    now = request.ports.store.now()
    return now.replace(second=0, microsecond=0) + timedelta(minutes=1)


@router.get("", "list_appointments", AppointmentPage)
async def find(request: RequestContext, filters: Annotated[AppointmentFilters, Query()]) -> Response:
    """List the appointments that the caller may see."""
    async with request.snapshot("agenda") as read:
        rows, bookmark = await appointment.find(
            read,
            page(request, filters),
            wanted(filters),
            order=filters.sort,
            owner=request.owner,
        )
    return page_response(
        [appointment_response(row) for row in rows], next_cursor(request, filters, bookmark), read.position
    )


@router.get("/{appointment_id}", "get_appointment", AppointmentResponse)
async def get(request: RequestContext, appointment_id: UUID) -> Response:
    """Get an appointment."""
    async with request.snapshot("agenda") as read:
        row = await appointment.get(read, appointment_id, owner=request.owner)
    if row is None:
        raise NotFound("appointment", appointment_id)
    request.shows(row.customer_id)
    return resource_response(request.sent, row.version, appointment_response(row), read.position)


@router.patch("/{appointment_id}", "change_appointment", AppointmentResponse)
async def change(request: RequestContext, appointment_id: UUID, body: ChangeAppointmentBody) -> Response:
    """Change the texts of an appointment. Once it has ended, note and answers stay as they are."""
    command = ChangeAppointment(
        **request.command(), appointment_id=appointment_id, note=body.note, answers=body.answers, texts=texts(body)
    )
    to_body = noted_response if "staff_note" in command.texts else appointment_response
    return command_response(await change_appointment(command, request.ports.store), to_body)


@router.delete("/{appointment_id}", "delete_appointment")
async def delete(
    request: RequestContext, appointment_id: UUID, query: Annotated[CancelAppointmentQuery, Query()]
) -> Response:
    """Cancel an appointment. The same as POST `/cancel`."""
    command = CancelAppointment(**request.command(), appointment_id=appointment_id, **query.model_dump())
    return empty_response(await cancel_appointment(command, request.ports.store))


@router.post("/{appointment_id}/reschedule", "reschedule_appointment", AppointmentResponse, needs=Needs(version=True))
async def reschedule(request: RequestContext, appointment_id: UUID, body: RescheduleAppointmentBody) -> Response:
    """Reschedule an appointment to another free start. The old time is kept until the new one is taken."""
    command = RescheduleAppointment(
        **request.command(),
        appointment_id=appointment_id,
        start=body.start,
        provider_id=body.provider_id,
        override=body.override.command if body.override else None,
        reason=body.reason,
    )
    return command_response(await reschedule_appointment(command, request.ports.store), appointment_response)


@router.post("/{appointment_id}/cancel", "cancel_appointment", AppointmentResponse, needs=Needs(version=True))
async def cancel(request: RequestContext, appointment_id: UUID, body: CancelAppointmentBody) -> Response:
    """Cancel an appointment. A late cancellation is refused or costs a fee, as the policy says."""
    command = CancelAppointment(**request.command(), appointment_id=appointment_id, **body.model_dump())
    return command_response(await cancel_appointment(command, request.ports.store), appointment_response)


@router.post(
    "/{appointment_id}/confirm", "confirm_appointment", AppointmentResponse, needs=Needs(version=True, expires=True)
)
async def confirm(request: RequestContext, appointment_id: UUID, body: EmptyBody) -> Response:  # noqa: ARG001
    """Confirm a requested appointment."""
    return await _mark(request, appointment_id, confirm_appointment)


@router.post(
    "/{appointment_id}/decline", "decline_appointment", AppointmentResponse, needs=Needs(version=True, expires=True)
)
async def decline(request: RequestContext, appointment_id: UUID, body: DeclineAppointmentBody) -> Response:
    """Decline a requested appointment. Its time is free again."""
    command = DeclineAppointment(**request.command(), appointment_id=appointment_id, **body.model_dump())
    return command_response(await decline_appointment(command, request.ports.store), appointment_response)


@router.post("/{appointment_id}/check-in", "check_in_appointment", AppointmentResponse, needs=Needs(version=True))
async def check_in(request: RequestContext, appointment_id: UUID, body: EmptyBody) -> Response:  # noqa: ARG001
    """Check the customer in."""
    return await _mark(request, appointment_id, check_in_appointment)


@router.post("/{appointment_id}/complete", "complete_appointment", AppointmentResponse, needs=Needs(version=True))
async def complete(request: RequestContext, appointment_id: UUID, body: EmptyBody) -> Response:  # noqa: ARG001
    """Complete an appointment. Not before its start."""
    return await _mark(request, appointment_id, complete_appointment)


@router.post("/{appointment_id}/no-show", "mark_no_show", AppointmentResponse, needs=Needs(version=True))
async def no_show(request: RequestContext, appointment_id: UUID, body: EmptyBody) -> Response:  # noqa: ARG001
    """Mark an appointment as a no-show. Not before its start."""
    return await _mark(request, appointment_id, mark_no_show)


@router.post("/{appointment_id}/undo-no-show", "undo_no_show", AppointmentResponse, needs=Needs(version=True))
async def undo(request: RequestContext, appointment_id: UUID, body: EmptyBody) -> Response:  # noqa: ARG001
    """Undo a no-show. Within 24 hours of the mark."""
    return await _mark(request, appointment_id, undo_no_show)


_Marking = Callable[[MarkAppointment, EventStore], Awaitable[CommandResult[Appointment]]]


async def _mark(request: RequestContext, appointment_id: UUID, mark: _Marking) -> Response:
    command = MarkAppointment(**request.command(), appointment_id=appointment_id)
    return command_response(await mark(command, request.ports.store), appointment_response)
