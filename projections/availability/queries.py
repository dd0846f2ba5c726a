"""Which times are free?"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple
from uuid import UUID

from domain.errors import NotFound
from domain.scheduling.availability import Start
from domain.scheduling.interval import Interval, overlaps
from domain.scheduling.wallclock import SUPPORTED
from projections.availability.cache import AvailabilityCache
from projections.availability.evaluation import UnavailableReason, against, common_zone, offered, prepare
from projections.availability.loader import AvailabilityLoader, AvailabilitySnapshot
from projections.availability.response import (
    OPENING,
    AvailabilityResponse,
    PreparedAvailability,
    ending,
    written,
)
from projections.query.snapshot import Behind, Snapshots
from projections.read_models.availability import vacancy

_HORIZONS = (timedelta(days=1), timedelta(days=7), timedelta(days=62))
_FARTHEST = timedelta(days=9)  # from a start to an end of what it occupies
_INSTANT = timedelta(microseconds=1)


class Explanation(NamedTuple):
    """`rule`: what stands against a start, None if it is offered; `detail`: in a sentence."""

    offered: bool
    rule: UnavailableReason | None
    detail: str
    position: int


class Availability:
    """Answers from the read model; `starts` from the cache too, if there is one.

    No answer is from before the position `at_least`; raises Behind and BeyondHead as Reads does, and NotFound
    for a service that is not known.
    """

    def __init__(self, looks: AvailabilityLoader, reads: Snapshots, cache: AvailabilityCache | None = None) -> None:
        self._looks = looks
        self._reads = reads
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

        `timezone`, a zone's name, is only named in the answer. NotFound also for another provider.
        """
        prepared = await self._prepared(service_id, provider_id, span, now, at_least)
        return prepared.answer(now, timezone)

    async def earliest(
        self,
        service_id: UUID | None,
        tag: str | None,
        limit: int,
        *,
        now: datetime,
        at_least: int | None = None,
    ) -> AvailabilityResponse:
        """The next `limit` starts in 62 days, of a service, or without one of all that have a tag.

        Each start names its service too.
        """
        found: list[tuple[Start, UUID, UUID]] = []
        look = AvailabilitySnapshot(0, ())
        for horizon in _HORIZONS:
            span = Interval(now, min(now + horizon, SUPPORTED.end))
            if service_id is not None:
                look = await self._service(service_id, None, span, now, at_least)
            else:
                look = await self._looked(partial(self._looks.at_tag, tag or "", span, now), at_least)
            found = sorted(
                (start, service.id, calendar)
                for service in look.services
                for start, calendar in offered(service, span, now)
            )
            if len(found) >= limit:
                break
        return _earliest(look, found[:limit], now)

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
        look = await self._service(service_id, provider_id, around, now, at_least)
        offer = look.services[0].offer
        found = offered(look.services[0], around, now)
        return [start.start for start, _ in found if overlaps(offer.stretch(start.start), stretch)]

    async def why(
        self,
        service_id: UUID,
        provider_id: UUID | None,
        start: datetime,
        *,
        now: datetime,
        at_least: int | None = None,
    ) -> Explanation:
        """Whether a start is offered at `now`, and if not, what stands against it.

        Without a provider: by anybody, else what is against the one with whom it is nearest to being offered.
        """
        look = await self._service(service_id, provider_id, Interval(start, start + _INSTANT), now, at_least)
        rule = against(look.services[0], provider_id, start, now)
        return Explanation(rule is None, rule, "This start is offered." if rule is None else rule.detail, look.position)

    async def _prepared(
        self, service_id: UUID, provider_id: UUID | None, span: Interval, now: datetime, at_least: int | None
    ) -> PreparedAvailability:
        cache = self._cache
        if cache is None:
            return await self._prepare(service_id, provider_id, span, now, at_least)
        question = f"{service_id}{provider_id}{span[0].isoformat()}{span[1].isoformat()}"
        seconds = now.timestamp()
        kept = cache.near(question, seconds, at_least)
        if kept is not None:
            return kept
        kept, began = await cache.far(question, seconds, at_least)
        if kept is None:
            kept = await self._prepare(service_id, provider_id, span, now, at_least)
            cache.keep(question, kept, began)
        return kept

    async def _prepare(
        self, service_id: UUID, provider_id: UUID | None, span: Interval, now: datetime, at_least: int | None
    ) -> PreparedAvailability:
        look = await self._service(service_id, provider_id, span, now, at_least)
        service = look.services[0]
        if provider_id is not None and provider_id not in service.providers:
            raise NotFound("provider", provider_id)
        return prepare(look.position, service, provider_id, span, now)

    async def _service(
        self, service_id: UUID, provider_id: UUID | None, span: Interval, now: datetime, at_least: int | None
    ) -> AvailabilitySnapshot:
        once = partial(self._looks.at_service, service_id, provider_id, span, now)
        look = await self._looked(once, at_least)
        if not look.services:
            raise NotFound("service", service_id)
        return look

    async def _looked(
        self, once: Callable[[], Awaitable[AvailabilitySnapshot]], at_least: int | None
    ) -> AvailabilitySnapshot:
        look = await once()
        if at_least is not None and look.position < at_least:
            async with self._reads.open(vacancy.name, at_least):  # waits for it
                look = await once()
            if look.position < at_least:
                raise Behind(vacancy.name, look.position, at_least)
        return look


def _earliest(
    look: AvailabilitySnapshot, found: Sequence[tuple[Start, UUID, UUID]], now: datetime
) -> AvailabilityResponse:
    items = (
        written(start, f'"service_id":"{service}","provider_id":"{provider}",') for start, service, provider in found
    )
    zones = common_zone(calendar for service in look.services for calendar in service.calendars)
    body = b"".join((OPENING, ",".join(items).encode(), ending(look.position, now, zones)))
    return AvailabilityResponse(look.position, now.replace(microsecond=0), body)
