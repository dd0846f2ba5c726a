"""A second guard against double bookings, behind the domain's own: constraints on tables.

A session is all takers that share one start of one service. On one calendar different sessions never
overlap, and each taker of a session has its own lane. If a constraint is ever violated, the projection stops
at the event and logs it.
"""

from datetime import datetime, timedelta
from hashlib import blake2b
from uuid import UUID

from sqlalchemy import Column, Integer, Table, UniqueConstraint
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint

from domain.booking.calendar_day import Day
from projections.engine.projection import Projection, RecordedEvent
from projections.engine.row_batch import RowBatch
from projections.engine.schema import metadata, uuid

occupancy = Table(
    "occupancy",
    metadata,
    uuid("day", primary_key=True),
    uuid("taker", primary_key=True),
    uuid("calendar"),
    uuid("session"),
    Column("stretch", TSTZRANGE, nullable=False),
    Column("lane", Integer, nullable=False),
    ExcludeConstraint(
        ("calendar", "="),
        ("session", "<>"),
        ("stretch", "&&"),
        name="occupancy_once",
        deferrable=True,
        initially="DEFERRED",
    ),
    UniqueConstraint("calendar", "session", "lane", name="occupancy_lane", deferrable=True, initially="DEFERRED"),
)


def project(recorded: RecordedEvent, rows: RowBatch) -> None:
    match recorded.event:
        case Day.Reserved() | Day.Held() as seat:
            if _begins(seat, recorded):
                rows.put(
                    occupancy,
                    day=recorded.stream,
                    taker=seat.taker,
                    calendar=recorded.calendar,
                    session=session(seat.service_id, seat.starts_at),
                    stretch=f"[{seat.since.isoformat()},{seat.until.isoformat()})",
                    lane=seat.lane,
                )
        case Day.Released(taker=taker):
            rows.drop(occupancy, {"day": recorded.stream, "taker": taker})
        case _:
            pass


def session(service_id: UUID, starts_at: datetime) -> UUID:
    """The id of a session: the same for all takers of one service at one start, and for no others."""
    key = service_id.bytes + starts_at.isoformat().encode()
    return UUID(bytes=blake2b(key, digest_size=16).digest())


def _begins(seat: Day.Reserved | Day.Held, recorded: RecordedEvent) -> bool:
    """Whether the time begins on the stream's Day: a time across midnight is on two Days, and counts once."""
    first, last = seat.since.date(), (seat.until - timedelta(microseconds=1)).date()
    assert recorded.calendar is not None  # it is a Day's event
    return first == last or recorded.stream == Day.id_of(recorded.calendar, first)


occupied = Projection("occupancy", [occupancy], project, (Day,))
