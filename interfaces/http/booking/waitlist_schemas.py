"""Bodies, filters and answers about the waitlist."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import ValidationInfo

from domain.booking.waitlist import Waiting, WaitingStatus
from interfaces.http.framework.fields import Body, Date, Instant, Paging, Resource, Shape, Zone, plain
from interfaces.http.scheduling.opening_hours import DayWindow, hours_response
from projections.read_models import waitlist


class WaitlistDates(Body):
    """Both dates are included."""

    from_: Date = Field(alias="from")
    to: Date

    @field_validator("to")
    @classmethod
    def _check_order(cls, to: date, earlier: ValidationInfo) -> date:
        since = earlier.data.get("from_")
        if since is not None and to < since:
            raise PydanticCustomError("order", "`to` must not be before `from`.")
        return to


class JoinWaitlistBody(Body):
    """Staff must name the customer. Without a provider: any of the service's. `hours`: when it may start.

    `timezone`: the zone of `dates` and `hours`; by default the provider's.
    """

    service_id: UUID
    provider_id: UUID | None = None
    customer_id: UUID | None = None
    dates: WaitlistDates
    hours: list[DayWindow] = Field([], max_length=20)
    timezone: Zone | None = None


class MakeOfferBody(Body):
    """A free start that fits what the customer waits for. `provider_id`: by default the entry's, or the first free."""

    start: Instant
    provider_id: UUID | None = None


class WaitlistFilters(Paging):
    """Entries in the order in which offers are made."""

    status: WaitingStatus | None = None
    service_id: UUID | None = None
    provider_id: UUID | None = None


class OfferResponse(Shape):
    """The time that is held for the customer until `expires_at`."""

    hold_id: UUID
    provider_id: UUID
    start: datetime
    end: datetime
    expires_at: datetime


class WaitlistEntryResponse(Resource):
    """A customer who waits for a time, and the offer made to them."""

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
    """A new entry as JSON: it has no offer yet."""
    return _shown(entry, entry.dates, None)


def waitlist_entry_response(entry: waitlist.WaitlistEntry) -> Mapping[str, Any]:
    """An entry as JSON."""
    offer = entry.offer
    if offer is not None:
        start, expires_at = (datetime.fromisoformat(offer[name]) for name in ("starts_at", "expires_at"))
        offer = _offer(offer["hold_id"], offer["provider_id"], start, expires_at, entry.duration)
    return _shown(entry, {"from": entry.first, "to": entry.last}, offer)


def recorded_waitlist_response(entry: Waiting, duration: int) -> Mapping[str, Any]:
    """An entry as the event log has it. `duration`: of its service, in minutes."""
    return _shown(entry, entry.dates, entry.offer and _offer(*entry.offer, duration))


def _offer(hold_id: UUID | str, provider_id: UUID | str, start: datetime, expires_at: datetime, duration: int) -> Any:
    return {
        "hold_id": hold_id,
        "provider_id": provider_id,
        "start": plain(start),
        "end": plain(start + timedelta(minutes=duration)),
        "expires_at": plain(expires_at),
    }


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
