"""Who waits for what, in which order?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Date,
    Index,
    Integer,
    Select,
    Table,
    Text,
    cast,
    exists,
    or_,
    select,
)

from domain.booking.waitlist import Waiting, WaitingStatus, Wish
from domain.catalog.organization import Organization
from domain.catalog.provider import Provider
from domain.catalog.service import Service
from domain.people.customer import Customer
from projections.engine.projection import Projection, RecordedEvent
from projections.engine.row_batch import RowBatch
from projections.engine.schema import instant, json, metadata, uuid, walled
from projections.query.paging import Page, fetch, narrowed
from projections.query.snapshot import Snapshot
from projections.read_models import membership
from projections.read_models.membership import organizations_of

waiting = Table(
    "waiting",
    metadata,
    uuid("id", primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    uuid("service_id"),
    uuid("provider_id", nullable=True),
    uuid("customer_id", index=True),
    Column("first", Date, nullable=False),
    Column("last", Date, nullable=False),
    json("hours"),
    Column("timezone", Text, nullable=False),
    json("offer", nullable=True),
    instant("created_at"),
    Column("joined", BigInteger, nullable=False),  # the position: the order of the line
    Index("waiting_line", "service_id", "joined"),
    info=walled(
        "customer_id = {sub}"
        " OR customer_id IN (SELECT c.customer_id FROM {schema}.waitlist_claim c WHERE c.account_id = {sub})"
        " OR provider_id IN (SELECT o.provider_id FROM {schema}.waitlist_provider o WHERE o.owner_id = {sub})"
        " OR provider_id IN (SELECT o.provider_id FROM {schema}.waitlist_provider o"
        " JOIN {schema}.waitlist_member m USING (organization_id) WHERE m.account_id = {sub})"
        " OR provider_id IS NULL AND EXISTS (SELECT 1 FROM {schema}.waitlist_service s"
        " JOIN {schema}.waitlist_provider o ON s.providers ? o.provider_id::text"
        " LEFT JOIN {schema}.waitlist_member m"
        " ON m.organization_id = o.organization_id AND m.account_id = {sub}"
        " WHERE s.service_id = waiting.service_id AND (o.owner_id = {sub} OR m.account_id IS NOT NULL))"
    ),
)

# What was ever offered to whom: once lapsed, it is not offered to them again.
offer = Table(
    "waitlist_offer",
    metadata,
    uuid("waiting_id", primary_key=True),
    uuid("hold_id", primary_key=True),
    uuid("provider_id"),
    instant("starts_at"),
)
service = Table(
    "waitlist_service",
    metadata,
    uuid("service_id", primary_key=True),
    json("providers"),
    Column("duration", Integer, nullable=False),
)
provider = Table(
    "waitlist_provider",
    metadata,
    uuid("provider_id", primary_key=True),
    uuid("owner_id", index=True),
    uuid("organization_id", nullable=True, index=True),
)
member = membership.members("waitlist")
claim = Table(
    "waitlist_claim",
    metadata,
    uuid("customer_id", primary_key=True),
    uuid("account_id", index=True),
)


@dataclass(frozen=True, slots=True)
class WaitlistEntry:
    """Somebody who waits. `offer`: hold_id, provider_id, starts_at, expires_at; `duration`: minutes."""

    id: UUID
    version: int
    status: str
    service_id: UUID
    provider_id: UUID | None
    customer_id: UUID
    first: date
    last: date
    hours: list[list[int]]
    timezone: str
    offer: dict[str, Any] | None
    created_at: datetime
    duration: int


def project(recorded: RecordedEvent, rows: RowBatch) -> None:
    event, id, version = recorded.event, {"id": recorded.stream}, recorded.version
    match event:
        case Waiting.Joined():
            rows.put(waiting, **id, **_joined(event), version=version, joined=recorded.position)
        case Waiting.Offered():
            kept = {"hold_id": event.hold_id, "provider_id": event.provider_id}
            times = {"starts_at": event.starts_at.isoformat(), "expires_at": event.expires_at.isoformat()}
            offered = WaitingStatus.OFFERED.value
            rows.set(waiting, id, status=offered, offer={**kept, **times}, version=version)
            rows.put(offer, waiting_id=recorded.stream, **kept, starts_at=event.starts_at)
        case Waiting.Event() if status := _STATUS.get(type(event)):
            rows.set(waiting, id, status=status.value, offer=None, version=version)
        case Service.Offered(terms=terms) | Service.Changed(terms=terms):
            told = {"providers": terms["provider_ids"], "duration": terms["duration"]}
            rows.put(service, service_id=recorded.stream, **told)
        case Provider.Joined(profile=profile):
            of = {"owner_id": event.owner_id, "organization_id": profile.get("organization_id")}
            rows.put(provider, provider_id=recorded.stream, **of)
        case Provider.Changed(profile=profile):
            of = {"organization_id": profile.get("organization_id")}
            rows.set(provider, {"provider_id": recorded.stream}, **of)
        case Organization.Event():
            membership.project(member, recorded, rows)
        case Customer.Claimed():
            rows.put(claim, customer_id=recorded.stream, account_id=event.account_id)
        case _:
            pass


_STATUS: dict[type, WaitingStatus] = {
    Waiting.Lapsed: WaitingStatus.WAITING,
    Waiting.Accepted: WaitingStatus.ACCEPTED,
    Waiting.Left: WaitingStatus.LEFT,
}


def _joined(event: Waiting.Joined) -> dict[str, Any]:
    return {
        "status": WaitingStatus.WAITING.value,
        "service_id": event.service_id,
        "provider_id": event.provider_id,
        "customer_id": event.customer_id,
        "first": date.fromisoformat(event.dates["from"]),
        "last": date.fromisoformat(event.dates["to"]),
        "hours": event.hours,
        "timezone": event.timezone,
        "offer": None,
        "created_at": event.timestamp,
    }


waitlist = Projection("waitlist", [waiting, offer, service, provider, member, claim], project)

_entries = select(
    *(waiting.c[name] for name in WaitlistEntry.__dataclass_fields__ if name != "duration"),
    service.c.duration,
).join(service, service.c.service_id == waiting.c.service_id)


async def get(read: Snapshot, id: UUID, *, of: UUID | None = None, acts: bool = True) -> WaitlistEntry | None:
    """The entry; None if there is none, or none of `of`: customer, who claimed it, who acts for a provider.

    `acts`: whether `of` may act for providers at all.
    """
    query = narrowed(_entries.where(waiting.c.id == id), (of, _of if acts else _as_customer))
    found = (await read.connection.execute(query)).one_or_none()
    return None if found is None else WaitlistEntry(**found._mapping)


async def find(
    read: Snapshot,
    page: Page,
    *,
    of: UUID | None = None,
    acts: bool = True,
    status: str | None = None,
    service_id: UUID | None = None,
    provider_id: UUID | None = None,
) -> tuple[Sequence[WaitlistEntry], str | None]:
    """Entries in the order of the line; and the next part's bookmark. `of`, `acts`: as in `get`."""
    w = waiting.c
    query = narrowed(
        _entries,
        (of, _of if acts else _as_customer),
        (status, w.status.__eq__),
        (service_id, w.service_id.__eq__),
        (provider_id, _with),
    )
    return await fetch(read.connection, query.order_by(w.created_at, w.id), page, WaitlistEntry)


