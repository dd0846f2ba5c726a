"""What is wanted, for whom; and in which order to try a service's providers when the caller names none."""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from application.access import Role
from domain.scheduling.wallclock import day_bounds, local_date, zone
from interfaces.http.framework.request import RequestContext
from projections.query.snapshot import EVERYTHING, Snapshot, Snapshots
from projections.read_models import appointment, customer, directory, schedule

FRESH = 10.0  # seconds that a service's providers are remembered: a ranking need not be newer
REMEMBERED = 1000  # services
_known: dict[UUID, tuple[float, list[UUID]]] = {}


class StartBody(Protocol):
    """A body that wants a start of a service."""

    @property
    def service_id(self) -> UUID: ...
    @property
    def start(self) -> datetime: ...
    @property
    def provider_id(self) -> UUID | None: ...
    @property
    def customer_id(self) -> UUID | None: ...


async def wanted(ask: RequestContext, body: StartBody) -> dict[str, Any]:
    """The fields that every Wanted has."""
    return {
        **ask.command(),
        "service_id": body.service_id,
        "start": body.start,
        "provider_id": body.provider_id,
        "customer_id": body.customer_id,
        "ranking": () if body.provider_id else await ranking(ask.ports.reads, body.service_id, body.start),
        "hosted": await hosted(ask, body.customer_id),
    }


async def hosted(ask: RequestContext, customer_id: UUID | None) -> bool:
    """Whether the customer is one whom the staff who ask may know of."""
    if customer_id is None or ask.caller.role is not Role.PROVIDER:
        return False
    async with ask.ports.reads.open("customer", sees=ask.sees) as read:
        return await customer.get(read, customer_id, owner=ask.owner) is not None


async def ranking(reads: Snapshots, service_id: UUID, start: datetime) -> Sequence[UUID]:
    """The providers with the fewest appointments in the local week of `start` first; none if it is one."""
    known = _known.get(service_id)
    if known is not None and time.monotonic() < known[0] and len(known[1]) < 2:
        return ()
    async with reads.open("agenda", sees=EVERYTHING) as read:
        providers = await _providers(read, service_id)
        if len(providers) < 2:
            return ()
        return await appointment.fewest(read, providers, *await _week(read, providers[0], start))


async def _providers(read: Snapshot, service_id: UUID) -> list[UUID]:
    service = await directory.service(read, service_id)
    found = [UUID(id) for id in service.terms["provider_ids"]] if service else []
    if service:
        while len(_known) >= REMEMBERED:
            del _known[next(iter(_known))]
        _known[service_id] = time.monotonic() + FRESH, found
    return found


async def _week(read: Snapshot, provider_id: UUID, start: datetime) -> tuple[datetime, datetime]:
    """Monday to Monday in the zone of the first provider: the others' are near enough to rank by."""
    rules = await schedule.of_calendar(read, provider_id)
    tz = zone(rules.timezone if rules else "UTC")
    day = local_date(start, tz)
    monday = day - timedelta(days=day.weekday())
    return day_bounds(monday, tz).start, day_bounds(monday + timedelta(days=7), tz).start
