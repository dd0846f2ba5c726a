"""Everything known of the caller, as one JSON document."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic_core import to_json

from domain.errors import NotFound
from domain.people.account import Account
from domain.scheduling.schedule import Schedule
from interfaces.http.booking.appointment_schemas import AppointmentShown, HistoryItem, history_shown
from interfaces.http.booking.appointment_schemas import shown as appointment_shown
from interfaces.http.booking.waitlist import WaitingShown
from interfaces.http.booking.waitlist import shown as waiting_shown
from interfaces.http.catalog.provider import ProviderShown
from interfaces.http.catalog.provider import shown as provider_shown
from interfaces.http.framework.fields import Shape
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import PRIVATE, HttpResponse
from interfaces.http.framework.routing import Route
from interfaces.http.people.customer import CustomerShown
from interfaces.http.people.customer import shown as customer_shown
from interfaces.http.people.me import AccountShown
from interfaces.http.people.me import shown as account_shown
from projections.query.snapshot import EVERYTHING
from projections.read_models import account, appointment, customer, directory, waitlist
from projections.read_models.event_export import everything

router = APIRouter(prefix="/v1/me", tags=["me"], route_class=Route)


class SessionTold(Shape):
    id: UUID
    created_at: datetime
    used_at: datetime
    client: str


class MailTold(Shape):
    """A mail that was sent."""

    at: datetime
    kind: str
    to: str
    subject: str
    text: str


class Export(Shape):
    """All that Daybook holds about a person. `events`: of every stream that is theirs, oldest first."""

    account: AccountShown
    customers: list[CustomerShown]
    providers: list[ProviderShown]
    appointments: list[AppointmentShown]
    waitlist: list[WaitingShown]
    events: list[HistoryItem]
    sessions: list[SessionTold]
    mails: list[MailTold]
    position: int


@router.get("/export", operation_id="export_me", response_model=Export)
async def export(ask: RequestContext) -> Response:
    """Export everything known of the caller."""
    me = ask.caller.account
    async with ask.look("account") as read:
        holder, position = await account.get(read, me), read.position
    if holder is None:
        raise NotFound("account", me)
    async with ask.ports.reads.open("customer", position, sees=me) as read:
        mine = await customer.own(read, me)
    async with ask.ports.reads.open("directory", position, sees=me) as read:
        providers = await directory.owned(read, me)
    async with ask.ports.reads.open("waitlist", position, sees=me) as read:
        waiting = await waitlist.as_customer(read, me)
    async with ask.ports.reads.open("agenda", position, sees=EVERYTHING) as read:
        appointments = await appointment.as_customer(read, me)
        streams = [Account.id_of(me), *(each.id for each in mine), *(each.id for each in appointments)]
        streams += [each.id for each in waiting]
        for provider in providers:
            streams += provider.id, Schedule.id_of(provider.id)
        events = await everything(read, streams, ask.ports.codec)
    told = {
        "account": account_shown(holder),
        "customers": [customer_shown(each) for each in mine],
        "providers": [provider_shown(each) for each in providers],
        "appointments": [appointment_shown(each) for each in appointments],
        "waitlist": [waiting_shown(each) for each in waiting],
        "events": [history_shown(each) for each in events],
        "sessions": await _sessions(ask, me),
        "mails": await ask.ports.mails.of(me),
        "position": position,
    }
    name = b'attachment; filename="daybook.json"'
    headers = {b"content-disposition": name, b"cache-control": PRIVATE, b"daybook-position": b"%d" % position}
    return HttpResponse(200, to_json(told), headers)


async def _sessions(ask: RequestContext, account_id: UUID) -> Sequence[Mapping[str, Any]]:
    return [
        {"id": each.id, "created_at": each.created_at, "used_at": each.used_at, "client": each.client}
        for each in await ask.ports.sessions.of(account_id)
    ]
