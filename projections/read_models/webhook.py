"""Webhooks, the events that they publish, and the webhooks that each event concerns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, ColumnElement, Text, select

from domain.booking.appointment import Appointment
from domain.catalog.organization import Organization, Rank
from domain.catalog.provider import Provider
from domain.scheduling.schedule import Schedule
from domain.webhooks.webhook import PUBLISHED, Webhook, WebhookStatus
from projections.engine.projection import Projection, RecordedEvent
from projections.engine.row_batch import RowBatch
from projections.engine.schema import Table, instant, json, metadata, uuid
from projections.query.ownership import AccountId, Owner, Ownership, OwnerTables
from projections.query.paging import Page, fetch, narrowed
from projections.query.snapshot import Snapshot
from projections.read_models import membership

webhook = Table(
    "webhook",
    metadata,
    uuid("id", primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("url", Text, nullable=False),
    json("types"),
    uuid("organization_id", nullable=True, index=True),
    uuid("provider_id", nullable=True, index=True),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", BigInteger, nullable=False),  # the position of the subscription
    instant("created_at"),
)
_w = webhook.c

happening = Table(
    "happening",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("type", Text, nullable=False),
    uuid("subject"),
    Column("version", BigInteger, nullable=False),
    uuid("provider_id", nullable=True),  # of a provider's own events; of appointments: see webhook_place
    instant("at"),
    comment="What has happened that webhooks publish?",
)

place = Table(
    "webhook_place",
    metadata,
    uuid("appointment_id", primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    uuid("provider_id"),
    comment="Which provider has an appointment, from a position on?",
)

affiliation = Table(
    "webhook_affiliation",
    metadata,
    uuid("provider_id", primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    uuid("organization_id", nullable=True),
    comment="To which organization does a provider belong, from a position on?",
)

owners = OwnerTables(
    membership.members("webhook"),
    Table("webhook_owner", metadata, uuid("provider_id", primary_key=True), uuid("owner_id", index=True)),
)


def _of_provider_alone(account: AccountId) -> ColumnElement[bool]:
    return _w.organization_id.is_(None) & _w.provider_id.in_(owners.owned_by(account))


ownership = Ownership(
    table=webhook,
    owners=owners,
    organization=_w.organization_id,
    ranks=(Rank.OWNER.value, Rank.MANAGER.value),
    also=_of_provider_alone,
)


@dataclass(frozen=True, slots=True)
class ListedWebhook:
    """A webhook as of the snapshot. `since`: the position of its subscription."""

    id: UUID
    version: int
    url: str
    types: Sequence[str]
    organization_id: UUID | None
    provider_id: UUID | None
    state: str
    reason: str
    since: int
    created_at: datetime


def project(recorded: RecordedEvent, rows: RowBatch) -> None:
    event, id, position = recorded.event, recorded.stream, {"position": recorded.position}
    match event:
        case Webhook.Event():
            _subscription(recorded, rows)
        case Appointment.Event() if (provider_id := getattr(event, "provider_id", None)) is not None:
            rows.put(place, appointment_id=id, **position, provider_id=provider_id)
        case Provider.Joined():
            rows.put(owners.providers, provider_id=id, owner_id=event.owner_id)
            rows.put(affiliation, provider_id=id, **position, **_organization(event))
        case Provider.Changed():
            rows.put(affiliation, provider_id=id, **position, **_organization(event))
        case Organization.Event():
            membership.project(owners.members, recorded, rows)
        case _:
            pass
    _publish(recorded, rows)


def _publish(recorded: RecordedEvent, rows: RowBatch) -> None:
    event, about = recorded.event, {"subject": recorded.stream, "version": recorded.version, "at": recorded.at}
    if (kind := PUBLISHED.get(type(event))) is not None:
        provider_id = recorded.stream if isinstance(event, Provider.Event) else recorded.calendar
        rows.put(happening, position=recorded.position, type=kind, provider_id=provider_id, **about)


def _subscription(recorded: RecordedEvent, rows: RowBatch) -> None:
    event, id = recorded.event, {"id": recorded.stream}
    match event:
        case Webhook.Subscribed():
            rows.put(webhook, **id, version=recorded.version, since=recorded.position, **_subscribed(event))
            return
        case Webhook.Changed():
            rows.set(webhook, id, url=event.url, types=event.types)
        case Webhook.Disabled():
            rows.set(webhook, id, state=WebhookStatus.DISABLED.value, reason=event.reason)
        case Webhook.Resumed():
            rows.set(webhook, id, state=WebhookStatus.ACTIVE.value, reason="")
        case Webhook.Deleted():
            rows.set(webhook, id, state=WebhookStatus.DELETED.value)
        case _:
            pass
    rows.set(webhook, id, version=recorded.version)


def _subscribed(event: Webhook.Subscribed) -> dict[str, Any]:
    return {
        "url": event.url,
        "types": event.types,
        "organization_id": event.organization_id,
        "provider_id": event.provider_id,
        "state": WebhookStatus.ACTIVE.value,
        "reason": "",
        "created_at": event.timestamp,
    }


def _organization(event: Provider.Joined | Provider.Changed) -> dict[str, Any]:
    id = event.profile.get("organization_id")
    return {"organization_id": None if id is None else UUID(str(id))}


webhooks = Projection(
    "webhook",
    [webhook, happening, place, affiliation, *owners.tables],
    project,
    (Appointment, Organization, Provider, Schedule, Webhook),
)

CONCERNED = """
    CROSS JOIN LATERAL (
        SELECT h.provider_id WHERE h.provider_id IS NOT NULL
        UNION (SELECT p.provider_id FROM {schema}.webhook_place p
               WHERE p.appointment_id = h.subject AND p.position <= h.position
               ORDER BY p.position DESC LIMIT 1)
        UNION (SELECT p.provider_id FROM {schema}.webhook_place p
               WHERE p.appointment_id = h.subject AND p.position < h.position
               ORDER BY p.position DESC LIMIT 1)
    ) whom
    LEFT JOIN LATERAL (
        SELECT a.organization_id FROM {schema}.webhook_affiliation a
        WHERE a.provider_id = whom.provider_id AND a.position <= h.position ORDER BY a.position DESC LIMIT 1
    ) employer ON true
    JOIN LATERAL (
        SELECT * FROM {schema}.webhook b WHERE b.provider_id = whom.provider_id
           AND (b.organization_id IS NULL OR b.organization_id = employer.organization_id)
        UNION ALL
        SELECT * FROM {schema}.webhook b
        WHERE b.provider_id IS NULL AND b.organization_id = employer.organization_id
    ) w ON w.types ? h.type AND w.state <> 'deleted'"""
"""Joins happenings `h` with the webhooks `w` that they concern, by the provider at that position.

An appointment that moves to another provider concerns the webhooks of both.
"""

_listed = select(*(_w[name] for name in ListedWebhook.__dataclass_fields__)).where(
    _w.state != WebhookStatus.DELETED.value
)


async def get(read: Snapshot, id: UUID, *, owner: Owner | None = None) -> ListedWebhook | None:
    """A webhook; None if there is none, or none that the owner manages."""
    query = narrowed(_listed.where(_w.id == id), (owner, ownership.shows))
    found = (await read.connection.execute(query)).one_or_none()
    return None if found is None else ListedWebhook(**found._mapping)


async def find(
    read: Snapshot,
    page: Page,
    *,
    owner: Owner | None = None,
    organization_id: UUID | None = None,
    provider_id: UUID | None = None,
) -> tuple[Sequence[ListedWebhook], str | None]:
    """Webhooks, the oldest first, of an owner alone or of all; and the next page's cursor."""
    query = narrowed(
        _listed,
        (owner, ownership.shows),
        (organization_id, _w.organization_id.__eq__),
        (provider_id, _w.provider_id.__eq__),
    )
    return await fetch(read.connection, query.order_by(_w.created_at, _w.id), page, ListedWebhook)
