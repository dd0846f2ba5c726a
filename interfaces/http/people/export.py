"""Route of the export of all data about the caller."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from fastapi import Response
from pydantic_core import to_json

from application.customer_record import all_records
from application.view_log import RecordedView, ViewFilters
from domain.errors import NotFound
from domain.log_position import position_text
from domain.people.account import Account
from domain.scheduling.schedule import Schedule
from interfaces.http.booking.appointment_response import appointment_response
from interfaces.http.booking.appointment_schemas import AppointmentResponse
from interfaces.http.booking.history import HistoryItemResponse, history_item_response
from interfaces.http.booking.waitlist_schemas import WaitlistEntryResponse, waitlist_entry_response
from interfaces.http.catalog.provider import ProviderResponse, provider_response
from interfaces.http.framework.fields import Instant, LogPosition, Shape, plain
from interfaces.http.framework.needs import Needs
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import PRIVATE, HttpResponse
from interfaces.http.framework.routing import Router
from interfaces.http.people.consent import ConsentResponse, consent_response
from interfaces.http.people.customer import CustomerResponse, customer_response
from interfaces.http.people.me import AccountResponse, account_response
from projections.query.snapshot import EVERYTHING
from projections.read_models import account, appointment, consent, customer, directory, organization, waitlist
from projections.read_models.agenda.listed import ListedAppointment
from projections.read_models.history import HistoryEntry, everything

router = Router("/v1/me", "me")
_PAGE = 1_000  # rows of the views log


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


class ExportedOrganizationResponse(Shape):
    id: UUID
    name: str


class ExportedViewResponse(Shape):
    """Somebody in this role opened a card of the person, the first time in an hour; `see_as`: looked as the person.

    `organizations`: those for which they did it, mostly one; none for the platform.
    """

    at: Instant
    role: str
    operation: str
    organizations: list[ExportedOrganizationResponse]


class AccountExportResponse(Shape):
    """All data about a person. `events`: of all of the person's streams, the oldest first.

    `views`: when somebody else opened what is the person's, the newest first.
    """

    account: AccountResponse
    customers: list[CustomerResponse]
    consents: list[ConsentResponse]
    providers: list[ProviderResponse]
    appointments: list[AppointmentResponse]
    waitlist: list[WaitlistEntryResponse]
    events: list[HistoryItemResponse]
    sessions: list[ExportedSessionResponse]
    mails: list[ExportedMailResponse]
    views: list[ExportedViewResponse]
    position: LogPosition


class _Records(NamedTuple):
    """All that the read models hold about a person, at one position of the log."""

    position: int
    account: account.ListedAccount
    customers: Sequence[customer.ListedCustomer]
    consents: Sequence[consent.ListedConsent]
    providers: Sequence[directory.ListedProvider]
    appointments: Sequence[ListedAppointment]
    waitlist: Sequence[waitlist.WaitlistEntry]
    events: Sequence[HistoryEntry]


@router.get("/export", "export_account", AccountExportResponse, needs=Needs(finds=True))
async def export(request: RequestContext) -> Response:
    """Export all data about the caller."""
    me = request.caller.account
    found = await _records(request, me)
    content = {
        "account": account_response(found.account),
        "customers": [customer_response(each) for each in found.customers],
        "consents": [consent_response(each) for each in found.consents],
        "providers": [provider_response(each) for each in found.providers],
        "appointments": [appointment_response(each) for each in found.appointments],
        "waitlist": [waitlist_entry_response(each) for each in found.waitlist],
        "events": [history_item_response(each) for each in found.events],
        "sessions": await _sessions(request, me),
        "mails": await request.ports.mails.of(me),
        "views": await _views(
            request, [me, *await all_records([each.id for each in found.customers], request.ports.store)]
        ),
        "position": position_text(found.position),
    }
    name = b'attachment; filename="daybook.json"'
    headers = {b"content-disposition": name, b"cache-control": PRIVATE}
    return HttpResponse(200, to_json(content), headers, position=found.position)


async def _records(request: RequestContext, me: UUID) -> _Records:
    """Raises NotFound."""
    async with request.snapshot("account") as read:
        holder, position = await account.get(read, me), read.position
    if holder is None:
        raise NotFound("account", me)
    async with request.ports.reads.open("customer", position, sees=me) as read:
        mine = await customer.own(read, me)
    async with request.ports.reads.open("consent", position, sees=me) as read:
        consents = await consent.own(read, me)
    async with request.ports.reads.open("directory", position, sees=me) as read:
        providers = await directory.owned(read, me)
    async with request.ports.reads.open("waitlist", position, sees=me) as read:
        waiting = await waitlist.as_customer(read, me)
    async with request.ports.reads.open("agenda", position, sees=EVERYTHING) as read:
        appointments = await appointment.as_customer(read, me)
        records = await all_records([each.id for each in mine], request.ports.store)
        streams = [Account.id_of(me), *records, *(each.id for each in appointments)]
        streams += [each.id for each in waiting]
        for provider in providers:
            streams += provider.id, Schedule.id_of(provider.id)
        events = await everything(read, streams, request.ports.codec)
    return _Records(position, holder, mine, consents, providers, appointments, waiting, events)


async def _sessions(request: RequestContext, account_id: UUID) -> Sequence[Mapping[str, Any]]:
    return [
        {"id": each.id, "created_at": each.created_at, "used_at": each.used_at, "client": each.client}
        for each in await request.ports.identity.signing.sessions.of(account_id)
    ]


async def _views(request: RequestContext, persons: Sequence[UUID]) -> Sequence[Mapping[str, Any]]:
    """Of the person under each of their ids; an account and its own record of a customer have one."""
    found: list[RecordedView] = []
    for person in dict.fromkeys(persons):
        before = None
        while rows := await request.ports.views.find(ViewFilters(person), limit=_PAGE, before=before):
            found += rows
            before = rows[-1].id
    found.sort(key=lambda each: each.id, reverse=True)
    names = await _names(request, {UUID(id) for each in found for id in each.organizations})
    return [
        {
            "at": plain(each.at),
            "role": each.facts.get("role", "unknown"),
            "operation": each.operation,
            "organizations": [{"id": id, "name": names.get(UUID(id), "")} for id in each.organizations],
        }
        for each in found
    ]


async def _names(request: RequestContext, ids: Collection[UUID]) -> Mapping[UUID, str]:
    async with request.snapshot("organization") as read:
        return await organization.names(read, [*ids])
