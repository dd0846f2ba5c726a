"""Which events are published, and which providers, organizations and customers does each concern?

A thing belongs to whom it belonged at the position of the event: an appointment to the organization under which it was
made, a schedule to that of its provider. An event that moves something concerns both sides. Webhooks and the feed
decide by the same entries.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Column, Index, Text

from domain.booking.appointment import Appointment
from domain.booking.appointment_fields import BeginFields, MoveFields, ReturnFields
from domain.catalog.organization import Organization
from domain.catalog.provider import Provider
from domain.people.customer import Customer
from domain.scheduling.schedule import Schedule
from domain.webhooks.webhook import PUBLISHED
from projections.engine.projection import Projection, RecordedEvent
from projections.engine.row_batch import Derivation, RowBatch
from projections.engine.schema import Table, instant, metadata, uuid
from projections.query.ownership import AccountId, Ownership
from projections.read_models.membership import owner_tables, project_owners

message = Table(
    "feed_message",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("type", Text, nullable=False),
    uuid("subject"),
    Column("version", BigInteger, nullable=False),
    uuid("provider_id", nullable=True),  # of a provider's own events; of appointments: see feed_place
    instant("at"),
    comment="What has happened that the feed and webhooks tell?",
)

entry = Table(
    "feed_entry",
    metadata,
    uuid("scope", primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Index("feed_entry_position", "position", "scope"),
    comment="Which provider, organization or customer does an event concern?",
)

place = Table(
    "feed_place",
    metadata,
    uuid("appointment_id", primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    uuid("provider_id", nullable=True),  # null: as before
    uuid("customer_id", nullable=True),  # of the first event; it never changes
    uuid("organization_id", nullable=True),
    Column("recorded", Boolean, nullable=False),  # false: release 0.1.0 did not say under which organization
    comment="To whom does an appointment belong, from a position on?",
)

affiliation = Table(
    "feed_affiliation",
    metadata,
    uuid("provider_id", primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    uuid("organization_id", nullable=True),
    comment="To which organization does a provider belong, from a position on?",
)

reach = Table(
    "feed_reach",
    metadata,
    uuid("account_id", primary_key=True),
    Column("position", BigInteger, nullable=False, index=True),
    comment="When did the scopes of an account change last?",
)

owners = owner_tables("feed", providers="feed_provider", claims="feed_claim")


def _of_own_provider(account: AccountId) -> Any:
    return entry.c.scope.in_(owners.owned_by(account))


ownership = Ownership(
    table=entry,
    owners=owners,
    customer=entry.c.scope,
    organization=entry.c.scope,
    also=_of_own_provider,
)

# What an event concerns is looked up just before it and at it: the two differ where it moves something.
_CONCERNED = Derivation(
    """
    INSERT INTO {schema}.feed_entry (scope, position)
    WITH moment AS (
        SELECT m.position, m.subject, m.provider_id, t.at
        FROM {schema}.feed_message m CROSS JOIN LATERAL (VALUES (m.position - 1), (m.position)) t(at)
        WHERE m.position IN (SELECT given.position FROM {given})),
    known AS (
        SELECT moment.position, moment.at, booked.customer_id, kept.organization_id,
               coalesce(moment.provider_id, held.provider_id) AS provider_id, coalesce(kept.recorded, false) AS recorded
        FROM moment
        LEFT JOIN LATERAL (
            SELECT p.provider_id FROM {schema}.feed_place p
            WHERE p.appointment_id = moment.subject AND p.position <= moment.at AND p.provider_id IS NOT NULL
            ORDER BY p.position DESC LIMIT 1) held ON true
        LEFT JOIN LATERAL (
            SELECT p.recorded, p.organization_id FROM {schema}.feed_place p
            WHERE p.appointment_id = moment.subject AND p.position <= moment.at
            ORDER BY p.position DESC LIMIT 1) kept ON true
        LEFT JOIN LATERAL (
            SELECT p.customer_id FROM {schema}.feed_place p
            WHERE p.appointment_id = moment.subject ORDER BY p.position LIMIT 1) booked ON true)
    SELECT scope, position FROM (
        SELECT provider_id AS scope, position FROM known
        UNION SELECT customer_id, position FROM known
        UNION SELECT organization_id, position FROM known WHERE recorded
        UNION SELECT a.organization_id, known.position FROM known CROSS JOIN LATERAL (
            SELECT organization_id FROM {schema}.feed_affiliation a
            WHERE a.provider_id = known.provider_id AND a.position <= known.at
            ORDER BY a.position DESC LIMIT 1) a
        WHERE NOT known.recorded) concerned
    WHERE scope IS NOT NULL
    ON CONFLICT DO NOTHING""",
    {"position": "bigint"},
)


def project(recorded: RecordedEvent, rows: RowBatch) -> None:
    _publish(recorded, rows)
    match recorded.event:
        case BeginFields() as begun if begun.organization_recorded:
            _place(recorded, rows, begun, begun.customer_id)
            for scope in {begun.provider_id, begun.customer_id, begun.organization_id} - {None}:
                rows.put(entry, scope=scope, position=recorded.position)
        case BeginFields() as begun:
            _place(recorded, rows, begun, begun.customer_id)
            rows.derive(_CONCERNED, position=recorded.position)
        case MoveFields() | ReturnFields() as moved:
            _place(recorded, rows, moved)
            rows.derive(_CONCERNED, position=recorded.position)
        case Appointment.Transferred(organization_id=organization_id):
            nobody = {"provider_id": None, "customer_id": None}
            at = {"appointment_id": recorded.stream, "position": recorded.position}
            rows.put(place, **at, **nobody, organization_id=organization_id, recorded=True)
        case published if type(published) in PUBLISHED:
            rows.derive(_CONCERNED, position=recorded.position)
        case _:
            pass
    _know(recorded, rows)


def _publish(recorded: RecordedEvent, rows: RowBatch) -> None:
    event, about = recorded.event, {"subject": recorded.stream, "version": recorded.version, "at": recorded.at}
    if (kind := PUBLISHED.get(type(event))) is not None:
        provider_id = recorded.stream if isinstance(event, Provider.Event) else recorded.calendar
        rows.put(message, position=recorded.position, type=kind, provider_id=provider_id, **about)


def _place(
    recorded: RecordedEvent,
    rows: RowBatch,
    event: BeginFields | MoveFields | ReturnFields,
    customer_id: UUID | None = None,
) -> None:
    rows.put(
        place,
        appointment_id=recorded.stream,
        position=recorded.position,
        provider_id=event.provider_id,
        customer_id=customer_id,
        organization_id=event.organization_id,
        recorded=event.organization_recorded,
    )


def _know(recorded: RecordedEvent, rows: RowBatch) -> None:
    """Keep what providers belong to, who acts for whom, and when that changed."""
    event, position = recorded.event, recorded.position
    match event:
        case Provider.Joined(profile=profile) | Provider.Changed(profile=profile):
            named = profile.get("organization_id")
            organization_id = None if named is None else UUID(str(named))
            rows.put(affiliation, provider_id=recorded.stream, position=position, organization_id=organization_id)
        case _:
            pass
    match event:
        case Provider.Joined(owner_id=account) | Organization.Founded(owner_id=account):
            rows.put(reach, account_id=account, position=position)
        case Organization.MemberAdded(account_id=account) | Organization.MemberRemoved(account_id=account):
            rows.put(reach, account_id=account, position=position)
        case Customer.Claimed(account_id=account):
            rows.put(reach, account_id=account, position=position)
        case _:
            pass
    project_owners(owners, recorded, rows)


feed = Projection(
    "feed",
    [message, entry, place, affiliation, reach, *owners.tables],
    project,
    (Appointment, Customer, Organization, Provider, Schedule),
)
