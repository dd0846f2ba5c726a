"""The waitlist: wait for a time that is not free, and accept what is offered."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Query, Response
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from application.booking.waitlist import (
    AcceptOffer,
    ChangeWaiting,
    JoinWaitlist,
    accept_offer,
    join_waitlist,
    leave_waitlist,
)
from domain.booking.waitlist import Waiting, WaitingStatus
from domain.errors import NotFound
from domain.kernel import new_id
from interfaces.http.booking import appointment
from interfaces.http.booking.appointment_schemas import AppointmentResponse, appointment_response
from interfaces.http.framework.fields import (
    Body,
    Date,
    EmptyBody,
    Paging,
    Resource,
    Shape,
    Zone,
    plain,
)
from interfaces.http.framework.needs import Needs
from interfaces.http.framework.paging import page, sealed
from interfaces.http.framework.rate_limit import RateLimited, by_customer
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import command_response, empty_response, page_response, resource_response
from interfaces.http.framework.routing import Router
from interfaces.http.scheduling.opening_hours import DayWindow, hours_response, minutes
from projections.read_models import waitlist

router = Router("/v1/waitlist", "waitlist")


class WaitlistDates(Body):
    """Both included."""

    from_: Date = Field(alias="from")
    to: Date

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.to < self.from_:
            raise PydanticCustomError("dates", "`to` lies before `from`.")
        return self


class JoinWaitlistBody(Body):
    """Staff say for which customer. Without a provider: any of the service's. `hours`: when it may start.

    `timezone`: in which dates and hours are meant; the provider's if not given.
    """

    service_id: UUID
    provider_id: UUID | None = None
    customer_id: UUID | None = None
    dates: WaitlistDates
    hours: list[DayWindow] = Field([], max_length=20)
    timezone: Zone | None = None


class WaitlistFilters(Paging):
    """In the order of the line."""

    status: WaitingStatus | None = None
    service_id: UUID | None = None
    provider_id: UUID | None = None


class OfferResponse(Shape):
    """What is kept for them, until `expires_at`."""

    hold_id: UUID
    provider_id: UUID
    start: datetime
    end: datetime
    expires_at: datetime


class WaitlistEntryResponse(Resource):
    """A customer's place in the line."""

    status: WaitingStatus
    service_id: UUID
    provider_id: UUID | None
    customer_id: UUID
    dates: WaitlistDates
    hours: list[DayWindow]
    timezone: str
    offer: OfferResponse | None
    created_at: datetime


class WaitlistPage(Shape):
    items: list[WaitlistEntryResponse]
    next: str | None


def joined_waitlist_response(entry: Waiting) -> Mapping[str, Any]:
    """An entry as answered to who joins: nothing is offered yet."""
    return _shown(entry, entry.dates, None)


def waitlist_entry_response(entry: waitlist.WaitlistEntry) -> Mapping[str, Any]:
    """An entry as answered."""
    offer = entry.offer
    if offer is not None:
        start = datetime.fromisoformat(offer["starts_at"])
        offer = {
            "hold_id": offer["hold_id"],
            "provider_id": offer["provider_id"],
            "start": plain(start),
            "end": plain(start + timedelta(minutes=entry.duration)),
            "expires_at": plain(datetime.fromisoformat(offer["expires_at"])),
        }
    return _shown(entry, {"from": entry.first, "to": entry.last}, offer)


def _shown(entry: Waiting | waitlist.WaitlistEntry, dates: Mapping[str, Any], offer: Any) -> Mapping[str, Any]:
    return {
        "id": entry.id,
        "version": entry.version,
        "status": entry.status,
        "service_id": entry.service_id,
        "provider_id": entry.provider_id,
        "customer_id": entry.customer_id,
        "dates": dates,
        "hours": hours_response(entry.hours),
        "timezone": entry.timezone,
        "offer": offer,
        "created_at": plain(entry.created_at),
    }


def location(entry: Waiting) -> str:
    return f"/v1/waitlist/{entry.id}"


@router.post(
    "", "join_waitlist", WaitlistEntryResponse, status=201, needs=Needs(limit=RateLimited("wait", by_customer))
)
async def join(request: RequestContext, body: JoinWaitlistBody) -> Response:
    """Wait for a time. When one becomes free that fits, the first in line is offered it."""
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
    """List who waits, as far as the caller may know of them, in the order of the line."""
    async with request.snapshot("waitlist") as read:
        rows, bookmark = await waitlist.find(
            read,
            page(request, filters),
            of=request.of,
            acts=request.acts,
            status=filters.status,
            service_id=filters.service_id,
            provider_id=filters.provider_id,
        )
    return page_response(
        [waitlist_entry_response(row) for row in rows], sealed(request, filters, bookmark), read.position
    )


@router.get("/{waiting_id}", "get_waitlist_entry", WaitlistEntryResponse)
async def get(request: RequestContext, waiting_id: UUID) -> Response:
    """Show an entry of the waitlist, and what is offered to it."""
    async with request.snapshot("waitlist") as read:
        row = await waitlist.get(read, waiting_id, of=request.of, acts=request.acts)
    if row is None:
        raise NotFound("waiting", waiting_id)
    return resource_response(request.sent, row.version, waitlist_entry_response(row), read.position)


@router.delete("/{waiting_id}", "leave_waitlist")
async def leave(request: RequestContext, waiting_id: UUID) -> Response:
    """Wait no longer; what is offered is free again."""
    return empty_response(
        await leave_waitlist(ChangeWaiting(**request.command(), waiting_id=waiting_id), request.ports.store)
    )


@router.post("/{waiting_id}/accept", "accept_offer", AppointmentResponse, status=201, needs=Needs(expires=True))
async def accept(request: RequestContext, waiting_id: UUID, body: EmptyBody) -> Response:  # noqa: ARG001
    """Book what is offered; answers the appointment."""
    command = AcceptOffer(**request.command(), id=new_id(), waiting_id=waiting_id)
    return command_response(
        await accept_offer(command, request.ports.store), appointment_response, appointment.location
    )
