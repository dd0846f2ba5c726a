"""The waitlist: wait for a time that is not free, and accept what is offered."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Query, Response
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
from interfaces.http.booking.appointment_schemas import AppointmentShown
from interfaces.http.booking.appointment_schemas import shown as shown_appointment
from interfaces.http.booking.provider_ranking import hosted
from interfaces.http.framework.fields import (
    Body,
    Date,
    Nothing,
    Paging,
    Resource,
    Shape,
    Zone,
    plain,
)
from interfaces.http.framework.paging import page, sealed
from interfaces.http.framework.rate_limit import also, take_as_customer
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import ended, listed, seen, written
from interfaces.http.framework.routing import Route
from interfaces.http.scheduling.opening_hours import DayWindow, minutes
from interfaces.http.scheduling.opening_hours import shown as shown_hours
from projections.read_models import waitlist
from projections.read_models.waitlist import WaitlistFilter

router = APIRouter(prefix="/v1/waitlist", tags=["waitlist"], route_class=Route)


class Dates(Body):
    """Both included."""

    from_: Date = Field(alias="from")
    to: Date

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.to < self.from_:
            raise PydanticCustomError("dates", "`to` lies before `from`.")
        return self


class Joining(Body):
    """Staff say for which customer. Without a provider: any of the service's. `hours`: when it may start.

    `timezone`: in which dates and hours are meant; the provider's if not given.
    """

    service_id: UUID
    provider_id: UUID | None = None
    customer_id: UUID | None = None
    dates: Dates
    hours: list[DayWindow] = Field([], max_length=20)
    timezone: Zone | None = None


class WaitingFilters(Paging):
    """In the order of the line."""

    status: WaitingStatus | None = None
    service_id: UUID | None = None
    provider_id: UUID | None = None


class OfferShown(Shape):
    """What is kept for them, until `expires_at`."""

    hold_id: UUID
    provider_id: UUID
    start: datetime
    end: datetime
    expires_at: datetime


class DatesShown(Shape):
    from_: date = Field(alias="from")
    to: date


class WaitingShown(Resource):
    """A customer's place in the line."""

    status: WaitingStatus
    service_id: UUID
    provider_id: UUID | None
    customer_id: UUID
    dates: DatesShown
    hours: list[DayWindow]
    timezone: str
    offer: OfferShown | None
    created_at: datetime


class WaitingPage(Shape):
    items: list[WaitingShown]
    next: str | None


def joined(entry: Waiting) -> Mapping[str, Any]:
    """An entry as answered to who joins: nothing is offered yet."""
    return _shown(entry, entry.dates, None)


def shown(entry: waitlist.WaitlistEntry) -> Mapping[str, Any]:
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
        "hours": shown_hours(entry.hours),
        "timezone": entry.timezone,
        "offer": offer,
        "created_at": plain(entry.created_at),
    }


def location(entry: Waiting) -> str:
    return f"/v1/waitlist/{entry.id}"


@router.post("", operation_id="join_waitlist", status_code=201, response_model=WaitingShown)
async def join(ask: RequestContext, body: Joining) -> Response:
    """Wait for a time. When one becomes free that fits, the first in line is offered it."""
    room = await take_as_customer(ask)
    command = JoinWaitlist(
        **ask.command(),
        id=new_id(),
        service_id=body.service_id,
        provider_id=body.provider_id,
        customer_id=body.customer_id,
        dates={"from": body.dates.from_.isoformat(), "to": body.dates.to.isoformat()},
        hours=minutes(body.hours),
        timezone=body.timezone,
        hosted=await hosted(ask, body.customer_id),
    )
    return also(written(await join_waitlist(command, ask.ports.store), joined, location), room)


@router.get("", operation_id="list_waitlist", response_model=WaitingPage)
async def find(ask: RequestContext, filters: Annotated[WaitingFilters, Query()]) -> Response:
    """List who waits, as far as the caller may know of them, in the order of the line."""
    async with ask.look("waitlist") as read:
        rows, bookmark = await waitlist.find(
            read,
            page(ask, filters),
            WaitlistFilter(
                status=filters.status,
                service_id=filters.service_id,
                provider_id=filters.provider_id,
            ),
            owner=ask.owner,
        )
    return listed([shown(row) for row in rows], sealed(ask, filters, bookmark), read.position)


@router.get("/{waiting_id}", operation_id="get_waiting", response_model=WaitingShown)
async def get(ask: RequestContext, waiting_id: UUID) -> Response:
    """Show an entry of the waitlist, and what is offered to it."""
    async with ask.look("waitlist") as read:
        row = await waitlist.get(read, waiting_id, owner=ask.owner)
    if row is None:
        raise NotFound("waiting", waiting_id)
    return seen(ask.given, row.version, shown(row), read.position)


@router.delete("/{waiting_id}", operation_id="leave_waitlist", status_code=204)
async def leave(ask: RequestContext, waiting_id: UUID) -> Response:
    """Wait no longer; what is offered is free again."""
    return ended(await leave_waitlist(ChangeWaiting(**ask.command(), waiting_id=waiting_id), ask.ports.store))


@router.post("/{waiting_id}/accept", operation_id="accept_offer", status_code=201, response_model=AppointmentShown)
async def accept(ask: RequestContext, waiting_id: UUID, body: Nothing) -> Response:  # noqa: ARG001
    """Book what is offered; answers the appointment."""
    command = AcceptOffer(**ask.command(), id=new_id(), waiting_id=waiting_id)
    return written(await accept_offer(command, ask.ports.store), shown_appointment, appointment.location)
