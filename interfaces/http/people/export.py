"""Route of the export of all data about the caller."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Response
from pydantic_core import to_json

from domain.errors import NotFound
from domain.people.account import Account
from domain.scheduling.schedule import Schedule
from interfaces.http.booking.appointment_schemas import AppointmentResponse, appointment_response
from interfaces.http.booking.history import HistoryItemResponse, history_item_response
from interfaces.http.booking.waitlist_schemas import WaitlistEntryResponse, waitlist_entry_response
from interfaces.http.catalog.provider import ProviderResponse, provider_response
from interfaces.http.framework.fields import Shape
from interfaces.http.framework.needs import Needs
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import PRIVATE, HttpResponse
from interfaces.http.framework.routing import Router
from interfaces.http.people.customer import CustomerResponse, customer_response
from interfaces.http.people.me import AccountResponse, account_response
from projections.query.snapshot import EVERYTHING
from projections.read_models import account, appointment, customer, directory, waitlist
from projections.read_models.history import everything

router = Router("/v1/me", "me")


class ExportedSessionResponse(Shape):
    id: UUID
    created_at: datetime
    used_at: datetime
    client: str


class ExportedMailResponse(Shape):
    """A mail that was sent."""

    at: datetime
    kind: str
    to: str
    subject: str
    text: str


class AccountExportResponse(Shape):
    """All data about a person. `events`: of all of the person's streams, the oldest first."""

    account: AccountResponse
    customers: list[CustomerResponse]
    providers: list[ProviderResponse]
    appointments: list[AppointmentResponse]
    waitlist: list[WaitlistEntryResponse]
    events: list[HistoryItemResponse]
    sessions: list[ExportedSessionResponse]
    mails: list[ExportedMailResponse]
    position: int


@router.get("/export", "export_account", AccountExportResponse, needs=Needs(finds=True))
async def export(request: RequestContext) -> Response:
    """Export all data about the caller."""
    me = request.caller.account
    async with request.snapshot("account") as read:
        holder, position = await account.get(read, me), read.position
    if holder is None:
        raise NotFound("account", me)
    async with request.ports.reads.open("customer", position, sees=me) as read:
        mine = await customer.own(read, me)
    async with request.ports.reads.open("directory", position, sees=me) as read:
        providers = await directory.owned(read, me)
    async with request.ports.reads.open("waitlist", position, sees=me) as read:
        waiting = await waitlist.as_customer(read, me)
    async with request.ports.reads.open("agenda", position, sees=EVERYTHING) as read:
        appointments = await appointment.as_customer(read, me)
        streams = [Account.id_of(me), *(each.id for each in mine), *(each.id for each in appointments)]
        streams += [each.id for each in waiting]
        for provider in providers:
            streams += provider.id, Schedule.id_of(provider.id)
        events = await everything(read, streams, request.ports.codec)
    content = {
        "account": account_response(holder),
        "customers": [customer_response(each) for each in mine],
        "providers": [provider_response(each) for each in providers],
        "appointments": [appointment_response(each) for each in appointments],
        "waitlist": [waitlist_entry_response(each) for each in waiting],
        "events": [history_item_response(each) for each in events],
        "sessions": await _sessions(request, me),
        "mails": await request.ports.mails.of(me),
        "position": position,
    }
    name = b'attachment; filename="daybook.json"'
    headers = {b"content-disposition": name, b"cache-control": PRIVATE, b"daybook-position": b"%d" % position}
    return HttpResponse(200, to_json(content), headers)


async def _sessions(request: RequestContext, account_id: UUID) -> Sequence[Mapping[str, Any]]:
    return [
        {"id": each.id, "created_at": each.created_at, "used_at": each.used_at, "client": each.client}
        for each in await request.ports.identity.signing.sessions.of(account_id)
    ]
