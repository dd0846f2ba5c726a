"""Queries of free starts, and of the rule that forbids a start."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import NamedTuple
from uuid import UUID

from prometheus_client import Counter

from domain.errors import NotFound
from domain.scheduling.availability import Start
from domain.scheduling.interval import Interval, overlaps
from domain.scheduling.opening_hours import OpeningHours
from domain.scheduling.unavailable_reason import UnavailableReason
from domain.scheduling.wallclock import SUPPORTED
from projections.availability.cache import AvailabilityCache
from projections.availability.comparison import ComparedStarts, compared
from projections.availability.evaluation import (
    against,
    closing_holiday,
    common_zone,
    offered,
    prepare,
)
from projections.availability.loader import AvailabilityLoader
from projections.availability.response import (
    OPENING,
    AvailabilityResponse,
    PreparedAvailability,
    ending,
    written,
)
from projections.availability.snapshot import AvailabilitySnapshot
from projections.query.snapshot import Behind, Snapshots
from projections.read_models.availability import vacancy

_ANSWERS = Counter("daybook_availability_answers", "Answers of free starts, by where they came from", ["source"])
FROM_PROCESS, FROM_REDIS, COMPUTED = (_ANSWERS.labels(source) for source in ("process", "redis", "computed"))
_HORIZONS = (timedelta(days=1), timedelta(days=7), timedelta(days=62))
_FARTHEST = timedelta(days=9)  # from a start to either end of the time that it occupies
_INSTANT = timedelta(microseconds=1)


class Explanation(NamedTuple):
    """`rules`: why a start is not offered, none if it is; `position`: of which that is true.

    `holiday`: the date and name of the holiday that closes the provider.
    """

    rules: Sequence[UnavailableReason]
    position: int
    holiday: tuple[date, str] | None = None

    @property
    def rule(self) -> UnavailableReason | None:
        """The first of them."""
        return self.rules[0] if self.rules else None

    @property
    def offered(self) -> bool:
        return not self.rules


class Availability:
    """Answers from the read model; `starts` from the cache too, if there is one.

    No answer is from before the position `at_least`. Raises Behind and BeyondHead as Snapshots does, and
    NotFound for an unknown service.
    """

    def __init__(
        self, loader: AvailabilityLoader, snapshots: Snapshots, cache: AvailabilityCache | None = None
    ) -> None:
        self._loader = loader
        self._snapshots = snapshots
        self._cache = cache

    async def starts(
        self,
        service_id: UUID,
        provider_id: UUID | None,
        span: Interval,
        *,
        now: datetime,
        at_least: int | None = None,
        timezone: str | None = None,
    ) -> AvailabilityResponse:
        """The starts in `span` offered at `now`, by one provider or by all.

        `timezone`: a zone's name to state in the answer. NotFound also for a provider of other services.
        """
        prepared = await self._prepared(service_id, provider_id, span, now, at_least)
        return prepared.answer(now, timezone)

    async def earliest(
        self, service_id: UUID | None, tag: str | None, limit: int, *, now: datetime, at_least: int | None = None
    ) -> AvailabilityResponse:
        """The next `limit` starts in 62 days, of a service, or without one of all that have a tag.

        Each start names its service too.
        """
        found: list[tuple[Start, UUID, UUID]] = []
        snapshot = AvailabilitySnapshot(0, ())
        for horizon in _HORIZONS:
            span = Interval(now, min(now + horizon, SUPPORTED.end))
            snapshot = await self._of_service_or_tag(service_id, tag or "", span, now, at_least)
            found = sorted(
                (start, service.id, calendar)
                for service in snapshot.services
                for start, calendar in offered(service, span, now)
            )
            if len(found) >= limit:
                break
        return _earliest(snapshot, found[:limit], now)

    async def touching(
        self,
        service_id: UUID,
        provider_id: UUID,
        stretch: Interval,
        *,
        now: datetime,
        at_least: int | None = None,
    ) -> Sequence[datetime]:
        """The starts offered at `now` that would occupy a part of the stretch, buffers included."""
        around = Interval(stretch.start - _FARTHEST, stretch.end + _FARTHEST)
        snapshot = await self._service(service_id, provider_id, around, now, at_least)
        offer = snapshot.services[0].offer
        found = offered(snapshot.services[0], around, now)
        return [start.start for start, _ in found if overlaps(offer.stretch(start.start), stretch)]

    async def compared(
        self,
        provider_id: UUID,
        hours: tuple[OpeningHours, OpeningHours],
        span: Interval,
        *,
        now: datetime,
        at_least: int | None = None,
    ) -> Sequence[ComparedStarts]:
        """The starts that a provider's services gain and lose in `span` by a change of hours, before and after."""
        snapshot = await self._at_least(partial(self._loader.at_provider, provider_id, span, now), at_least)
        return compared(snapshot, *hours, span, now)

    async def why(
        self,
        service_id: UUID,
        provider_id: UUID | None,
        start: datetime,
        *,
        now: datetime,
        at_least: int | None = None,
    ) -> Explanation:
        """Whether a start is offered at `now`, and if not, why.

        Without a provider: by any, else the reason of the provider nearest to offering it.
        """
        snapshot = await self._service(service_id, provider_id, Interval(start, start + _INSTANT), now, at_least)
        found = Explanation(against(snapshot.services[0], provider_id, start, now), snapshot.position)
        if found.rule is not UnavailableReason.CLOSED:
            return found
        return found._replace(holiday=closing_holiday(snapshot.services[0], start))

    async def _of_service_or_tag(
        self, service_id: UUID | None, tag: str, span: Interval, now: datetime, at_least: int | None
    ) -> AvailabilitySnapshot:
        if service_id is not None:
            return await self._service(service_id, None, span, now, at_least)
        return await self._at_least(partial(self._loader.at_tag, tag, span, now), at_least)

    async def _prepared(
        self, service_id: UUID, provider_id: UUID | None, span: Interval, now: datetime, at_least: int | None
    ) -> PreparedAvailability:
        cache = self._cache
        if cache is None:
            return await self._prepare(service_id, provider_id, span, now, at_least)
        question = f"{service_id}{provider_id}{span[0].isoformat()}{span[1].isoformat()}"
        seconds = now.timestamp()
        cached = cache.from_process(question, seconds, at_least)
        if cached is not None:
            FROM_PROCESS.inc()
            return cached
        cached, epochs = await cache.from_redis(question, seconds, at_least)
        if cached is not None:
            FROM_REDIS.inc()
        else:
            COMPUTED.inc()
            cached = await self._prepare(service_id, provider_id, span, now, at_least)
            cache.keep(question, cached, epochs)
        return cached

    async def _prepare(
        self, service_id: UUID, provider_id: UUID | None, span: Interval, now: datetime, at_least: int | None
    ) -> PreparedAvailability:
        snapshot = await self._service(service_id, provider_id, span, now, at_least)
        service = snapshot.services[0]
        if provider_id is not None and provider_id not in service.providers:
            raise NotFound("provider", provider_id)
        return prepare(snapshot.position, service, provider_id, span, now)

    async def _service(
        self, service_id: UUID, provider_id: UUID | None, span: Interval, now: datetime, at_least: int | None
    ) -> AvailabilitySnapshot:
        load = partial(self._loader.at_service, service_id, provider_id, span, now)
        snapshot = await self._at_least(load, at_least)
        if not snapshot.services:
            raise NotFound("service", service_id)
        return snapshot

    async def _at_least(
        self, load: Callable[[], Awaitable[AvailabilitySnapshot]], at_least: int | None
    ) -> AvailabilitySnapshot:
        snapshot = await load()
        if at_least is not None and snapshot.position < at_least:
            async with self._snapshots.open(vacancy.name, at_least):  # waits for the projection
                snapshot = await load()
            if snapshot.position < at_least:
                raise Behind(vacancy.name, snapshot.position, at_least)
        return snapshot


def _earliest(
    snapshot: AvailabilitySnapshot, found: Sequence[tuple[Start, UUID, UUID]], now: datetime
) -> AvailabilityResponse:
    items = (
        written(start, f'"service_id":"{service}","provider_id":"{provider}",') for start, service, provider in found
    )
    zones = common_zone(calendar for service in snapshot.services for calendar in service.calendars)
    body = b"".join((OPENING, ",".join(items).encode(), ending(snapshot.position, now, zones)))
    return AvailabilityResponse(snapshot.position, now.replace(microsecond=0), body)
