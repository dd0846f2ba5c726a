"""The page of an appointment: its customer sees, moves and cancels it; the provider's owner answers a request."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from starlette.routing import BaseRoute

from application.access import LinkPurpose
from application.booking.appointment import CancelAppointment, MarkAppointment, cancel_appointment
from application.booking.approval import DeclineAppointment, confirm_appointment, decline_appointment
from application.booking.customer_options import customer_options
from application.current_state import current_state
from application.event_log import CommandResult
from application.notifications.appointment_details import visit_of
from application.notifications.link_holder import LinkHolder
from application.notifications.recipient import customer_of
from domain.booking.appointment import Appointment
from domain.booking.appointment_status import ENDED, AppointmentStatus
from domain.catalog.provider import Provider
from domain.errors import Invalid, NotFound, Refusal
from interfaces.http.booking.appointment_schemas import DeclineAppointmentBody
from interfaces.http.pages.page import PageRequest, PageView, page, refused

PATH = "/appointments/{id:uuid}"
Run = Callable[[], Awaitable[CommandResult[Appointment]]]


async def show(asked: PageRequest) -> PageView:
    holder = await asked.holder(LinkPurpose.APPOINTMENT, LinkPurpose.STAFF)
    asked.may(holder, "get_appointment")
    return await view_of(asked, holder)


async def cancel(asked: PageRequest) -> PageView:
    holder = await asked.holder(LinkPurpose.APPOINTMENT)
    reason = await _reason(asked, holder)
    command = CancelAppointment(
        **asked.command(holder, "cancel_appointment"), appointment_id=asked.subject, reason=reason
    )
    return await answered(asked, holder, lambda: cancel_appointment(command, asked.ports.store), "cancelled")


async def confirm(asked: PageRequest) -> PageView:
    holder = await asked.holder(LinkPurpose.STAFF)
    command = MarkAppointment(**asked.command(holder, "confirm_appointment"), appointment_id=asked.subject)
    return await answered(asked, holder, lambda: confirm_appointment(command, asked.ports.store), "confirmed")


async def decline(asked: PageRequest) -> PageView:
    holder = await asked.holder(LinkPurpose.STAFF)
    reason = await _reason(asked, holder)
    command = DeclineAppointment(
        **asked.command(holder, "decline_appointment"), appointment_id=asked.subject, reason=reason
    )
    return await answered(asked, holder, lambda: decline_appointment(command, asked.ports.store), "declined")


ROUTES: Sequence[BaseRoute] = (
    page("GET", PATH, show),
    page("POST", PATH + "/cancel", cancel),
    page("POST", PATH + "/confirm", confirm),
    page("POST", PATH + "/decline", decline),
)


async def answered(asked: PageRequest, holder: LinkHolder, run: Run, done: str) -> PageView:
    """The appointment after the command, or as it is with the reason why the command was refused."""
    try:
        await run()
    except NotFound:
        raise
    except Refusal as error:
        return await view_of(asked, holder, error)
    return await view_of(asked, holder, done=done)


async def view_of(asked: PageRequest, holder: LinkHolder, error: Refusal | None = None, done: str = "") -> PageView:
    """The appointment as it is now, with the actions that are possible."""
    appointment, provider = await loaded(asked)
    store, staff = asked.ports.store, holder.caller.link is LinkPurpose.STAFF
    unanswered = appointment.expires_at is not None and appointment.expires_at > store.now()
    options = _staff_options(unanswered=unanswered) if staff else _customer_options(asked, appointment)
    status = str(appointment.status)
    if staff and status == AppointmentStatus.REQUESTED:
        status = "answer" if unanswered else "expired"
    fields = {
        "id": appointment.id,
        "page": asked.link_fields(appointment.version),
        "visit": await visit_of(appointment, provider, store.now(), store),
        "zone": appointment.timezone,
        "provider": contact_of(provider),
        "staff": staff,
        "customer": await _customer(asked, appointment) if staff else "",
        "status": "staff" if staff and status == AppointmentStatus.BOOKED else status,
        "expires_at": appointment.expires_at if unanswered else None,
        **options,
    }
    why = None if error is None else refused(error)
    status_code = 200 if why is None else why[1]
    return PageView("appointment", fields, status_code, done, why, holder.recipient.language, appointment.timezone)


async def loaded(asked: PageRequest) -> tuple[Appointment, Provider]:
    """The appointment and its provider."""
    appointment = await current_state(Appointment, asked.subject, asked.ports.store)
    if appointment is None:
        raise NotFound("appointment", asked.subject)
    provider = await current_state(Provider, appointment.provider_id, asked.ports.store)
    assert provider is not None
    return appointment, provider


async def _customer(asked: PageRequest, appointment: Appointment) -> str:
    """The customer's name, for the provider's owner."""
    customer = await customer_of(appointment.customer_id, asked.ports.store)
    return "" if customer is None else customer.name


def contact_of(provider: Provider) -> Mapping[str, Any]:
    """The ways to reach a provider that are public."""
    details: Mapping[str, Any] = {**provider.details}
    return {"name": details["name"], "phone": details.get("phone"), "email": details.get("email")}


def _staff_options(*, unanswered: bool) -> Mapping[str, Any]:
    none = {"why_not_move": None, "why_not_cancel": None, "fee": 0}
    return {"answers": unanswered, "moves": False, "cancels": False, **none}


def _customer_options(asked: PageRequest, appointment: Appointment) -> Mapping[str, Any]:
    ended = appointment.status in ENDED
    can = customer_options(appointment, asked.ports.store.now())
    return {
        "answers": False,
        "moves": not ended and can.move is None,
        "cancels": not ended and can.cancel is None,
        "why_not_move": None if ended or can.move is None else refused(can.move),
        "why_not_cancel": None if ended or can.cancel is None else refused(can.cancel),
        "fee": can.fee,
    }


async def _reason(asked: PageRequest, holder: LinkHolder) -> str | None:
    """The reason in words, as the API takes it. Its bytes count, since nobody may ever delete them."""
    text = asked.form.get("reason", "").replace("\r\n", "\n").strip()
    if not text:
        return None
    try:
        checked = DeclineAppointmentBody.model_validate({"reason": text}).reason
    except ValidationError:
        raise Invalid("The reason is too long, or has control characters.", "/reason") from None
    caller = holder.caller
    size = len(text.encode())
    await asked.ports.abuse.budget.spend(caller.account, asked.network, size, customer=caller.is_customer)
    return checked
