"""Quota: what a customer keeps for themselves without having booked it, and the limits on that."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple, Self
from uuid import UUID

from domain.errors import Conflict
from domain.kernel import Aggregate, derived_id, event

HOLDS = 2
"""Live holds of one customer with one provider on one day."""
ENTRIES = 3
"""Waitlist entries of one customer with one provider that include one day."""


class TooManyHolds(Conflict):
    """You already hold as many starts with this provider on this day as a customer may."""


class TooManyEntries(Conflict):
    """You already wait for this provider on these days as often as a customer may."""


class AlreadyWaiting(Conflict):
    """You already wait for this service on these days."""


class OfferPending(Conflict):
    """Another offer of this provider is open."""


class KeptKind(StrEnum):
    HOLD = "hold"
    OFFER = "offer"
    ENTRY = "entry"


class KeptThing(NamedTuple):
    """A hold, an offer or a waitlist entry. `first`, `last`: local dates, both included.

    `until`: when it ends by itself. `provider_id`: None for an entry that takes any provider.
    """

    kind: KeptKind
    service_id: UUID
    provider_id: UUID | None
    first: date
    last: date
    until: datetime

    def meets(self, other: "KeptThing") -> bool:
        """Whether both may concern one provider on one day; two offers meet on whatever day."""
        same = None in {self.provider_id, other.provider_id} or self.provider_id == other.provider_id
        return same and (self.kind is KeptKind.OFFER or (self.first <= other.last and other.first <= self.last))


class Quota(Aggregate):
    """All that one customer keeps. What has ended by itself no longer counts."""

    class Opened(Aggregate.Created):
        customer_id: UUID

    class Kept(Aggregate.Event):
        thing_id: UUID
        kind: str
        service_id: UUID
        provider_id: UUID | None
        first: str
        last: str
        until: datetime

        def apply(self, quota: "Quota") -> None:
            thing = KeptThing(
                KeptKind(self.kind),
                self.service_id,
                self.provider_id,
                date.fromisoformat(self.first),
                date.fromisoformat(self.last),
                self.until,
            )
            quota.things = {**quota.live(self.timestamp), self.thing_id: thing}

    class Freed(Aggregate.Event):
        thing_id: UUID

    @staticmethod
    def id_of(customer_id: UUID) -> UUID:
        return derived_id("quota", customer_id)

    @event(Opened)
    def __init__(self, id: UUID, customer_id: UUID, timestamp: datetime) -> None:
        self.customer_id = customer_id
        self.things: Mapping[UUID, KeptThing] = {}

    @classmethod
    def of(cls, customer_id: UUID, now: datetime) -> Self:
        """A new quota, which is empty."""
        return cls(id=cls.id_of(customer_id), customer_id=customer_id, timestamp=now)

    def live(self, now: datetime) -> dict[UUID, KeptThing]:
        """The things that have not ended by themselves."""
        return {id: thing for id, thing in self.things.items() if thing.until > now}

    def keep(self, id: UUID, thing: KeptThing, now: datetime) -> None:
        """Keep a thing, or keep it for longer. Raises TooManyHolds, OfferPending, TooManyEntries, AlreadyWaiting."""
        others = [each for other, each in self.live(now).items() if other != id]
        _CHECKS[thing.kind](thing, [each for each in others if each.kind is thing.kind and each.meets(thing)])
        days = {"first": thing.first.isoformat(), "last": thing.last.isoformat()}
        fields: dict[str, Any] = {**thing._asdict(), **days, "kind": thing.kind.value}
        self.trigger_event(self.Kept, thing_id=id, **fields, timestamp=now)

    def free(self, id: UUID, now: datetime) -> None:
        """Keep the thing no longer; a thing that is not kept is not an error."""
        if id in self.things:
            self._freed(thing_id=id, timestamp=now)

    @event(Freed)
    def _freed(self, thing_id: UUID, timestamp: datetime) -> None:
        self.things = {id: thing for id, thing in self.things.items() if id != thing_id}


def _check_holds(_: KeptThing, meeting: list[KeptThing]) -> None:
    if len(meeting) >= HOLDS:
        raise TooManyHolds(f"A customer holds at most {HOLDS} starts with a provider on a day.", limit=HOLDS)


def _check_offer(_: KeptThing, meeting: list[KeptThing]) -> None:
    if meeting:
        raise OfferPending


def _check_entry(thing: KeptThing, meeting: list[KeptThing]) -> None:
    if any(each.service_id == thing.service_id for each in meeting):
        raise AlreadyWaiting
    # The number that include a day is greatest on a day on which one of them begins.
    begins = {thing.first, *(each.first for each in meeting if each.first >= thing.first)}
    if max(sum(each.first <= day <= each.last for each in meeting) for day in begins) >= ENTRIES:
        most = f"A customer has at most {ENTRIES} entries with a provider that include a day."
        raise TooManyEntries(most, limit=ENTRIES)


_CHECKS = {KeptKind.HOLD: _check_holds, KeptKind.OFFER: _check_offer, KeptKind.ENTRY: _check_entry}