async def as_customer(read: Snapshot, account: UUID) -> Sequence[WaitlistEntry]:
    """All entries of an account, and of the guests it has claimed, in the order of the line."""
    query = _entries.where(_as_customer(account)).order_by(waiting.c.joined)
    return [WaitlistEntry(**row._mapping) for row in await read.connection.execute(query)]


async def in_line(read: Snapshot, provider_id: UUID, first: date, last: date) -> Sequence[Wish]:
    """Who waits for something with a provider on these dates, whoever came first before."""
    w = waiting.c
    query = select(waiting).where(
        w.status == WaitingStatus.WAITING.value, _with(provider_id), w.first <= last, w.last >= first
    )
    found = (await read.connection.execute(query.order_by(w.joined))).all()
    lapsed = select(offer).where(offer.c.waiting_id.in_([row.id for row in found]))
    before: dict[UUID, set[tuple[UUID, datetime]]] = {}
    for row in await read.connection.execute(lapsed):
        before.setdefault(row.waiting_id, set()).add((row.provider_id, row.starts_at))
    return [
        Wish(
            row.id,
            row.service_id,
            row.provider_id,
            row.first,
            row.last,
            row.hours,
            row.timezone,
            frozenset(before.get(row.id, ())),
        )
        for row in found
    ]


def _as_customer(account: UUID) -> ColumnElement[bool]:
    guests = select(claim.c.customer_id).where(claim.c.account_id == account)
    return or_(waiting.c.customer_id == account, waiting.c.customer_id.in_(guests))


def _of(account: UUID) -> ColumnElement[bool]:
    p = provider.c
    ours = or_(p.owner_id == account, p.organization_id.in_(organizations_of(member, account)))
    any_of_ours = exists().where(service.c.providers.has_key(cast(p.provider_id, Text)), ours)
    services = select(service.c.service_id).where(any_of_ours)
    return or_(_as_customer(account), waiting.c.provider_id.in_(_ids(ours)), _anybody_of(services))


def _with(provider_id: UUID) -> ColumnElement[bool]:
    """Who wants this provider, or any of a service of theirs."""
    services = select(service.c.service_id).where(service.c.providers.has_key(str(provider_id)))
    return or_(waiting.c.provider_id == provider_id, _anybody_of(services))


def _anybody_of(services: Select[tuple[UUID]]) -> ColumnElement[bool]:
    return waiting.c.provider_id.is_(None) & waiting.c.service_id.in_(services)


def _ids(ours: ColumnElement[bool]) -> Select[tuple[UUID]]:
    return select(provider.c.provider_id).where(ours)
