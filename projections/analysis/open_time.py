"""Open and booked minutes of providers by date, and the time that was freed and booked again."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import psycopg

from domain.scheduling.interval import Interval
from projections.analysis import facts
from projections.analysis.calendar_history import Affiliation, CalendarHistory, WeeklyPlan
from projections.analysis.touched import AHEAD, Touched, dates
from projections.engine.row_batch import RowBatch

AT_ONCE = 400
"""Dates that are worked out without a turn of the event loop, by which heartbeats of the projector's lead are sent."""
_A_DAY = timedelta(days=1)
Connection = psycopg.AsyncConnection[Any]
Days = Mapping[UUID, Collection[date]]


async def horizon(connection: Connection, schema: str, touched: Touched) -> date | None:
    """The last date of open time before the page; None at the start. Keeps the clock from going back."""
    found = await (await connection.execute(_sql(_CLOCK, schema))).fetchone()
    if found is not None:
        touched.at = max(touched.at, found[0])
    return found and found[1]


async def settle(connection: Connection, schema: str, touched: Touched, was: date | None) -> None:
    """Work out the dates that the page has touched, and those that the later horizon has added."""
    last = (touched.at + AHEAD).date()
    for day in await _all(connection, _CLOSED, schema, [*{each for each, _ in touched.holidays}]):
        for organization_id, closed in touched.holidays:
            if organization_id == day[1]:
                touched.date(day[0], closed)
    days: dict[UUID, set[date]] = {id: {day for day in found if day <= last} for id, found in touched.days.items()}
    for id, first in touched.since.items():
        days.setdefault(id, set()).update(dates(first, last))
    if was is not None and was < last:
        for (id,) in await _all(connection, _EVERY, schema, was + _A_DAY, last + _A_DAY):
            days.setdefault(id, set()).update(dates(was + _A_DAY, last))
    for some in _parts(days):
        await _work_out(connection, schema, some)
    if touched.days:
        spans = [(id, min(found), max(found)) for id, found in touched.days.items()]
        await _all(connection, _RECOVERED, schema, *map(list, zip(*spans, strict=True)))


def _parts(days: Days) -> Iterator[Days]:
    """The calendars with dates, in parts of some AT_ONCE dates: of one calendar at least."""
    part: dict[UUID, Collection[date]] = {}
    number = 0
    for id, wanted in days.items():
        if number and number + len(wanted) > AT_ONCE:
            yield part
            part, number = {}, 0
        if wanted:
            part[id] = wanted
            number += len(wanted)
    if part:
        yield part


async def _work_out(connection: Connection, schema: str, days: Days) -> None:
    rows = RowBatch()
    known = await _histories(connection, schema, days)
    for id, wanted in days.items():
        for day in wanted:
            found = known[id].minutes(day)
            if found is None:
                rows.drop(facts.open_time, {"provider_id": id, "date": day})
                continue
            minutes = {"open_minutes": found.open, "booked_minutes": found.booked, "booked_open_minutes": found.both}
            of = {"organization_id": found.organization_id, "timezone": found.timezone}
            rows.put(facts.open_time, provider_id=id, date=day, **of, **minutes)
    await rows.flush(connection, schema)


async def _histories(connection: Connection, schema: str, days: Days) -> Mapping[UUID, CalendarHistory]:
    ids = list(days)
    first = min(min(each) for each in days.values()) - 2 * _A_DAY
    last = max(max(each) for each in days.values()) + 2 * _A_DAY
    plans = _grouped(await _all(connection, _PLANS, schema, ids))
    affiliations = _grouped(await _all(connection, _AFFILIATIONS, schema, ids))
    overrides = _grouped(await _all(connection, _OVERRIDES, schema, ids, first, last))
    off = _grouped(await _all(connection, _TIME_OFF, schema, ids, last, first))
    due = _grouped(await _all(connection, _DUE, schema, ids, first, last))
    employers = {row[1] for each in affiliations.values() for row in each if row[1] is not None}
    holidays = _grouped(await _all(connection, _HOLIDAYS, schema, list(employers), first, last))
    closed = {id: {day for (day,) in found} for id, found in holidays.items()}
    return {
        id: CalendarHistory(
            [WeeklyPlan(*row) for row in plans[id]],
            [Affiliation(*row) for row in affiliations[id]],
            {day.isoformat(): hours for day, hours in overrides[id]},
            [Interval(*row) for row in off[id]],
            closed,
            [(Interval(since, until), timezone) for since, until, timezone in due[id]],
        )
        for id in ids
    }


