"""Free times of the past: whether a start was offered at a moment, and every reason against it.

It is decided by what a booking command looks at, read from the streams as they were at that moment, by the rules of
this release. `now` is that moment too.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, TypeVar
from uuid import UUID

from application.catalog.membership import organization_of
from application.past import LogMoment, PastLog, PastReader, Shows, When
from application.scheduling.start_look import look_at_start, takers_at
from domain.booking.move import move_taker
from domain.catalog.provider import Provider, ProviderInactive
from domain.catalog.service import NotOfferedBy, Service, ServiceWithdrawn
from domain.errors import Invalid, NotFound
from domain.kernel import Aggregate
from domain.scheduling.availability import rules_against
from domain.scheduling.opening_hours import OpeningHours
from domain.scheduling.unavailable_reason import UnavailableReason
from domain.scheduling.wallclock import local_date, zone

A = TypeVar("A", bound=Aggregate)


class PastStart(NamedTuple):
    """A start that somebody wanted. `provider_id`: None for any provider of the service."""

    service_id: UUID
    provider_id: UUID | None
    start: datetime


@dataclass(frozen=True, slots=True)
class PastExplanation:
    """`rules`: why the start was not offered, none if it was; of the provider nearest to offering it.

    `as_of`: the time at which they are judged. `holiday`: the date and name of the one that closed the provider.
    `taken_by`: the appointments and holds in the way that the asker may see; `withheld`: the number of the others.
    """

    moment: LogMoment
    as_of: datetime
    rules: Sequence[UnavailableReason]
    holiday: tuple[date, str] | None = None
    taken_by: Sequence[UUID] = ()
    withheld: int = 0

    @property
    def rule(self) -> UnavailableReason | None:
        """The first of the reasons."""
        return self.rules[0] if self.rules else None


class _Against(NamedTuple):
    """The reasons against a start with one provider."""

    rules: Sequence[UnavailableReason]
    provider: Provider | None = None
    hours: OpeningHours | None = None
    takers: Collection[UUID] = ()


class _Asked(NamedTuple):
    """What everything below works on. `log`: reads at the moment; `now`: its time."""

    wanted: PastStart
    log: PastReader
    now: datetime
    shows: Shows


async def explain_start_at(
    wanted: PastStart, when: When, past: PastLog, shows: Shows, now: datetime
) -> PastExplanation:
    """Why a start was not offered at a moment. `now`: the database's clock, beyond which no instant may lie.

    Raises NotFound unless the service, and the provider that was named, were there and belonged to the asker then.
    """
    moment = await past.moment(when)
    as_of = when if isinstance(when, datetime) else moment.at
    if as_of is None:  # the log was empty
        raise NotFound("service", wanted.service_id)
    if as_of > now and as_of != moment.at:  # the log's time may be ahead of the clock
        raise Invalid("Must not lie in the future.", "/at")
    asked = _Asked(wanted, past.at(moment.position), as_of, shows)
    service = await _shown(Service, wanted.service_id, asked)
    nearest = await _nearest(service, asked)
    taken_by, withheld = await _takers(nearest.takers, asked)
    return PastExplanation(moment, as_of, nearest.rules, await _holiday(nearest, asked), taken_by, withheld)


async def _shown(kind: type[A], id: UUID, asked: _Asked) -> A:
    found = await asked.log.load(kind, id)
    if not await asked.shows(found, asked.log):
        raise NotFound(kind.__name__.lower(), id)
    return found


async def _nearest(service: Service, asked: _Asked) -> _Against:
    """The provider who offered the start, else the one nearest to it."""
    named = asked.wanted.provider_id
    if named is not None:
        return await _against(service, await _shown(Provider, named, asked), asked)
    found = _Against([UnavailableReason.INACTIVE])
    for id in sorted(service.provider_ids):
        provider = await asked.log.load(Provider, id)
        if await asked.shows(provider, asked.log):
            each = await _against(service, provider, asked)
            if not each.rules:
                return each
            found = max(found, each, key=lambda it: it.rules[0].place)
    return found


async def _against(service: Service, provider: Provider, asked: _Asked) -> _Against:
    """All reasons against the start with this provider, in order."""
    start, now = asked.wanted.start, asked.now
    try:
        service.check_offered(provider.id)
        look = await look_at_start(service, provider, start, asked.log, now)
    except NotOfferedBy:
        return _Against([UnavailableReason.NOT_OFFERED_BY])
    except ServiceWithdrawn:
        return _Against([UnavailableReason.WITHDRAWN])
    except ProviderInactive:
        return _Against([UnavailableReason.INACTIVE])
    rules = [UnavailableReason(rule.value) for rule in rules_against(*look, start, now)]
    if not {UnavailableReason.TAKEN, UnavailableReason.FULL} & set(rules):
        return _Against(rules, provider, look.hours)
    return _Against(rules, provider, look.hours, await takers_at(service, provider, start, asked.log, now))


async def _holiday(found: _Against, asked: _Asked) -> tuple[date, str] | None:
    """The holiday that closed the provider on the date of the start."""
    if found.provider is None or found.hours is None or UnavailableReason.CLOSED not in found.rules:
        return None
    day = local_date(asked.wanted.start, zone(found.hours.timezone))
    organization = await organization_of(found.provider, asked.log)
    if organization is None or not found.hours.holiday_closes(day):
        return None
    return day, organization.holidays[day.isoformat()]


async def _takers(takers: Collection[UUID], asked: _Asked) -> tuple[Sequence[UUID], int]:
    """The appointments and holds that occupied the time, as far as the asker may see them; the number of others.

    The place that an appointment asks for beside its own is that of another taker.
    """
    shown: list[UUID] = []
    for taker in sorted(takers):
        found = await asked.log.state(taker) or await asked.log.state(move_taker(taker))
        if found is not None and await asked.shows(found, asked.log):
            shown.append(found.id)
    return sorted(set(shown)), len(takers) - len(shown)
