"""The next free starts of each provider with each service, computed before a search asks for them.

No projection keeps these tables: the next free start depends on the time too, not on the log alone, so that a
rebuild could neither make nor compare them; and a search must find providers right after a rebuild. They stand
beside the generations and are never rebuilt. Each row names the generation and the position it was computed
from; rows touched since, or of another generation, are computed again (`earliest_refresher.py`). All rows can
be deleted at any time.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    FromClause,
    Index,
    Integer,
    Interval,
    Table,
    bindparam,
    column,
    func,
    select,
    true,
)

from domain.scheduling.availability import Start
from domain.scheduling.wallclock import day_bounds, local_date, zone
from projections.availability.snapshot import LoadedCalendar, LoadedService
from projections.engine.schema import instant, kept, uuid

NAME = "earliest"
AHEAD = 8
"""Starts kept of each pair: while the first ones pass there is time to compute more."""

earliest = Table(
    "earliest",
    kept,
    uuid("provider_id", primary_key=True),
    uuid("service_id", primary_key=True),
    Column("starts", ARRAY(DateTime(timezone=True)), nullable=False),  # offered, in order; none: booked out
    Column("duration", Interval, nullable=False),
    Column("notice", Interval, nullable=False),
    instant("again_at"),  # when it must be computed again if nothing happens
    Column("generation", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Index("earliest_of_service", "service_id"),
    Index("earliest_again_at", "again_at"),
)

mark = Table(
    "earliest_mark",
    kept,
    Column("single", Boolean, primary_key=True),
    Column("position", BigInteger, nullable=False),
    comment="Up to which position is everything in `earliest`?",
)


lead = Table(
    "earliest_lead",
    kept,
    Column("single", Boolean, primary_key=True),
    Column("number", BigInteger, nullable=False),
    comment="Which of the processes that led, one after the other, may change `earliest`?",
)


class EarliestStart(NamedTuple):
    """The first free start. `with_id`: of the service that starts then, or the provider it is with."""

    start: datetime
    end: datetime
    with_id: UUID


class EarliestStarts(NamedTuple):
    """A row: a provider's next starts with a service."""

    provider_id: UUID
    service_id: UUID
    starts: Sequence[datetime]
    duration: timedelta
    notice: timedelta
    again_at: datetime

    @property
    def pair(self) -> tuple[UUID, UUID]:
        return self.provider_id, self.service_id


def ahead(service: LoadedService, calendar: LoadedCalendar, starts: Sequence[Start], now: datetime) -> EarliestStarts:
    """The row of a pair, from all the starts offered in the days that were loaded."""
    soonest = [start.start for start in starts[:AHEAD]]
    notice, tz = timedelta(minutes=service.offer.min_notice), zone(calendar.hours.timezone)
    # Only an event or the end of a hold adds a start between these; else booking windows move on at midnight.
    midnight = day_bounds(local_date(now, tz), tz).end
    again = soonest[AHEAD // 2] - notice if len(soonest) == AHEAD else midnight
    if calendar.lapse_at is not None:
        again = min(again, calendar.lapse_at)
    return EarliestStarts(calendar.id, service.id, soonest, service.offer.length, notice, again)


def first_with(of: ColumnElement[bool], other: Column[UUID], only: ColumnElement[UUID] | None) -> FromClause:
    """The first start, its length and the other side of the kept rows `of` a row, with `only` that other one.

    Starts that can't be booked any more at the instant `now` are skipped, even if the refresher is late.
    """
    e = earliest.c
    each = func.unnest(e.starts).table_valued(column("start", e.again_at.type)).render_derived("each")
    start: Any = each.c.start
    bookable = start >= bindparam("now", type_=DateTime(timezone=True)) + e.notice
    columns = start.label("starts_at"), e.duration.label("length"), other.label("with_id")
    query = select(*columns).select_from(earliest.join(each, true())).where(of, bookable)
    if only is not None:
        query = query.where(other == only)
    return query.order_by(start, other).limit(1).lateral("first")
