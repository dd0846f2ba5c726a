"""Routes of the waitlist: wait for a time that is taken, and accept an offer."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from application.booking.waitlist import (
    AcceptOffer,
    ChangeWaiting,
    JoinWaitlist,
    OfferPlace,
    accept_offer,
    join_waitlist,
    leave_waitlist,
    make_offer,
)
from application.current_state import current_state
from domain.booking.waitlist import Waiting
from domain.catalog.service import Service
from domain.errors import NotFound
from domain.kernel import new_id
from interfaces.http.booking import appointment
from interfaces.http.booking.appointment_response import appointment_response
from interfaces.http.booking.appointment_schemas import AppointmentResponse
from interfaces.http.booking.waitlist_schemas import (
    JoinWaitlistBody,
    MakeOfferBody,
    WaitlistEntryResponse,
    WaitlistFilters,
    WaitlistPage,
    joined_waitlist_response,
    recorded_waitlist_response,
    waitlist_entry_response,
)
from interfaces.http.framework.fields import EmptyBody
from interfaces.http.framework.needs import Needs
from interfaces.http.framework.paging import next_cursor, page
from interfaces.http.framework.rate_limit import RateLimited, by_customer
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import command_response, empty_response, page_response, resource_response
from interfaces.http.framework.routing import Router
from interfaces.http.scheduling.opening_hours import minutes
from projections.read_models import waitlist
from projections.read_models.waitlist import WaitlistFilter

router = Router("/v1/waitlist", "waitlist")


def location(entry: Waiting) -> str:
    return f"/v1/waitlist/{entry.id}"


@router.post(
    "", "join_waitlist", WaitlistEntryResponse, status=201, needs=Needs(limit=RateLimited("wait", by_customer))
)
async def join(request: RequestContext, body: JoinWaitlistBody) -> Response:
    """Join the waitlist. When a time becomes free, it is offered to the first entry that it fits."""
    command = JoinWaitlist(
        **request.command(),
        id=new_id(),
        service_id=body.service_id,
        provider_id=body.provider_id,
        customer_id=body.customer_id,
        dates={"from": body.dates.from_.isoformat(), "to": body.dates.to.isoformat()},
        hours=minutes(body.hours),
        timezone=body.timezone,
    )
    return command_response(
        await join_waitlist(command, request.ports.store, request.ports.booking), joined_waitlist_response, location
    )


@router.get("", "list_waitlist", WaitlistPage)
async def find(request: RequestContext, filters: Annotated[WaitlistFilters, Query()]) -> Response:
    """List the waitlist entries that the caller may see."""
    async with request.snapshot("waitlist") as read:
        rows, bookmark = await waitlist.find(
            read,
            page(request, filters),
            WaitlistFilter(status=filters.status, service_id=filters.service_id, provider_id=filters.provider_id),
            owner=request.owner,
        )
    return page_response(
        [waitlist_entry_response(row) for row in rows], next_cursor(request, filters, bookmark), read.position
    )


@router.get("/{waiting_id}", "get_waitlist_entry", WaitlistEntryResponse)
async def get(request: RequestContext, waiting_id: UUID) -> Response:
    """Get a waitlist entry and its offer."""
    async with request.snapshot("waitlist") as read:
        row = await waitlist.get(read, waiting_id, owner=request.owner)
    if row is None:
        raise NotFound("waiting", waiting_id)
    return resource_response(request.sent, row.version, waitlist_entry_response(row), read.position)


@router.delete("/{waiting_id}", "leave_waitlist")
async def leave(request: RequestContext, waiting_id: UUID) -> Response:
    """Leave the waitlist. A time on offer is free again."""
    return empty_response(
        await leave_waitlist(ChangeWaiting(**request.command(), waiting_id=waiting_id), request.ports.store)
    )


@router.post("/{waiting_id}/offer", "make_offer", WaitlistEntryResponse, needs=Needs(version=True))
async def offer(request: RequestContext, waiting_id: UUID, body: MakeOfferBody) -> Response:
    """Offer a free start to an entry, also out of turn. Daybook holds it, and tells the customer."""
    command = OfferPlace(
        **request.command(),
        waiting_id=waiting_id,
        hold_id=request.fresh_id(),
        provider_id=body.provider_id,
        start=body.start,
    )
    done = await make_offer(command, request.ports.store)
    service = await current_state(Service, done.aggregate.service_id, request.ports.store)
    assert service is not None  # it is what the offer is of
    return command_response(done, lambda entry: recorded_waitlist_response(entry, service.terms["duration"]))


@router.post("/{waiting_id}/accept", "accept_offer", AppointmentResponse, status=201, needs=Needs(expires=True))
async def accept(request: RequestContext, waiting_id: UUID, body: EmptyBody) -> Response:  # noqa: ARG001
    """Accept the offer. The answer is the appointment."""
    command = AcceptOffer(**request.command(), id=new_id(), waiting_id=waiting_id)
    return command_response(
        await accept_offer(command, request.ports.store), appointment_response, appointment.location
    )
