"""When are these calendars open in a span, and which of their time is occupied? For calendars that staff look at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select

from domain.scheduling.interval import Interval
from domain.scheduling.opening_hours import OpeningHours
from domain.scheduling.schedule import hours_of
from projections.query.snapshot import Snapshot
from projections.read_models.availability import calendar, employer, holiday, override, seat, time_off

_A_DAY = timedelta(days=1)
_c, _o, _t, _e, _h, _s = calendar.c, override.c, time_off.c, employer.c, holiday.c, seat.c
Span = tuple[Interval, date, date]
"""The span, and the first and last date that a window in it can begin on."""


@dataclass(frozen=True, slots=True)
class DayPlan:
    """`hours`: holidays subtracted. `occupied`: buffers included; `held`: until somebody decides or it expires."""

    hours: OpeningHours
    occupied: Sequence[Interval]
    held: Sequence[Interval]


async def day_plans(read: Snapshot, ids: Sequence[UUID], span: Interval, now: datetime) -> Mapping[UUID, DayPlan]:
    """The plans of calendars by id; none of one that is unknown. Hours are those of the span alone."""
    within: Span = (span, (span.start - 2 * _A_DAY).date(), (span.end + 2 * _A_DAY).date())
    rows = (await read.connection.execute(select(calendar).where(_c.id.in_(ids)))).all()
    changed, off = await _overrides(read, ids, within), await _off(read, ids, span)
    closed, taken = await _closed(read, ids, within), await _occupied(read, ids, within, now)
    found = {}
    for row in rows:
        hours = hours_of(row.timezone, row.weekly, changed.get(row.id, {}), off.get(row.id, []))
        seats = taken.get(row.id, [])
        found[row.id] = DayPlan(
            hours.less(frozenset(closed.get(row.id, ()))),
            [Interval(since, until) for since, until, held in seats if not held],
            [Interval(since, until) for since, until, held in seats if held],
        )
    return found


async def _overrides(read: Snapshot, ids: Sequence[UUID], within: Span) -> Mapping[UUID, dict[str, Any]]:
    query = select(_o.calendar, _o.date, _o.hours).where(_o.calendar.in_(ids), _o.date.between(*within[1:]))
    found: dict[UUID, dict[str, Any]] = {}
    for row in await read.connection.execute(query):
        found.setdefault(row.calendar, {})[row.date.isoformat()] = row.hours
    return found


async def _off(read: Snapshot, ids: Sequence[UUID], span: Interval) -> Mapping[UUID, list[tuple[datetime, datetime]]]:
    overlaps = (_t.since < span.end, _t.until > span.start)
    query = select(_t.calendar, _t.since, _t.until).where(_t.calendar.in_(ids), *overlaps)
    found: dict[UUID, list[tuple[datetime, datetime]]] = {}
    for row in await read.connection.execute(query):
        found.setdefault(row.calendar, []).append((row.since, row.until))
    return found


async def _closed(read: Snapshot, ids: Sequence[UUID], within: Span) -> Mapping[UUID, list[date]]:
    """The holidays of the calendars' organizations."""
    joined = employer.join(holiday, _h.organization == _e.organization)
    query = select(_e.calendar, _h.date).select_from(joined).where(_e.calendar.in_(ids), _h.date.between(*within[1:]))
    found: dict[UUID, list[date]] = {}
    for row in await read.connection.execute(query):
        found.setdefault(row.calendar, []).append(row.date)
    return found


async def _occupied(
    read: Snapshot, ids: Sequence[UUID], within: Span, now: datetime
) -> Mapping[UUID, list[tuple[datetime, datetime, bool]]]:
    """Each stretch once, however many seats it has: stretches of a calendar do not overlap, which bounds them."""
    span, first, last = within
    standing: ColumnElement[bool] = or_(_s.expires_at.is_(None), _s.expires_at > now)
    wanted = (_s.calendar.in_(ids), _s.date.between(first, last), _s.since < span.end, _s.until > span.start, standing)
    held = func.bool_and(_s.expires_at.is_not(None)).label("held")
    query = select(_s.calendar, _s.since, _s.until, held).where(*wanted).group_by(_s.calendar, _s.since, _s.until)
    found: dict[UUID, list[tuple[datetime, datetime, bool]]] = {}
    for row in await read.connection.execute(query.order_by(_s.since)):
        found.setdefault(row.calendar, []).append((row.since.astimezone(UTC), row.until.astimezone(UTC), row.held))
    return found
