"""The past of the event log: aggregates as they were at a position, and to whom they belonged then."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from application.access import Caller, Scope, permit
from application.current_state import current_state
from application.event_log import EventReader, EventStore
from domain.booking.appointment import Appointment
from domain.booking.calendar_day import Day
from domain.booking.hold import Hold
from domain.booking.waitlist import Waiting
from domain.catalog.organization import Organization, Rank
from domain.catalog.provider import Provider
from domain.catalog.service import Service
from domain.errors import NotFound
from domain.kernel import Aggregate
from domain.people.customer import Customer
from domain.scheduling.schedule import Schedule
from domain.webhooks.webhook import Webhook

When = int | datetime
"""A position, or an instant: the last position that had been recorded by then."""


@dataclass(frozen=True, slots=True)
class LogMoment:
    """A position, when it was recorded, and when the next one was: None at the end of the log.

    Position 0 is the log before its first event.
    """

    position: int
    at: datetime | None
    until: datetime | None


class PastEvent(NamedTuple):
    """An event of the log with its place in it. `event`: its personal data decrypted, where the key exists."""

    stream: UUID
    version: int
    topic: str
    event: Any
    position: int
    at: datetime
    metadata: Mapping[str, Any]


class PastReader(EventReader, Protocol):
    """Reads aggregates as they were at one position, their personal data decrypted with the keys of today."""

    async def state(self, stream: UUID) -> Aggregate | None:
        """The aggregate of a stream, of whatever kind; None if it had no event yet."""
        ...

    async def read_ahead(self, streams: Collection[UUID]) -> None:
        """Read the streams together, of which `state` will be asked."""
        ...

    def earlier(self, position: int) -> "PastReader":
        """The same as it was before, at a lower position. Streams that were read are not read again."""
        ...


class PastLog(Protocol):
    """The event log at all its positions."""

    async def moment(self, when: When | None) -> LogMoment:
        """The moment of a position or an instant; None: the end of the log. Raises for a position beyond the end."""
        ...

    def at(self, position: int) -> PastReader:
        """The aggregates as they were at a position."""
        ...

    async def following(self, stream: UUID, version: int, limit: int) -> Sequence[PastEvent]:
        """The events of a stream after a version, in order, at most `limit`."""
        ...

    async def recorded(self, positions: Collection[int]) -> Sequence[PastEvent]:
        """The events at these positions, in the order of the log."""
        ...


@dataclass(frozen=True, slots=True)
class PastState:
    """An aggregate as it was at a moment; None if it had no event yet."""

    moment: LogMoment
    aggregate: Aggregate | None


Shows = Callable[[Aggregate, EventReader], Awaitable[bool]]
"""Whether a caller may see this state of an aggregate. The reader reads at the same position."""


async def shows_everything(aggregate: Aggregate, log: EventReader) -> bool:  # noqa: ARG001
    """For the operator of the server."""
    return True


class PastAccess:
    """Decides which states of aggregates a caller may see.

    A thing belongs to the organization that it belonged to at that position. The owners of an organization are those
    of now. Whoever has the operation for everything sees everything.
    """

    def __init__(self, by: Caller, operation: str, store: EventStore) -> None:
        """Raises Unauthenticated or Forbidden."""
        self._by = by
        self._everything = permit(by, operation) is Scope.ANY
        self._store = store
        self._owned: dict[UUID, bool] = {}

    @property
    def everything(self) -> bool:
        """Whether the caller may see all that was recorded."""
        return self._everything

    @property
    def shows(self) -> Shows:
        """Whether the caller may see a state."""
        return shows_everything if self._everything else self._is_theirs

    async def _is_theirs(self, aggregate: Aggregate, log: EventReader) -> bool:
        organization_id = await organization_then(aggregate, log)
        return organization_id is not None and await self.owns(organization_id)

    async def owns(self, organization_id: UUID) -> bool:
        """Whether the caller is an owner of the organization now."""
        if organization_id not in self._owned:
            organization = await current_state(Organization, organization_id, self._store)
            rank = organization.members.get(self._by.account) if organization is not None else None
            self._owned[organization_id] = rank is Rank.OWNER
        return self._owned[organization_id]


async def organization_then(aggregate: Aggregate, log: EventReader) -> UUID | None:
    """The organization that an aggregate belonged to, as of what `log` reads; None for what belonged to none."""
    match aggregate:
        case Appointment(organization_recorded=False) | Hold():
            return await _of(Provider, aggregate.provider_id, log)
        case Schedule() | Day():
            return await _of(Provider, aggregate.calendar_id, log)
        case Service(terms={"organization_id": None}):
            return await _of(Provider, aggregate.provider_ids[0], log)
        case Waiting():
            return await _of(Service, aggregate.service_id, log)
        case _:
            return _recorded(aggregate)


async def _of(kind: type[Aggregate], id: UUID, log: EventReader) -> UUID | None:
    found = await log.find(kind, id)
    return None if found is None else await organization_then(found, log)


def _recorded(aggregate: Aggregate) -> UUID | None:
    """The organization that the aggregate itself names."""
    match aggregate:
        case Organization():
            return aggregate.id
        case Appointment() | Customer() | Webhook():
            return aggregate.organization_id
        case Service(terms={"organization_id": str(named)}) | Provider(profile={"organization_id": str(named)}):
            return UUID(named)
        case _:
            return None


async def state_at(stream: UUID, when: When | None, past: PastLog, shows: Shows) -> PastState:
    """An aggregate as it was; raises NotFound if it had no event yet, or did not belong to the caller then."""
    found = await _state(stream, when, past, shows)
    if found.aggregate is None:
        raise NotFound("stream", stream)
    return found


async def two_states(
    stream: UUID, moments: tuple[When | None, When | None], past: PastLog, shows: Shows
) -> tuple[PastState, PastState]:
    """An aggregate at two moments, one of which may be before its first event; raises NotFound as `state_at`."""
    first, second = [await _state(stream, when, past, shows) for when in moments]
    if first.aggregate is None and second.aggregate is None:
        raise NotFound("stream", stream)
    return first, second


async def _state(stream: UUID, when: When | None, past: PastLog, shows: Shows) -> PastState:
    moment = await past.moment(when)
    log = past.at(moment.position)
    aggregate = await log.state(stream)
    if aggregate is not None and not await shows(aggregate, log):
        raise NotFound("stream", stream)
    return PastState(moment, aggregate)
