"""A page of events into facts: the rows that it changes are read, changed event by event, and written back.

Whatever the size of the pages, the rows end the same: what depends on several rows is worked out from them afterwards.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from domain.booking.appointment import Appointment
from domain.booking.appointment_fields import BeginFields
from domain.booking.hold import Hold
from domain.booking.waitlist import Waiting
from domain.catalog.organization import Organization
from domain.catalog.provider import Provider
from domain.catalog.service import Service
from domain.people.account import Account
from domain.people.customer import Customer
from domain.scheduling.interval import Interval
from domain.scheduling.schedule import Schedule
from projections.analysis import facts, open_time, people, rules, sessions, waiting
from projections.analysis.appointment import begun, changed, event_row
from projections.analysis.touched import AHEAD, Touched
from projections.engine.projection import Projection, RecordedEvent
from projections.engine.row_batch import Row, RowBatch

Connection = psycopg.AsyncConnection[Any]


class _Before(NamedTuple):
    """What the page's events find: rows of appointments, time off, and the organization of each provider."""

    appointments: dict[UUID, Row]
    time_off: dict[tuple[UUID, UUID], Interval]
    employers: dict[UUID, UUID | None]


async def fold(connection: Connection, schema: str, events: Sequence[RecordedEvent]) -> None:
    """Bring the facts up to the last of the events."""
    before = await _read(connection, schema, events)
    rows, touched = RowBatch(), Touched()
    for recorded in events:
        _apply(recorded, before, rows, touched)
        rules.project(recorded, rows)
    for row in before.appointments.values():
        rows.put(facts.appointment, **row)
    was = await open_time.horizon(connection, schema, touched)
    rows.put(facts.clock, single=True, at=touched.at, horizon=(touched.at + AHEAD).date())
    await rows.flush(connection, schema)
    await people.settle(connection, schema, touched)
    await sessions.settle(connection, schema, touched)
    await open_time.settle(connection, schema, touched, was)


def _apply(recorded: RecordedEvent, before: _Before, rows: RowBatch, touched: Touched) -> None:
    event: Any = recorded.event
    touched.at = max(touched.at, event.timestamp)
    match event:
        case Appointment.Event():
            _appointment(recorded, event, before, rows, touched)
        case Schedule.Event():
            _schedule(recorded, event, before, touched)
        case Provider.Joined() | Provider.Changed():
            named = event.profile.get("organization_id")
            employer = None if named is None else UUID(named)
            if before.employers.get(recorded.stream) != employer:
                touched.from_then(recorded.stream, event.timestamp)
            before.employers[recorded.stream] = employer
        case Organization.HolidaySet() | Organization.HolidayLifted():
            touched.holidays.add((recorded.stream, datetime.fromisoformat(event.date).date()))
        case Service.Offered() | Service.Changed():
            touched.services.setdefault(recorded.stream, event.timestamp)
        case Hold.Event() | Waiting.Event():
            waiting.project(recorded, before.employers, rows, touched)
        case Customer.Event() | Account.Event():
            people.project(recorded, rows, touched)
        case _:
            pass


def _appointment(
    recorded: RecordedEvent, event: Appointment.Event, before: _Before, rows: RowBatch, touched: Touched
) -> None:
    if isinstance(event, BeginFields):
        employer = before.employers.get(event.provider_id)  # release 0.1.0 did not record the organization
        organization_id = event.organization_id if event.organization_recorded else employer
        row = begun(recorded.stream, event, event.timestamp, organization_id)
    else:
        was = before.appointments[recorded.stream]
        touched.appointment(was)
        row = changed(was, event)
    before.appointments[recorded.stream] = row
    touched.appointment(row)
    if (happened := event_row(recorded, event, row)) is not None:
        rows.put(facts.appointment_event, **happened)


def _schedule(recorded: RecordedEvent, event: Schedule.Event, before: _Before, touched: Touched) -> None:
    calendar = recorded.calendar
    assert calendar is not None  # it is a Schedule's event
    match event:
        case Schedule.Opened() | Schedule.WeeklySet():
            touched.from_then(calendar, event.timestamp)
        case Schedule.Overridden(date=day) | Schedule.OverrideLifted(date=day):
            touched.date(calendar, datetime.fromisoformat(day).date())
        case Schedule.TimeOffTaken() | Schedule.TimeOffChanged() | Schedule.TimeOffCancelled():
            key = calendar, event.time_off_id
            if (was := before.time_off.pop(key, None)) is not None:
                touched.time(calendar, was)
            if not isinstance(event, Schedule.TimeOffCancelled):
                before.time_off[key] = Interval(event.start, event.end)
                touched.time(calendar, before.time_off[key])
        case _:
            pass


async def _read(connection: Connection, schema: str, events: Sequence[RecordedEvent]) -> _Before:
    known = {each.stream for each in events if isinstance(each.event, Appointment.Event)}
    off = [each.event.time_off_id for each in events if isinstance(each.event, _TIME_OFF)]
    hosts = {each.event.provider_id for each in events if isinstance(each.event, _WITH_PROVIDER)}
    hosts |= {each.stream for each in events if isinstance(each.event, Provider.Changed)}
    appointments = {row["id"]: row for row in await _rows(connection, _APPOINTMENTS, schema, known)}
    spans = await _rows(connection, _SPANS, schema, off)
    employers = await _rows(connection, _EMPLOYERS, schema, hosts)
    return _Before(
        appointments,
        {(row["calendar"], row["id"]): Interval(row["since"], row["until"]) for row in spans},
        {row["id"]: row["organization_id"] for row in employers},
    )


async def _rows(connection: Connection, query: str, schema: str, ids: Iterable[UUID]) -> Sequence[Row]:
    wanted = list(ids)
    if not wanted:
        return []
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query.format(schema=schema).encode(), [wanted], prepare=True)
        return await cursor.fetchall()


_APPOINTMENTS = "SELECT * FROM {schema}.fact_appointment WHERE id = ANY(%s)"
_SPANS = "SELECT calendar, id, since, until FROM {schema}.fact_time_off WHERE id = ANY(%s)"
_EMPLOYERS = "SELECT id, organization_id FROM {schema}.fact_provider WHERE id = ANY(%s)"
_TIME_OFF = (Schedule.TimeOffTaken, Schedule.TimeOffChanged, Schedule.TimeOffCancelled)
_WITH_PROVIDER = (Appointment.Booked, Appointment.Requested, Hold.Placed)


INTERVAL = 0.25  # seconds: of a page of few events, the facts cost nearly half
_USED = (Account, Appointment, Customer, Hold, Organization, Provider, Schedule, Service, Waiting)
_EVENTS = tuple(each.Event for each in _USED)


def _project(recorded: RecordedEvent, rows: RowBatch) -> None:
    if isinstance(recorded.event, _EVENTS):
        rows.fold(fold, recorded)


analysis = Projection("analysis", [*facts.FACTS, *rules.RULES], _project, _USED, interval=INTERVAL)
