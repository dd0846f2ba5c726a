"""The facts: what happened, row by row, for statistics. No column of them is a person's name, address or words.

Zones and persons are worked out where the rows are written, so that a view of them only filters and adds up. `_at`: UTC
instants; `_date` and `_hour`: local, in the zone that was recorded; durations in minutes; money in minor units.
"""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Index, Integer, Table, Text, text

from projections.engine.schema import instant, json, metadata, uuid


def _date(name: str, **options: Any) -> Column[Any]:
    return Column(name, Date, nullable=options.pop("nullable", True), **options)


def _number(name: str, kind: Any = Integer, **options: Any) -> Column[Any]:
    return Column(name, kind, nullable=options.pop("nullable", True), **options)


appointment = Table(
    "fact_appointment",
    metadata,
    uuid("id", primary_key=True),
    uuid("service_id"),
    uuid("provider_id"),
    uuid("organization_id", nullable=True),
    uuid("place_id"),  # where a person is known again: the organization, or else the provider
    uuid("person_id"),  # an account, or a guest whom nobody has claimed
    Column("status", Text, nullable=False),
    Column("channel", Text),
    Column("demo", Boolean, nullable=False),
    Column("requested", Boolean, nullable=False),
    Column("timezone", Text, nullable=False),
    instant("made_at"),
    _date("made_date", nullable=False),
    instant("first_start_at"),
    instant("start_at"),
    instant("end_at"),
    _date("start_date", nullable=False),
    _number("start_hour", nullable=False),
    instant("taken_at"),  # when it was booked, or last moved to where it is
    _number("price", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("due", Boolean, nullable=False),  # it was to take place, and was not released in time
    Column("visited", Boolean, nullable=False),
    instant("answered_at", nullable=True),
    instant("checked_in_at", nullable=True),
    instant("completed_at", nullable=True),
    instant("released_at", nullable=True),
    Column("cancelled_by", Text),
    Column("cancelled_late", Boolean),
    Column("reason_code", Text),
    _number("fee", BigInteger, nullable=False),
    _number("moves_by_customer", nullable=False),
    _number("moves_by_staff", nullable=False),
    _number("recovered_minutes", nullable=False),
    _number("visit_number"),
    _date("first_visit_date"),
    _date("previous_visit_date"),
    instant("next_made_at", nullable=True),
    json("asked", nullable=True),  # the place and terms of a move that waits for an answer
    Index("fact_appointment_person", "person_id", "place_id"),
    Index("fact_appointment_provider", "provider_id", "start_at"),
    Index("fact_appointment_released", "provider_id", "start_at", postgresql_where=text("released_at IS NOT NULL")),
    Index("fact_appointment_start", "start_date"),
    Index("fact_appointment_made", "made_date"),
    Index("fact_appointment_session", "service_id", "start_at"),
)

appointment_event = Table(
    "fact_appointment_event",
    metadata,
    _number("position", BigInteger, primary_key=True, nullable=False, autoincrement=False),
    uuid("appointment_id", index=True),
    Column("event", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, index=True),
    _date("date", nullable=False),
    Column("by_party", Text),
    instant("start_at", nullable=True),
)

session = Table(
    "fact_session",
    metadata,
    uuid("provider_id", primary_key=True),
    uuid("service_id", primary_key=True),
    Column("start_at", DateTime(timezone=True), primary_key=True),
    _date("start_date", nullable=False),
    uuid("organization_id", nullable=True),
    Column("demo", Boolean, nullable=False),
    _number("seats_offered", nullable=False),
    _number("seats_taken", nullable=False),
)

open_time = Table(
    "fact_open_time",
    metadata,
    uuid("provider_id", primary_key=True),
    Column("date", Date, primary_key=True),
    uuid("organization_id", nullable=True),
    Column("timezone", Text, nullable=False),
    _number("open_minutes", nullable=False),
    _number("booked_minutes", nullable=False),
    _number("booked_open_minutes", nullable=False),
    Index("fact_open_time_date", "date"),
)

hold = Table(
    "fact_hold",
    metadata,
    uuid("id", primary_key=True),
    uuid("service_id"),
    uuid("provider_id"),
    uuid("organization_id", nullable=True),
    Column("channel", Text),
    Column("demo", Boolean, nullable=False),
    instant("placed_at"),
    _date("placed_date", nullable=False),
    Column("outcome", Text, nullable=False),
    instant("ended_at", nullable=True),
    uuid("appointment_id", nullable=True),
)

waitlist_entry = Table(
    "fact_waitlist_entry",
    metadata,
    uuid("id", primary_key=True),
    uuid("service_id"),
    uuid("provider_id", nullable=True),
    uuid("person_id"),
    instant("joined_at"),
    _date("joined_date", nullable=False),
    Column("outcome", Text, nullable=False),
    instant("ended_at", nullable=True),
    uuid("appointment_id", nullable=True),
)

waitlist_offer = Table(
    "fact_waitlist_offer",
    metadata,
    uuid("entry_id", primary_key=True),
    uuid("hold_id", primary_key=True),
    instant("offered_at"),
    Column("outcome", Text, nullable=False),
)

identity = Table(
    "fact_identity",
    metadata,
    uuid("customer_id", primary_key=True),
    uuid("person_id", index=True),
    comment="Who is the customer, once the record was merged or claimed?",
)

forgotten = Table(
    "fact_forgotten",
    metadata,
    uuid("customer_id", primary_key=True),
    comment="Customers who were erased: a view shows no key for them.",
)

clock = Table(
    "fact_clock",
    metadata,
    Column("single", Boolean, primary_key=True),
    instant("at"),
    _date("horizon", nullable=False),
    comment="The time of the last event, and the date up to which open time is kept.",
)

FACTS = (
    appointment,
    appointment_event,
    session,
    open_time,
    hold,
    waitlist_entry,
    waitlist_offer,
    identity,
    forgotten,
    clock,
)
