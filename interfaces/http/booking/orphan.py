"""Routes of appointments that lie outside the opening hours since these have changed."""

from uuid import UUID

from fastapi import Response

from application.booking.appointment import MarkAppointment
from application.orphans.settlement import ask_to_rebook, keep_appointment
from interfaces.http.booking.appointment_response import appointment_response
from interfaces.http.booking.appointment_schemas import AppointmentResponse
from interfaces.http.framework.fields import EmptyBody
from interfaces.http.framework.needs import Needs
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import command_response
from interfaces.http.framework.routing import Router

router = Router("/v1/appointments/{appointment_id}", "appointments")


@router.post("/keep", "keep_appointment", AppointmentResponse, needs=Needs(version=True))
async def keep(request: RequestContext, appointment_id: UUID, body: EmptyBody) -> Response:  # noqa: ARG001
    """Keep an appointment that lies outside the opening hours since these have changed."""
    command = MarkAppointment(**request.command(), appointment_id=appointment_id)
    return command_response(await keep_appointment(command, request.ports.store), appointment_response)


@router.post("/ask-to-rebook", "ask_to_rebook", AppointmentResponse, needs=Needs(version=True))
async def rebook(request: RequestContext, appointment_id: UUID, body: EmptyBody) -> Response:  # noqa: ARG001
    """Ask the customer to choose another time. Until the start, moving or cancelling it costs nothing."""
    command = MarkAppointment(**request.command(), appointment_id=appointment_id)
    return command_response(await ask_to_rebook(command, request.ports.store), appointment_response)
