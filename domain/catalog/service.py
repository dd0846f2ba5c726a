"""Service: what is booked, and on which terms."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.errors import Conflict
from domain.kernel import Aggregate, event
from domain.scheduling.availability import BookingWindow, SlotTerms
from domain.scheduling.opening_hours import OpeningWindow


class ServiceWithdrawn(Conflict):
    """This service takes no new bookings."""


class NotOfferedBy(Conflict):
    """This provider does not offer this service."""


POLICY = (
    "cancel_notice",
    "reschedule_notice",
    "max_reschedules",
    "late_cancel",
    "late_fee",
    "reminders",
    "complete_after",
)
DEFAULTS: Mapping[str, Any] = {
    "approval": False,
    "approval_ttl": 1440,
    "hold_ttl": 5,
    "offer_ttl": 15,
    "reminders": [1440, 120],
    "complete_after": 720,
}
"""Terms that services made long ago, and appointments booked then, lack. Minutes."""


class Service(Aggregate):
    """What is booked.

    `terms` is flat, as in the HTTP contract: name, provider_ids, organization_id, duration, step,
    align, buffer_before, buffer_after, capacity, price, currency, min_notice, window, hours,
    the policy fields, those of DEFAULTS and tags; durations in minutes, money in minor units.
    """

    class Offered(Aggregate.Created):
        by: UUID
        terms: dict[str, Any]

    class Changed(Aggregate.Event):
        by: UUID
        terms: dict[str, Any]

    class Withdrawn(Aggregate.Event):
        by: UUID

    @event(Offered)
    def __init__(self, id: UUID, by: UUID, terms: dict[str, Any], timestamp: datetime) -> None:
        self.terms: Mapping[str, Any] = terms
        self._offer: SlotTerms | None = None
        self.withdrawn = False

    @property
    def provider_ids(self) -> list[UUID]:
        return [UUID(i) for i in self.terms["provider_ids"]]

    def offer(self) -> SlotTerms:
        """The part of the terms that decides when it is offered."""
        if self._offer is None:
            self._offer = offer_of(self.id, self.terms)
        return self._offer

    def policy(self) -> dict[str, Any]:
        """The part of the terms that an appointment keeps as it was when booked."""
        return {name: self.term(name) for name in POLICY}

    def term(self, name: str) -> Any:
        """A term, the default where it is lacking."""
        return self.terms[name] if name in self.terms else DEFAULTS[name]

    def lasts(self, ttl: str, now: datetime) -> datetime:
        """Until when something is kept from `now` on. `ttl`: the term that says how long. Whole seconds."""
        return (now + timedelta(minutes=self.term(ttl))).replace(microsecond=0)

    def change(self, by: UUID, terms: dict[str, Any], now: datetime) -> None:
        """Replace some of the terms for future bookings; nothing happens if all stay."""
        self.check_offered()
        if {**self.terms, **terms} != self.terms:
            self._changed(by=by, terms={**self.terms, **terms}, timestamp=now)

    @event(Changed)
    def _changed(self, by: UUID, terms: dict[str, Any], timestamp: datetime) -> None:
        self.terms = terms
        self._offer = None

    def withdraw(self, by: UUID, now: datetime) -> None:
        """End it for the future; history stays."""
        if not self.withdrawn:
            self._withdrawn(by=by, timestamp=now)

    @event(Withdrawn)
    def _withdrawn(self, by: UUID, timestamp: datetime) -> None:
        self.withdrawn = True

    def check_offered(self, provider_id: UUID | None = None) -> None:
        """Raise ServiceWithdrawn, or NotOfferedBy for a provider who does not offer it."""
        if self.withdrawn:
            raise ServiceWithdrawn
        if provider_id is not None and str(provider_id) not in self.terms["provider_ids"]:
            raise NotOfferedBy


def offer_of(service_id: UUID, terms: Mapping[str, Any]) -> SlotTerms:
    """The part of a service's terms that decides when it is offered."""
    window, hours = terms["window"], terms.get("hours")
    return SlotTerms(
        service_id=service_id,
        duration=terms["duration"],
        step=terms["step"] or terms["duration"],
        align=terms["align"],
        buffer_before=terms["buffer_before"],
        buffer_after=terms["buffer_after"],
        capacity=terms["capacity"],
        min_notice=terms["min_notice"],
        window=_window(window) if window else None,
        service_hours={int(d): tuple(OpeningWindow(*w) for w in ws) for d, ws in hours.items()} if hours else None,
    )


def _window(window: Mapping[str, Any]) -> BookingWindow:
    first, last = window.get("from"), window.get("to")
    return BookingWindow(
        kind=window["kind"],
        days=window.get("days"),
        first=date.fromisoformat(first) if first else None,
        last=date.fromisoformat(last) if last else None,
    )
