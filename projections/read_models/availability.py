"""The inputs of availability: opening rules, occupied times and service terms."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Column, Date, Index, Integer, Table, Text

from domain.booking.calendar_day import Day, days_touched
from domain.catalog.organization import Organization
from domain.catalog.provider import Provider
from domain.catalog.service import Service
from domain.catalog.tag import Tag
from domain.scheduling.schedule import Schedule
from projections.engine.projection import Projection, RecordedEvent
from projections.engine.row_batch import RowBatch
from projections.engine.schema import instant, json, metadata, uuid
from projections.read_models import tag

service = Table(
    "vacancy_service",
    metadata,
    uuid("id", primary_key=True),
    json("terms"),
    json("providers"),
    json("tags"),
    uuid("organization", nullable=True),
    # How far an appointment reaches around its start, minutes.
    Column("before", Integer, nullable=False),
    Column("after", Integer, nullable=False),
    # Whether several may come at once.
    Column("shared", Boolean, nullable=False),
    Column("withdrawn", Boolean, nullable=False),
    Index("vacancy_service_tags", "tags", postgresql_using="gin"),
    Index("vacancy_service_providers", "providers", postgresql_using="gin"),
)
calendar = Table(
    "vacancy_calendar",
    metadata,
    uuid("id", primary_key=True),
    Column("active", Boolean, nullable=False),
    Column("timezone", Text, nullable=False),
    json("weekly"),
)
override = Table(
    "vacancy_override",
    metadata,
    uuid("calendar", primary_key=True),
    Column("date", Date, primary_key=True),
    json("hours"),
)
time_off = Table(
    "vacancy_time_off",
    metadata,
    uuid("calendar", primary_key=True),
    uuid("id", primary_key=True),
    instant("since"),
    instant("until"),
)
# The calendars that belong to an organization, no others.
employer = Table(
    "vacancy_employer",
    metadata,
    uuid("calendar", primary_key=True),
    uuid("organization"),
)
organization = Table(
    "vacancy_organization",
    metadata,
    uuid("id", primary_key=True),
    Column("closed", Boolean, nullable=False),
)
holiday = Table(
    "vacancy_holiday",
    metadata,
    uuid("organization", primary_key=True),
    Column("date", Date, primary_key=True),
    Column("name", Text, nullable=False),
)
# One row for each Day that a seat touches, since each Day releases its own.
seat = Table(
    "vacancy_seat",
    metadata,
    uuid("day", primary_key=True),
    uuid("taker", primary_key=True),
    uuid("calendar"),
    Column("date", Date, nullable=False),
    uuid("service"),
    instant("starts_at"),
    instant("since"),
    instant("until"),
    instant("expires_at", nullable=True),  # free from then on, if it is a hold
    Index("vacancy_seat_date", "calendar", "date"),
)

# The last event that touched a calendar or a service: values computed from earlier events are stale.
touched = Table(
    "vacancy_touched",
    metadata,
    uuid("id", primary_key=True),
    Column("position", BigInteger, nullable=False, index=True),
)
alias = Table(
    "vacancy_tag",
    metadata,
    Column("slug", Text, primary_key=True),
    uuid("tag_id", index=True),
)

# The terms of a service that decide when it is offered.
_TERMS = (
    "duration",
    "step",
    "align",
    "buffer_before",
    "buffer_after",
    "capacity",
    "min_notice",
    "window",
    "hours",
)


def project(recorded: RecordedEvent, rows: RowBatch) -> None:
    match recorded.event:
        case Day.Event() | Schedule.Event():
            rows.put(touched, id=recorded.calendar, position=recorded.position)
        case Service.Event() | Provider.Event() | Organization.Event():
            rows.put(touched, id=recorded.stream, position=recorded.position)
        case _:
            tag.lead(alias, recorded, rows)
            return
    _decide(recorded, rows)


def _decide(recorded: RecordedEvent, rows: RowBatch) -> None:
    match recorded.event:
        case Day.Reserved() | Day.Held() | Day.Extended() | Day.Released():
            _seat(recorded, rows)
        case Schedule.TimeOffTaken() | Schedule.TimeOffChanged() | Schedule.TimeOffCancelled():
            _time_off(recorded, rows)
        case Schedule.Event():
            _hours(recorded, rows)
        case Service.Event():
            _service(recorded, rows)
        case Provider.Deactivated() | Provider.Paused() | Provider.Resumed() as it:
            rows.set(calendar, {"id": recorded.stream}, active=isinstance(it, Provider.Resumed))
        case Provider.Event() | Organization.Event():
            _organization(recorded, rows)
        case _:
            pass


def _seat(recorded: RecordedEvent, rows: RowBatch) -> None:
    match recorded.event:
        case Day.Reserved() | Day.Held() as it:
            rows.put(
                seat,
                day=recorded.stream,
                taker=it.taker,
                calendar=recorded.calendar,
                date=_date(recorded, it.since, it.until),
                service=it.service_id,
                starts_at=it.starts_at,
                since=it.since,
                until=it.until,
                expires_at=it.expires_at if isinstance(it, Day.Held) else None,
            )
        case Day.Extended() as it:
            rows.set(seat, {"day": recorded.stream, "taker": it.taker}, expires_at=it.expires_at)
        case Day.Released() as it:
            rows.drop(seat, {"day": recorded.stream, "taker": it.taker})
        case _:
            pass


def _date(recorded: RecordedEvent, since: datetime, until: datetime) -> date:
    """The date of the Day that the event belongs to."""
    assert recorded.calendar is not None  # it is a Day's event
    first, *others = days_touched(since, until)
    return next((day for day in others if Day.id_of(recorded.calendar, day) == recorded.stream), first)


def _hours(recorded: RecordedEvent, rows: RowBatch) -> None:
    match recorded.event:
        case Schedule.Opened() as it:
            rows.put(calendar, id=it.calendar_id, active=True, timezone=it.timezone, weekly={})
        case Schedule.WeeklySet() as it:
            rows.set(calendar, {"id": recorded.calendar}, timezone=it.timezone, weekly=it.weekly)
        case Schedule.Overridden() as it:
            day = date.fromisoformat(it.date)
            rows.put(override, calendar=recorded.calendar, date=day, hours=it.hours)
        case Schedule.OverrideLifted() as it:
            rows.drop(override, {"calendar": recorded.calendar, "date": date.fromisoformat(it.date)})
        case _:
            pass


def _time_off(recorded: RecordedEvent, rows: RowBatch) -> None:
    match recorded.event:
        case Schedule.TimeOffTaken() | Schedule.TimeOffChanged() as it:
            rows.put(time_off, calendar=recorded.calendar, id=it.time_off_id, since=it.start, until=it.end)
        case Schedule.TimeOffCancelled() as it:
            rows.drop(time_off, {"calendar": recorded.calendar, "id": it.time_off_id})
        case _:
            pass


def _organization(recorded: RecordedEvent, rows: RowBatch) -> None:
    id = recorded.stream
    match recorded.event:
        case Provider.Joined(profile=profile) | Provider.Changed(profile=profile):
            if profile.get("organization_id") is None:
                rows.drop(employer, {"calendar": id})
            else:
                rows.put(employer, calendar=id, organization=UUID(profile["organization_id"]))
        case Organization.Founded():
            rows.put(organization, id=id, closed=False)
        case Organization.Closed():
            rows.set(organization, {"id": id}, closed=True)
        case Organization.HolidaySet() as it:
            rows.put(holiday, organization=id, date=date.fromisoformat(it.date), name=it.name)
        case Organization.HolidayLifted() as it:
            rows.drop(holiday, {"organization": id, "date": date.fromisoformat(it.date)})
        case _:
            pass


def _service(recorded: RecordedEvent, rows: RowBatch) -> None:
    match recorded.event:
        case Service.Offered() as it:
            rows.put(service, id=recorded.stream, **_of_terms(it.terms), withdrawn=False)
        case Service.Changed() as it:
            rows.set(service, {"id": recorded.stream}, **_of_terms(it.terms))
        case Service.Withdrawn() | Service.Paused() | Service.Resumed() as it:
            rows.set(service, {"id": recorded.stream}, withdrawn=not isinstance(it, Service.Resumed))
        case _:
            pass


def _of_terms(terms: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "terms": {name: terms.get(name) for name in _TERMS},
        "providers": terms["provider_ids"],
        "tags": terms["tags"],
        "organization": terms["organization_id"],
        "before": terms["buffer_before"],
        "after": terms["duration"] + terms["buffer_after"],
        "shared": terms["capacity"] > 1,
    }


vacancy = Projection(
    "availability",
    (service, calendar, override, time_off, employer, organization, holiday, seat, touched, alias),
    project,
    (Day, Organization, Provider, Schedule, Service, Tag),
)
