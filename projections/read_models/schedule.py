"""The schedules of providers. A part of the directory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, Table, Text, select

from domain.scheduling.interval import Interval
from domain.scheduling.schedule import Schedule
from projections.engine.projection import RecordedEvent
from projections.engine.row_batch import RowBatch
from projections.engine.schema import instant, json, metadata, uuid
from projections.query.snapshot import Snapshot

schedule = Table(
    "schedule",
    metadata,
    uuid("id", primary_key=True),
    Column("version", BigInteger, nullable=False),
    uuid("calendar_id", index=True),
    Column("timezone", Text, nullable=False),
    json("weekly"),
)

override = Table(
    "schedule_override",
    metadata,
    uuid("schedule_id", primary_key=True),
    Column("date", Text, primary_key=True),
    json("hours"),
)

time_off = Table(
    "schedule_time_off",
    metadata,
    uuid("schedule_id", primary_key=True),
    uuid("id", primary_key=True),
    instant("start"),
    instant("end"),
    Column("reason", Text, nullable=False),
    uuid("said_by", index=True),
)


@dataclass(frozen=True, slots=True)
class OpeningRules:
    """A schedule. `weekly`: by weekday "0".."6", `overrides`: by date -> [[opens, closes], ...]."""

    id: UUID
    version: int
    calendar_id: UUID
    timezone: str
    weekly: Mapping[str, Any]
    overrides: Mapping[str, Any]
    time_off: Mapping[UUID, Interval]
    reasons: Mapping[UUID, str]

    def reason(self, time_off_id: UUID) -> str:
        """The reason for a time off; empty if none was given."""
        return self.reasons[time_off_id]


def project(recorded: RecordedEvent, rows: RowBatch) -> None:
    event, stream, id = recorded.event, recorded.stream, {"id": recorded.stream}
    match event:
        case Schedule.Opened():
            place = {"calendar_id": event.calendar_id, "timezone": event.timezone, "weekly": {}}
            rows.put(schedule, **id, **place, version=recorded.version)
            return
        case Schedule.WeeklySet():
            rows.set(schedule, id, timezone=event.timezone, weekly=event.weekly)
        case Schedule.Overridden():
            rows.put(override, schedule_id=stream, date=event.date, hours=event.hours)
        case Schedule.OverrideLifted():
            rows.drop(override, {"schedule_id": stream, "date": event.date})
        case Schedule.TimeOffTaken() | Schedule.TimeOffChanged():
            why = (event.reason.value if event.reason else None) or ""
            off = {"start": event.start, "end": event.end, "reason": why, "said_by": event.by}
            rows.put(time_off, schedule_id=stream, id=event.time_off_id, **off)
        case Schedule.TimeOffCancelled():
            rows.drop(time_off, {"schedule_id": stream, "id": event.time_off_id})
        case _:
            return
    rows.set(schedule, id, version=recorded.version)


async def of_calendar(read: Snapshot, calendar_id: UUID) -> OpeningRules | None:
    """The schedule of a provider; None if there is none."""
    found = (await read.connection.execute(select(schedule).filter_by(calendar_id=calendar_id))).one_or_none()
    if found is None:
        return None
    overrides = await _rows(read, override, found.id)
    off = sorted(await _rows(read, time_off, found.id), key=lambda row: (row.start, row.id))
    return OpeningRules(
        **found._mapping,
        overrides={row.date: row.hours for row in overrides},
        time_off={row.id: Interval(row.start, row.end) for row in off},
        reasons={row.id: row.reason for row in off},
    )


async def _rows(read: Snapshot, table: Table, schedule_id: UUID) -> Sequence[Any]:
    return (await read.connection.execute(select(table).filter_by(schedule_id=schedule_id))).all()
