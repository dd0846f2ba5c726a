"""Every event of the log with the person and the organizations that it concerned, as of its position. Ids alone.

An event belongs to the organization to which its thing belonged right after it, by the rule of `application.past`; an
event that moves its thing concerns the organization before it too. A thing belongs to an organization itself, or to
that of its provider or service: `audit_place` says which, from a position on.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Column, Index, Text

from domain.booking.appointment import Appointment
from domain.booking.appointment_fields import BeginFields, MoveFields, ReturnFields
from domain.booking.calendar_day import Day
from domain.booking.hold import Hold
from domain.booking.quota import Quota
from domain.booking.waitlist import Waiting
from domain.catalog.invitation import Invitations
from domain.catalog.organization import Organization
from domain.catalog.provider import Provider
from domain.catalog.service import Service
from domain.catalog.tag import Tag
from domain.people.account import Account
from domain.people.admins import Admins
from domain.people.customer import Customer
from domain.people.email_address import Address
from domain.scheduling.schedule import Schedule
from domain.webhooks.webhook import Webhook
from projections.engine.projection import Projection, RecordedEvent, UndecodableEvent
from projections.engine.row_batch import Derivation, RowBatch
from projections.engine.schema import Table, metadata, uuid
from projections.read_models import membership


def _position(*, primary_key: bool = False) -> Column[int]:
    return Column("position", BigInteger, primary_key=primary_key, autoincrement=False, nullable=False)


event = Table(
    "audit_event",
    metadata,
    _position(primary_key=True),
    uuid("stream"),
    Column("topic", Text(collation="C"), nullable=False),
    uuid("actor", nullable=True),
    Column("correlation", Text, nullable=False),
    Index("audit_event_stream", "stream", "position"),
    Index("audit_event_topic", "topic", "position"),
    Index("audit_event_actor", "actor", "position"),
    Index("audit_event_correlation", "correlation", "position"),
    comment="Which event is at a position, by whom and by which request?",
)

person = Table(
    "audit_person",
    metadata,
    uuid("person_id", primary_key=True),
    _position(primary_key=True),
    comment="Which events concern a customer or an account?",
)

organization = Table(
    "audit_organization",
    metadata,
    uuid("organization_id", primary_key=True),
    _position(primary_key=True),
    Column("belongs", Boolean, nullable=False),
    comment="Which events concern an organization, and do they belong to it?",
)

place = Table(
    "audit_place",
    metadata,
    uuid("thing", primary_key=True),
    _position(primary_key=True),
    uuid("organization_id", nullable=True),
    uuid("via", nullable=True),  # the provider or service to whose organization it belongs
    Column("belongs", Boolean, nullable=False),  # false: the events concern the organization, whose owners see none
    comment="To which organization does a thing belong, from a position on?",
)

subject = Table(
    "audit_subject",
    metadata,
    uuid("thing", primary_key=True),
    uuid("person_id"),
    comment="Which person are the events of a stream about?",
)

member = membership.members("audit")

_PLACE = """
    LEFT JOIN LATERAL (
        SELECT p.organization_id, p.via, p.belongs FROM {{schema}}.audit_place p
        WHERE p.thing = {thing} AND p.position <= {upto} ORDER BY p.position DESC LIMIT 1) {name} ON true"""
_INDEX = Derivation(
    f"""
    WITH given AS MATERIALIZED (SELECT * FROM {{given}}),
    side AS (
        SELECT g.position, g.about, g.position AS upto FROM given g WHERE g.about IS NOT NULL
        UNION ALL SELECT g.position, g.about, g.position - 1 FROM given g WHERE g.moved),
    placed AS MATERIALIZED (
        SELECT s.position, s.upto = s.position AND own.belongs AS belongs,
            coalesce(own.organization_id, nearer.organization_id, farther.organization_id) AS organization_id
        FROM side s {_PLACE.format(thing="s.about", upto="s.upto", name="own")}
            {_PLACE.format(thing="own.via", upto="s.upto", name="nearer")}
            {_PLACE.format(thing="nearer.via", upto="s.upto", name="farther")}),
    events AS (
        INSERT INTO {{schema}}.audit_event (position, stream, topic, actor, correlation)
        SELECT g.position, g.stream, g.topic, g.actor, g.correlation FROM given g),
    persons AS (
        INSERT INTO {{schema}}.audit_person (person_id, position)
        SELECT s.person_id, g.position FROM given g JOIN {{schema}}.audit_subject s ON s.thing = g.about
        ON CONFLICT DO NOTHING)
    INSERT INTO {{schema}}.audit_organization (organization_id, position, belongs)
    SELECT p.organization_id, p.position, coalesce(bool_or(p.belongs), false) FROM placed p
    WHERE p.organization_id IS NOT NULL GROUP BY p.organization_id, p.position""",  # noqa: S608  all of it is written here
    {
        "position": "bigint",
        "stream": "uuid",
        "topic": "text",
        "actor": "uuid",
        "correlation": "text",
        "about": "uuid",
        "moved": "boolean",
    },
)


def project(recorded: RecordedEvent, rows: RowBatch) -> None:
    happened = recorded.event
    membership.project(member, recorded, rows)
    placed = _place(recorded)
    if placed is not None:
        rows.put(place, thing=recorded.stream, position=recorded.position, **placed)
    if (about := _person(happened)) is not None:
        rows.put(subject, thing=recorded.stream, person_id=about)
    for named in ("account_id", "customer_id", "owner_id"):
        if (id := getattr(happened, named, None)) is not None:
            rows.put(person, person_id=id, position=recorded.position)
    topic = happened.topic if isinstance(happened, UndecodableEvent) else type(happened).TOPIC  # type: ignore[attr-defined]
    said = recorded.metadata
    rows.derive(
        _INDEX,
        position=recorded.position,
        stream=recorded.stream,
        topic=topic,
        actor=_id(said.get("actor")),
        correlation=said.get("correlation") or "",
        about=recorded.calendar or recorded.stream,
        moved=placed is not None and recorded.version > 1,
    )


def _id(text: str | None) -> UUID | None:
    try:
        return None if text is None else UUID(text)
    except ValueError:
        return None


def _person(happened: object) -> UUID | None:
    """The person whom a stream is about, by its first event."""
    match happened:
        case Appointment.Booked() | Appointment.Requested() | Hold.Placed() | Waiting.Joined() | Quota.Opened():
            return happened.customer_id
        case Account.Registered():
            return happened.account_id
        case Customer.Registered():
            return happened.originator_id
        case Provider.Joined():
            return happened.owner_id
        case _:
            return None


def _place(recorded: RecordedEvent) -> dict[str, Any] | None:
    """The organization to which a thing belongs from this event on; None if the event does not say."""
    match recorded.event:
        case Appointment.Event() as happened if isinstance(happened, BeginFields | MoveFields | ReturnFields):
            recorded_id = happened.organization_id
            at = _of(recorded_id) if happened.organization_recorded else _of(None, via=happened.provider_id)
        case Appointment.Transferred(organization_id=id) | Customer.Shared(organization_id=id):
            at = _of(id)
        case Webhook.Subscribed(organization_id=id):
            at = _of(id)
        case Hold.Placed(provider_id=via) | Waiting.Joined(service_id=via):
            at = _of(None, via=via)
        case Provider.Joined(profile=profile) | Provider.Changed(profile=profile):
            at = _of(_id(profile.get("organization_id")))
        case Service.Offered(terms=terms) | Service.Changed(terms=terms):
            named = _id(terms["organization_id"])
            at = _of(named, via=None if named else UUID(terms["provider_ids"][0]))
        case Organization.Founded():
            at = _of(recorded.stream)
        case Invitations.Opened(organization_id=id):
            at = _of(id, belongs=False)
        case _:
            return None
    return at


def _of(organization_id: UUID | None, *, via: UUID | None = None, belongs: bool = True) -> dict[str, Any]:
    return {"organization_id": organization_id, "via": via, "belongs": belongs}


@dataclass(frozen=True)
class _EveryEvent(Projection):
    """Lists the events of kinds that this release does not know, too: a search has no gaps."""

    def apply(self, recorded: RecordedEvent, rows: RowBatch) -> None:
        super().apply(recorded, rows)
        if type(recorded.event) is UndecodableEvent:
            self.project(recorded, rows)


audit = _EveryEvent(
    "audit",
    [event, person, organization, place, subject, member],
    project,
    (
        *(Account, Address, Admins, Appointment, Customer, Day, Hold, Invitations, Organization),
        *(Provider, Quota, Schedule, Service, Tag, Waiting, Webhook),
    ),
)
