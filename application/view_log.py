"""Port to the views log: who opened the card of which person. It holds ids alone, so that erasure leaves it whole."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.booking.appointment import Appointment
from domain.booking.hold import Hold
from domain.booking.waitlist import Waiting
from domain.kernel import Aggregate
from domain.people.account import Account
from domain.people.customer import Customer


@dataclass(frozen=True, slots=True)
class PersonView:
    """Somebody opens a person's card. `person`: the id of their account or customer; `facts` hold no personal data."""

    viewer: UUID
    person: UUID
    operation: str
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RecordedView:
    """A row of the views log: the first view of its hour.

    `organizations` in `facts`: the ids, by commas, of those for which the viewer looked.
    """

    id: int
    at: datetime
    viewer: UUID
    person: UUID
    operation: str
    facts: Mapping[str, str]

    @property
    def organizations(self) -> Sequence[str]:
        """Those for which the viewer looked; none for the platform, and where an earlier release recorded it."""
        return [each for each in self.facts.get("organizations", "").split(",") if each]


@dataclass(frozen=True, slots=True)
class ViewFilters:
    """`since` and `until`: instants, half-open. None does not narrow."""

    person: UUID | None = None
    viewer: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


Organizations = Callable[[UUID, UUID], Awaitable[Sequence[UUID]]]
"""The organizations that a viewer belongs to, and of which a person is a customer."""


class ViewLog(Protocol):
    """The views log."""

    async def record(self, view: PersonView) -> None:
        """Record it, once a viewer, person and hour; a look as the person (`seen.SEE_AS`) counts beside the card.

        Raises Unavailable: then the card must not be shown.
        """
        ...

    async def find(self, filters: ViewFilters, *, limit: int, before: int | None = None) -> Sequence[RecordedView]:
        """The newest first, with ids lower than `before`."""
        ...


def person_of(aggregate: Aggregate | None) -> UUID | None:
    """The person whose data an aggregate holds: the account or the customer; None for things of nobody."""
    match aggregate:
        case Customer():
            return aggregate.id
        case Account():
            return aggregate.account_id
        case Appointment() | Hold() | Waiting():
            return aggregate.customer_id
        case _:
            return None
