"""Which webhooks are there, and which of them does each event of the feed concern?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, ColumnElement, Text, select

from domain.catalog.organization import Organization, Rank
from domain.catalog.provider import Provider
from domain.webhooks.webhook import Webhook, WebhookStatus
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
    match recorded.event:
        case Webhook.Event():
            _subscription(recorded, rows)
        case Provider.Joined(owner_id=owner_id):
            rows.put(owners.providers, provider_id=recorded.stream, owner_id=owner_id)
        case Organization.Event():
            membership.project(owners.members, recorded, rows)
        case _:
            pass


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


webhooks = Projection("webhook", [webhook, *owners.tables], project, (Organization, Provider, Webhook))

CONCERNED = """
    JOIN LATERAL (
        SELECT b.* FROM {schema}.feed_entry e JOIN {schema}.webhook b ON b.provider_id = e.scope
        WHERE e.position = h.position AND (b.organization_id IS NULL OR EXISTS (
            SELECT FROM {schema}.feed_entry o WHERE o.scope = b.organization_id AND o.position = h.position))
        UNION ALL
        SELECT b.* FROM {schema}.feed_entry e JOIN {schema}.webhook b ON b.organization_id = e.scope
        WHERE e.position = h.position AND b.provider_id IS NULL
    ) w ON w.types ? h.type AND w.state <> 'deleted'"""
"""Joins messages `h` of the feed with the webhooks `w` that they concern, by the entries of the feed.

A webhook with both ids hears of the events that concern both.
"""
READERS = ("webhook", "feed")
"""The projections whose tables CONCERNED joins: what both have seen is complete."""

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
