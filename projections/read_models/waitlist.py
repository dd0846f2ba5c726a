"""Waitlist entries: their order and their offers."""

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
    or_,
    select,
)

from domain.booking.waitlist import Waiting, WaitingStatus, Wish
from domain.catalog.service import Service
from domain.people.customer import Customer
from projections.engine.projection import Projection, RecordedEvent
from projections.engine.row_batch import RowBatch
from projections.engine.schema import instant, json, metadata, uuid
from projections.query.ownership import AccountId, Owner, Ownership
from projections.query.paging import Page, fetch, narrowed
from projections.query.snapshot import Snapshot
from projections.read_models.membership import OWNER_AGGREGATES, owner_tables, project_owners

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
)

_w = waiting.c

# Every offer ever made to an entry: once lapsed, a start is not offered to it again.
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
owners = owner_tables("waitlist", providers="waitlist_provider", claims="waitlist_claim")


def _any_provider(account: AccountId) -> ColumnElement[bool]:
    """Whether an entry takes any provider, and the account acts for a provider that offers the service."""
    return or_(_served_by(owners.owned_by(account)), _served_by(owners.employed_by(account)))


def _served_by(providers: Select[tuple[UUID]]) -> ColumnElement[bool]:
    who = providers.subquery()
    offered = service.c.providers.has_key(cast(who.c.provider_id, Text))
    return _any_of(select(service.c.service_id).join(who, offered))


def _any_of(services: Select[tuple[UUID]]) -> ColumnElement[bool]:
    return _w.provider_id.is_(None) & _w.service_id.in_(services)


ownership = Ownership(
    table=waiting, owners=owners, customer=_w.customer_id, provider=_w.provider_id, also=_any_provider
)


@dataclass(frozen=True, slots=True)
class WaitlistEntry:
    """A waitlist entry. `offer`: hold_id, provider_id, starts_at, expires_at; `duration`: minutes."""

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
            held = {"hold_id": event.hold_id, "provider_id": event.provider_id}
            times = {"starts_at": event.starts_at.isoformat(), "expires_at": event.expires_at.isoformat()}
            offered = WaitingStatus.OFFERED.value
            rows.set(waiting, id, status=offered, offer={**held, **times}, version=version)
            rows.put(offer, waiting_id=recorded.stream, **held, starts_at=event.starts_at)
        case Waiting.Lapsed():
            back = {"status": WaitingStatus.WAITING.value, "joined": recorded.position}  # at the end of the line
            rows.set(waiting, id, **back, offer=None, version=version)
        case Waiting.Event() if status := _STATUS.get(type(event)):
            rows.set(waiting, id, status=status.value, offer=None, version=version)
        case Service.Offered(terms=terms) | Service.Changed(terms=terms):
            columns = {"providers": terms["provider_ids"], "duration": terms["duration"]}
            rows.put(service, service_id=recorded.stream, **columns)
        case Customer.Merged(into=into):
            rows.clear(waiting, "customer_id", recorded.stream, customer_id=into)
        case _:
            project_owners(owners, recorded, rows)


_STATUS: dict[type, WaitingStatus] = {
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


waitlist = Projection(
    "waitlist", [waiting, offer, service, *owners.tables], project, (Service, Waiting, *OWNER_AGGREGATES)
)

_entries = select(
    *(waiting.c[name] for name in WaitlistEntry.__dataclass_fields__ if name != "duration"),
    service.c.duration,
).join(service, service.c.service_id == waiting.c.service_id)


async def get(read: Snapshot, id: UUID, *, owner: Owner | None = None) -> WaitlistEntry | None:
    """The entry; None if there is none, or none of the owner's."""
    query = narrowed(_entries.where(_w.id == id), (owner, ownership.shows))
    found = (await read.connection.execute(query)).one_or_none()
    return None if found is None else WaitlistEntry(**found._mapping)


@dataclass(frozen=True, kw_only=True)
class WaitlistFilter:
    """The wanted entries of a list; None: any. `provider_id`: entries that take any provider count too."""

    status: str | None = None
    service_id: UUID | None = None
    provider_id: UUID | None = None


async def find(
    read: Snapshot, page: Page, wanted: WaitlistFilter = WaitlistFilter(), *, owner: Owner | None = None
) -> tuple[Sequence[WaitlistEntry], str | None]:
    """Entries in the order of the line, of an owner alone or of all; and the next page's cursor."""
    query = narrowed(
        _entries,
        (owner, ownership.shows),
        (wanted.status, _w.status.__eq__),
        (wanted.service_id, _w.service_id.__eq__),
        (wanted.provider_id, _with),
    )
    return await fetch(read.connection, query.order_by(_w.joined, _w.id), page, WaitlistEntry)


async def as_customer(read: Snapshot, account: UUID) -> Sequence[WaitlistEntry]:
    """All entries of an account, and of the guests it has claimed, in the order of the line."""
    query = _entries.where(ownership.shows_customer(account)).order_by(_w.joined)
    return [WaitlistEntry(**row._mapping) for row in await read.connection.execute(query)]


async def in_line(read: Snapshot, provider_id: UUID, first: date, last: date) -> Sequence[Wish]:
    """The waiting entries that want a provider on these dates, the first in line first."""
    query = select(waiting).where(
        _w.status == WaitingStatus.WAITING.value, _with(provider_id), _w.first <= last, _w.last >= first
    )
    found = (await read.connection.execute(query.order_by(_w.joined))).all()
    lapsed = select(offer).where(offer.c.waiting_id.in_([row.id for row in found]))
    before: dict[UUID, set[tuple[UUID, datetime]]] = {}
    for row in await read.connection.execute(lapsed):
        before.setdefault(row.waiting_id, set()).add((row.provider_id, row.starts_at))
    return [
        Wish(
            row.id,
            row.customer_id,
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


def _with(provider_id: UUID) -> ColumnElement[bool]:
    """Whether an entry takes this provider, or any provider of a service that this one offers."""
    services = select(service.c.service_id).where(service.c.providers.has_key(str(provider_id)))
    return or_(_w.provider_id == provider_id, _any_of(services))
