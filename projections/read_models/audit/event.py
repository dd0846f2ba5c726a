"""Every event of the log with the person and the organizations that it concerned, as of its position. Ids alone.

An event belongs to the organization to which its thing belonged right after it, by the rule of `application.past`; an
event that moves its thing concerns the organization before it too. A thing belongs to an organization itself, or to
that of its provider or service: `audit_place` says which, from a position on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
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
    Column("topic", Text(collation="C"), nullable=False),
    uuid("actor", nullable=True),
    Column("correlation", Text, nullable=False),
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
        INSERT INTO {{schema}}.audit_event (position, topic, actor, correlation)
        SELECT g.position, g.topic, g.actor, g.correlation FROM given g),
    persons AS (
        INSERT INTO {{schema}}.audit_person (person_id, position)
        SELECT s.person_id, g.position FROM given g JOIN {{schema}}.audit_subject s ON s.thing = g.about
        ON CONFLICT DO NOTHING)
    INSERT INTO {{schema}}.audit_organization (organization_id, position, belongs)
    SELECT p.organization_id, p.position, coalesce(bool_or(p.belongs), false) FROM placed p
    WHERE p.organization_id IS NOT NULL GROUP BY p.organization_id, p.position""",  # noqa: S608  all of it is written here
    {
        "position": "bigint",
        "topic": "text",
        "actor": "uuid",
        "correlation": "text",
        "about": "uuid",
        "moved": "boolean",
    },
)


def project(recorded: RecordedEvent, rows: RowBatch) -> None:
    happened, stream, position = recorded.event, recorded.stream, recorded.position
    kind = type(happened)
    moved = False
    if (place_of := _PLACES.get(kind)) is not None:
        moved = recorded.version > 1
        rows.put(place, thing=stream, position=position, **place_of(recorded))
    if (about := _SUBJECTS.get(kind)) is not None:
        rows.put(subject, thing=stream, person_id=getattr(happened, about))
    for named in ("account_id", "customer_id", "owner_id"):
        if (id := getattr(happened, named, None)) is not None:
            rows.put(person, person_id=id, position=position)
    if isinstance(happened, Organization.Event):
        membership.project(member, recorded, rows)
    said = recorded.metadata
    rows.derive(
        _INDEX,
        position=position,
        topic=happened.topic if isinstance(happened, UndecodableEvent) else kind.TOPIC,  # type: ignore[attr-defined]
        actor=_id(said.get("actor")),
        correlation=said.get("correlation") or "",
        about=recorded.calendar or stream,
        moved=moved,
    )


@lru_cache(maxsize=1024)
def _id(text: str | None) -> UUID | None:
    try:
        return None if text is None else UUID(text)
    except ValueError:
        return None


_SUBJECTS: Mapping[type, str] = {
    **dict.fromkeys((Appointment.Booked, Appointment.Requested, Hold.Placed, Waiting.Joined), "customer_id"),
    Quota.Opened: "customer_id",
    Account.Registered: "account_id",
    Customer.Registered: "originator_id",
    Provider.Joined: "owner_id",
}
"""The fields that say which person a stream is about, in its first event."""


def _of_booking(recorded: RecordedEvent) -> dict[str, Any]:
    happened: Any = recorded.event
    if happened.organization_recorded:
        return _of(happened.organization_id)
    return _of(None, via=happened.provider_id)


def _of_the_named(recorded: RecordedEvent) -> dict[str, Any]:
    happened: Any = recorded.event
    return _of(happened.organization_id)


def _of_provider(recorded: RecordedEvent) -> dict[str, Any]:
    happened: Any = recorded.event
    return _of(_id(happened.profile.get("organization_id")))


def _of_service(recorded: RecordedEvent) -> dict[str, Any]:
    happened: Any = recorded.event
    named = _id(happened.terms["organization_id"])
    return _of(named, via=None if named else UUID(happened.terms["provider_ids"][0]))


def _by(field: str) -> Callable[[RecordedEvent], dict[str, Any]]:
    return lambda recorded: _of(None, via=getattr(recorded.event, field))


def _of(organization_id: UUID | None, *, via: UUID | None = None, belongs: bool = True) -> dict[str, Any]:
    return {"organization_id": organization_id, "via": via, "belongs": belongs}


_BOOKINGS = [
    kind
    for kind in vars(Appointment).values()
    if isinstance(kind, type) and issubclass(kind, BeginFields | MoveFields | ReturnFields)
]
_PLACES: Mapping[type, Callable[[RecordedEvent], dict[str, Any]]] = {
    **dict.fromkeys(_BOOKINGS, _of_booking),
    **dict.fromkeys((Appointment.Transferred, Customer.Shared, Webhook.Subscribed), _of_the_named),
    **dict.fromkeys((Provider.Joined, Provider.Changed), _of_provider),
    **dict.fromkeys((Service.Offered, Service.Changed), _of_service),
    Hold.Placed: _by("provider_id"),
    Waiting.Joined: _by("service_id"),
    Organization.Founded: lambda recorded: _of(recorded.stream),
    Invitations.Opened: lambda recorded: _of(recorded.event.organization_id, belongs=False),  # type: ignore[attr-defined]
}
"""The organization to which a thing belongs, from the event on that says so."""


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