def _grouped(rows: Iterable[Sequence[Any]]) -> dict[UUID, list[Sequence[Any]]]:
    found: dict[UUID, list[Sequence[Any]]] = defaultdict(list)
    for id, *rest in rows:
        found[id].append(rest)
    return found


async def _all(connection: Connection, query: str, schema: str, *values: object) -> Sequence[Sequence[Any]]:
    return await (await connection.execute(_sql(query, schema), values, prepare=True)).fetchall()


def _sql(query: str, schema: str) -> bytes:
    return query.format(schema=schema).encode()


_CLOCK = "SELECT at, horizon FROM {schema}.fact_clock"
_CLOSED = """
    SELECT DISTINCT provider_id, organization_id FROM {schema}.fact_affiliation WHERE organization_id = ANY(%s)"""
_EVERY = """
    SELECT calendar FROM {schema}.fact_plan UNION
    SELECT provider_id FROM {schema}.fact_appointment WHERE due AND start_date BETWEEN %s::date - 8 AND %s::date + 1"""
_PLANS = """
    SELECT calendar, since, timezone, weekly FROM {schema}.fact_plan
    WHERE calendar = ANY(%s) ORDER BY calendar, position"""
_AFFILIATIONS = """
    SELECT provider_id, since, organization_id FROM {schema}.fact_affiliation
    WHERE provider_id = ANY(%s) ORDER BY provider_id, position"""
_OVERRIDES = """
    SELECT calendar, date, hours FROM {schema}.fact_override WHERE calendar = ANY(%s) AND date BETWEEN %s AND %s"""
_TIME_OFF = """
    SELECT calendar, since, until FROM {schema}.fact_time_off
    WHERE calendar = ANY(%s) AND since < %s::date AND until > %s::date"""
_DUE = """
    SELECT DISTINCT provider_id, start_at, end_at, timezone FROM {schema}.fact_appointment
    WHERE provider_id = ANY(%s) AND due AND start_at >= %s::date - interval '7 days' AND start_at < %s::date
    ORDER BY start_at, end_at, timezone"""
_HOLIDAYS = """
    SELECT organization_id, date FROM {schema}.fact_holiday
    WHERE organization_id = ANY(%s) AND date BETWEEN %s AND %s"""
_RECOVERED = """
    UPDATE {schema}.fact_appointment a SET recovered_minutes = r.minutes FROM (
        SELECT f.id, coalesce((
            SELECT sum(extract(epoch FROM upper(piece) - lower(piece)) / 60)::integer FROM unnest((
                SELECT range_agg(tstzrange(b.start_at, b.end_at) * tstzrange(f.start_at, f.end_at))
                FROM {schema}.fact_appointment b
                WHERE b.provider_id = f.provider_id AND b.due AND b.status <> 'cancelled'
                    AND b.taken_at > f.released_at AND b.start_at < f.end_at AND b.end_at > f.start_at
                    AND b.start_at > f.start_at - interval '7 days')) piece), 0) AS minutes
        FROM unnest(%s::uuid[], %s::date[], %s::date[]) k (id, first, last)
        JOIN {schema}.fact_appointment f ON f.provider_id = k.id AND f.released_at IS NOT NULL
            AND f.start_at >= k.first - interval '7 days' AND f.start_at < k.last + interval '1 day') r
    WHERE a.id = r.id AND a.recovered_minutes <> r.minutes
    RETURNING a.id"""
