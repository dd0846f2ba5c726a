"""The columns of the calendar: the providers that the person acts for, and the shades on each of them."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.scheduling.interval import Interval, clip
from domain.scheduling.opening_hours import openings
from domain.scheduling.wallclock import day_bounds
from interfaces.admin.calendar.clock import A_DAY, at_minute, minute_of, skipped, wall
from interfaces.admin.calendar.wanted import CalendarQuery, widest
from interfaces.admin.catalog.managed import check_provider
from interfaces.admin.operations import Call, context_of, run
from interfaces.admin.request import PanelRequest
from projections.availability.day_plan import DayPlan, day_plans

Row = Mapping[str, Any]
_ENDED = "ended"


async def providers_of(asked: PanelRequest, wanted: CalendarQuery) -> tuple[Sequence[Row], str]:
    """The providers by name, and the cursor of the next ones; raises NotFound for one of others."""
    if wanted.provider_id:
        row: Row = (await run(asked, Call("get_provider", {"provider_id": wanted.provider_id}))).body
        await check_provider(asked, row)
        return [row], ""
    query = {"managed": "true", "service_id": wanted.service_id, "tag": wanted.tag, "cursor": wanted.cursor}
    found = (await run(asked, Call("list_providers", query={**query, "limit": str(wanted.most_providers)}))).body
    return [each for each in found["items"] if each["status"] != _ENDED], found["next"] or ""


async def plans_of(
    asked: PanelRequest, providers: Sequence[Row], wanted: CalendarQuery, after: str
) -> Mapping[str, DayPlan]:
    """Hours and occupied time by provider. The operations that answered the providers decided whose they are."""
    context = context_of(asked, "get_schedule", after)
    ids = [UUID(each["id"]) for each in providers]
    async with context.snapshot("availability") as read:
        plans = await day_plans(read, ids, widest(wanted.days), asked.ports.store.now())
    return {str(id): plan for id, plan in plans.items()}


def shades(plan: DayPlan, days: Sequence[date], tz: ZoneInfo) -> list[dict[str, str]]:
    """Closed hours, and occupied time with its buffers, on the wall clock."""
    found = [
        {"kind": "closed", "start": at_minute(day, since), "end": at_minute(day, until)}
        for day in days
        for since, until in _closed(plan, day, tz)
    ]
    for kind, stretches in (("occupied", plan.occupied), ("held", plan.held)):
        found += [{"kind": kind, "start": wall(each.start, tz), "end": wall(each.end, tz)} for each in stretches]
    return found


def open_minutes(plan: DayPlan, day: date, tz: ZoneInfo) -> list[tuple[int, int]]:
    """Minutes of the day on which the provider is open, in order."""
    bounds = day_bounds(day, tz)
    return sorted(_minutes(clip(each, bounds), day, tz) for each in openings(plan.hours, bounds))


def _closed(plan: DayPlan, day: date, tz: ZoneInfo) -> list[tuple[int, int]]:
    """Minutes of the day on which the provider is closed, or which clocks skip."""
    closed, reached = [], 0
    for since, until in open_minutes(plan, day, tz):
        if since > reached:
            closed.append((reached, since))
        reached = max(reached, until)
    if reached < A_DAY:
        closed.append((reached, A_DAY))
    gone = skipped(day, tz)
    return closed if gone is None else [*closed, gone]


def _minutes(piece: Interval, day: date, tz: ZoneInfo) -> tuple[int, int]:
    since, until = minute_of(piece.start, day, tz), minute_of(piece.end, day, tz)
    if until <= since:  # it ends in an hour that happens twice
        until = since + int((piece.end - piece.start).total_seconds() // 60)
    return since, min(until, A_DAY)
