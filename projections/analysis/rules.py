"""The rules behind the facts, with what applied before: weekly plans, affiliations and capacities by their time."""

from datetime import date
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Integer, Table, Text

from domain.catalog.organization import Organization
from domain.catalog.provider import Provider
from domain.catalog.service import Service
from domain.scheduling.schedule import Schedule
from projections.engine.projection import RecordedEvent
from projections.engine.row_batch import RowBatch
from projections.engine.schema import instant, json, metadata, uuid

plan = Table(
    "fact_plan",
    metadata,
    uuid("calendar", primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    instant("since"),
    Column("timezone", Text, nullable=False),
    json("weekly"),
)
override = Table(
    "fact_override",
    metadata,
    uuid("calendar", primary_key=True),
    Column("date", Date, primary_key=True),
    json("hours"),
)
time_off = Table(
    "fact_time_off",
    metadata,
    uuid("calendar", primary_key=True),
    uuid("id", primary_key=True),
    Column("since", DateTime(timezone=True), nullable=False),
    instant("until"),
)
affiliation = Table(
    "fact_affiliation",
    metadata,
    uuid("provider_id", primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    instant("since"),
    uuid("organization_id", nullable=True, index=True),
)
holiday = Table(
    "fact_holiday",
    metadata,
    uuid("organization_id", primary_key=True),
    Column("date", Date, primary_key=True),
)
service = Table(
    "fact_service",
    metadata,
    uuid("id", primary_key=True),
    Column("name", Text, nullable=False),
    uuid("organization_id", nullable=True),
    json("tags"),
)
capacity = Table(
    "fact_capacity",
    metadata,
    uuid("service_id", primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    instant("since"),
    Column("capacity", Integer, nullable=False),
)
provider = Table(
    "fact_provider",
    metadata,
    uuid("id", primary_key=True),
    uuid("organization_id", nullable=True),
    Column("demo", Boolean, nullable=False),
)
organization = Table("fact_organization", metadata, uuid("id", primary_key=True), Column("name", Text, nullable=False))

RULES = (plan, override, time_off, affiliation, holiday, service, capacity, provider, organization)


def project(recorded: RecordedEvent, rows: RowBatch) -> None:
    """Keep the rules."""
    match recorded.event:
        case Schedule.Event():
            _schedule(recorded, rows)
        case Provider.Joined() | Provider.Changed():
            _provider(recorded, recorded.event, rows)
        case Organization.Event():
            _organization(recorded, rows)
        case Service.Offered() | Service.Changed() as event:
            terms = event.terms
            of = {"organization_id": terms["organization_id"], "tags": terms["tags"]}
            rows.put(service, id=recorded.stream, name=terms["name"], **of)
            rows.put(capacity, service_id=recorded.stream, **_stamp(recorded), capacity=terms["capacity"])
        case _:
            pass


def _schedule(recorded: RecordedEvent, rows: RowBatch) -> None:
    of = {"calendar": recorded.calendar}
    match recorded.event:
        case Schedule.Opened() as event:
            rows.put(plan, **of, **_stamp(recorded), timezone=event.timezone, weekly={})
        case Schedule.WeeklySet() as event:
            rows.put(plan, **of, **_stamp(recorded), timezone=event.timezone, weekly=event.weekly)
        case Schedule.Overridden() as event:
            rows.put(override, **of, date=date.fromisoformat(event.date), hours=event.hours)
        case Schedule.OverrideLifted() as event:
            rows.drop(override, {**of, "date": date.fromisoformat(event.date)})
        case Schedule.TimeOffTaken() | Schedule.TimeOffChanged() as event:
            rows.put(time_off, **of, id=event.time_off_id, since=event.start, until=event.end)
        case Schedule.TimeOffCancelled() as event:
            rows.drop(time_off, {**of, "id": event.time_off_id})
        case _:
            pass


def _provider(recorded: RecordedEvent, event: Provider.Joined | Provider.Changed, rows: RowBatch) -> None:
    of, named = {"id": recorded.stream}, event.profile.get("organization_id")
    organization_id = None if named is None else UUID(named)
    if isinstance(event, Provider.Joined):
        rows.put(provider, **of, organization_id=organization_id, demo=event.demo)
    else:
        rows.set(provider, of, organization_id=organization_id)
    rows.put(affiliation, provider_id=recorded.stream, **_stamp(recorded), organization_id=organization_id)


def _organization(recorded: RecordedEvent, rows: RowBatch) -> None:
    of = {"organization_id": recorded.stream}
    match recorded.event:
        case Organization.Founded(profile=profile) | Organization.Changed(profile=profile):
            rows.put(organization, id=recorded.stream, name=profile["name"])
        case Organization.HolidaySet() as event:
            rows.put(holiday, **of, date=date.fromisoformat(event.date))
        case Organization.HolidayLifted() as event:
            rows.drop(holiday, {**of, "date": date.fromisoformat(event.date)})
        case _:
            pass


def _stamp(recorded: RecordedEvent) -> dict[str, object]:
    event = recorded.event
    assert isinstance(event, Schedule.Event | Provider.Event | Service.Event)
    return {"position": recorded.position, "since": event.timestamp}
