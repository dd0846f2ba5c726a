"""The job that applies a choice to the appointments that a change of opening hours has left outside them.

It concerns every such appointment as of the position of the change: a booking after it has seen the new hours.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import NamedTuple, Protocol
from uuid import UUID

from application.access import SYSTEM
from application.current_state import GetCurrentState, get_current_state
from application.event_log import EventStore
from application.jobs.job import Job, JobHandlers, JobLease
from application.orphans.settlement import CheckAppointment, GetOpeningHours, check_appointment, get_opening_hours
from application.scheduling.hours_change import OrphanHandling
from domain.catalog.organization import Organization
from domain.errors import Refusal
from domain.scheduling.interval import Interval
from domain.scheduling.opening_hours import OpeningHours, covers
from domain.scheduling.schedule import rules_of


class Upcoming(NamedTuple):
    """An upcoming appointment whose time staff have not set the hours aside for. `orphan`: whether it is listed."""

    id: UUID
    time: Interval
    orphan: bool


class UpcomingReader(Protocol):
    """Reads the appointments that a change of hours may concern, no older than a log position."""

    async def providers_of(self, organization_id: UUID, position: int | None) -> Sequence[UUID]:
        """The providers of an organization."""
        ...

    async def of_provider(self, provider_id: UUID, now: datetime, position: int | None) -> Sequence[Upcoming]:
        """The upcoming appointments of a provider, requests included, by start."""
        ...


class NothingUpcoming:
    """For an installation without read models."""

    async def providers_of(self, organization_id: UUID, position: int | None) -> Sequence[UUID]:  # noqa: ARG002
        """Always empty."""
        return ()

    async def of_provider(self, provider_id: UUID, now: datetime, position: int | None) -> Sequence[Upcoming]:  # noqa: ARG002
        """Always empty."""
        return ()


@dataclass(frozen=True, slots=True)
class HoursCheckServices:
    """The services of the job."""

    store: EventStore
    upcoming: UpcomingReader


def hours_check_handlers(services: HoursCheckServices) -> JobHandlers:
    """The handler of the job."""
    return {"check_hours": partial(check_hours, services=services)}


async def check_hours(job: Job, lease: JobLease, services: HoursCheckServices) -> str:
    """Check the upcoming appointments of a provider, or of all providers of an organization."""
    if "holiday" not in job.said:
        return await _check_provider(job.subject, job, lease, services)
    found = await get_current_state(GetCurrentState(by=SYSTEM, kind=Organization, id=job.subject), services.store)
    outcome = "done"
    for provider_id in await services.upcoming.providers_of(job.subject, found.position):
        outcome = max(outcome, await _check_provider(provider_id, job, lease, services))
    return outcome


async def _check_provider(provider_id: UUID, job: Job, lease: JobLease, services: HoursCheckServices) -> str:
    asked = GetOpeningHours(by=SYSTEM, provider_id=provider_id)
    found, now = await get_opening_hours(asked, services.store), services.store.now()
    before, after = _hours(found.aggregate, job)
    outcome, orphans, by = "done", OrphanHandling.of(job.said), UUID(job.said["by"])
    for each in await services.upcoming.of_provider(provider_id, now, found.position):
        left_outside = covers(before, each.time) and not covers(after, each.time)
        if not left_outside and not each.orphan:
            continue
        await lease.hold()
        choice = orphans.of_appointment(each.id) if left_outside else None
        check = CheckAppointment(by=SYSTEM, appointment_id=each.id, on_behalf=by, orphans=choice, **job.trace)
        try:
            await check_appointment(check, services.store)
        except Refusal:
            outcome = "partly"
    return outcome


def _hours(now: OpeningHours, job: Job) -> tuple[OpeningHours, OpeningHours]:
    """The opening rules of a provider before and after the change. Holidays that it did not touch are those of now."""
    if "holiday" not in job.said:
        before, after = (rules_of(job.said[name]).less(now.holidays) for name in ("before", "after"))
        return before, after
    day = frozenset([date.fromisoformat(job.said["holiday"])])
    closed, opened = replace(now, holidays=now.holidays | day), replace(now, holidays=now.holidays - day)
    return (opened, closed) if day <= now.holidays else (closed, opened)
