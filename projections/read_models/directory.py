"""The directory: providers and services that can be booked, with places and tags."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Table, Text, select

from domain.catalog.catalog_status import CatalogStatus
from domain.catalog.provider import Provider
from domain.catalog.provider_profile import UNREADABLE
from domain.catalog.service import Service
from domain.catalog.tag import Tag
from domain.people.account import Account
from domain.scheduling.schedule import Schedule
from projections.engine.projection import Projection, RecordedEvent
from projections.engine.row_batch import RowBatch
from projections.engine.schema import json, metadata, sort_key, uuid
from projections.query import text
from projections.query.paging import Page, fetch
from projections.query.snapshot import Snapshot
from projections.read_models import schedule, tag
from projections.read_models.tag import ListedTag

providers = Table(
    "provider",
    metadata,
    uuid("id", primary_key=True),
    Column("version", BigInteger, nullable=False),
    uuid("owner_id"),
    Column("name", Text, nullable=False),
    sort_key("sort_key"),  # of the name
    Column("folded", Text, nullable=False),  # name, bio and address, for search
    uuid("organization_id", nullable=True, index=True),
    json("tags"),
    json("profile"),
    json("about"),  # personal data of the owner, as the name and the place
    Column("lat", Double),
    Column("lon", Double),
    Column("active", Boolean, nullable=False),
    Column("status", Text, nullable=False),
    Index("provider_name", "sort_key", "id"),
    Index("provider_tags", "tags", postgresql_using="gin"),
    Index("provider_place", "lat", "lon"),
)

services = Table(
    "service",
    metadata,
    uuid("id", primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    sort_key("sort_key"),
    Column("folded", Text, nullable=False),  # name, category and description, for search
    uuid("organization_id", nullable=True, index=True),
    json("provider_ids"),
    json("tags"),
    json("terms"),
    Column("price", BigInteger, nullable=False),
    Column("withdrawn", Boolean, nullable=False),  # or paused
    Column("status", Text, nullable=False),
    Index("service_name", "sort_key", "id"),
    Index("service_price", "price", "sort_key", "id"),
    Index("service_tags", "tags", postgresql_using="gin"),
    Index("service_providers", "provider_ids", postgresql_using="gin"),
)


@dataclass(frozen=True, slots=True)
class ListedProvider:
    """A provider; `profile` and `about` as in the domain, tags as they are spelled now."""

    id: UUID
    version: int
    owner_id: UUID
    profile: Mapping[str, Any]
    about: Mapping[str, Any]
    active: bool
    status: str

    @property
    def details(self) -> Mapping[str, Any]:
        """Profile and personal data, together."""
        return {**self.profile, **self.about}


@dataclass(frozen=True, slots=True)
class ListedService:
    """A service; `terms` as in the domain, tags as they are spelled now."""

    id: UUID
    version: int
    terms: Mapping[str, Any]
    status: str

    @property
    def withdrawn(self) -> bool:
        """As of the aggregate."""
        return self.status == CatalogStatus.ENDED


def project(recorded: RecordedEvent, rows: RowBatch) -> None:
    event, id, version = recorded.event, {"id": recorded.stream}, {"version": recorded.version}
    match event:
        case Provider.Joined():
            of = {"owner_id": event.owner_id, "active": True, "status": CatalogStatus.ACTIVE.value}
            rows.put(providers, **id, **version, **of, **_profile(event.profile), **_about(event.about.value))
        case Provider.Changed():
            about = {} if event.about is None else _about(event.about.value)
            rows.set(providers, id, **version, **_profile(event.profile), **about)
        case Account.Forgotten():
            rows.clear(providers, "owner_id", event.account_id, **_about(None))
            rows.clear(schedule.time_off, "said_by", event.account_id, reason="")
        case Provider.Deactivated() | Provider.Paused() | Provider.Resumed():
            status = _STATUS[type(event)]
            rows.set(providers, id, **version, active=status is CatalogStatus.ACTIVE, status=status.value)
        case Service.Offered():
            active = {"withdrawn": False, "status": CatalogStatus.ACTIVE.value}
            rows.put(services, **id, **version, **active, **_terms(event.terms))
        case Service.Changed():
            rows.set(services, id, **version, **_terms(event.terms))
        case Service.Withdrawn() | Service.Paused() | Service.Resumed():
            status = _STATUS[type(event)]
            rows.set(services, id, **version, withdrawn=status is not CatalogStatus.ACTIVE, status=status.value)
        case _:
            tag.project(recorded, rows)
            schedule.project(recorded, rows)


_STATUS: Mapping[type, CatalogStatus] = {
    Provider.Deactivated: CatalogStatus.ENDED,
    Provider.Paused: CatalogStatus.PAUSED,
    Provider.Resumed: CatalogStatus.ACTIVE,
    Service.Withdrawn: CatalogStatus.ENDED,
    Service.Paused: CatalogStatus.PAUSED,
    Service.Resumed: CatalogStatus.ACTIVE,
}


def _profile(profile: Mapping[str, Any]) -> dict[str, Any]:
    of = {"organization_id": profile.get("organization_id"), "tags": profile.get("tags", [])}
    return {**of, "profile": profile}


def _about(about: Mapping[str, Any] | None) -> dict[str, Any]:
    """A provider's description and its columns for search; empty if the owner is erased."""
    about = {**UNREADABLE, **(about or {})}
    place = about["location"] or {"lat": None, "lon": None}
    return {
        "about": about,
        "name": about["name"],
        "sort_key": text.sort_key(about["name"]),
        "folded": text.folded(about["name"], about["bio"], about["address"]),
        **{side: place[side] for side in ("lat", "lon")},
    }


def _terms(terms: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "terms": terms,
        "name": terms["name"],
        "sort_key": text.sort_key(terms["name"]),
        "folded": text.folded(terms["name"], terms.get("category"), terms.get("description")),
        "organization_id": terms.get("organization_id"),
        "provider_ids": terms["provider_ids"],
        "tags": terms.get("tags", []),
        "price": terms["price"],
    }


directory = Projection(
    "directory",
    [
        providers,
        services,
        tag.tag,
        tag.alias,
        schedule.schedule,
        schedule.override,
        schedule.time_off,
    ],
    project,
    (Account, Provider, Schedule, Service, Tag),
)

_p, _s, _t = providers.c, services.c, tag.tag.c
all_providers = (
    select(*(_p[name] for name in ListedProvider.__dataclass_fields__))
    .add_columns(tag.respelled(_p.tags).label("respelled"))
    .select_from(providers)
)
all_services = (
    select(*(_s[name] for name in ListedService.__dataclass_fields__))
    .add_columns(tag.respelled(_s.tags).label("respelled"))
    .select_from(services)
)
listed_providers = all_providers.where(_p.active)
listed_services = all_services.where(~_s.withdrawn)
_listed_tags = select(
    _t.id,
    _t.version,
    _t.slug,
    _t.name,
    _t.retired,
    tag.aliases().label("aliases"),
    tag.counted(_p.tags, _p.active).label("providers"),
    tag.counted(_s.tags, ~_s.withdrawn).label("services"),
).where(~_t.retired, ~_t.merged)


async def provider(read: Snapshot, id: UUID) -> ListedProvider | None:
    """A provider, also one who is paused or has ended, or None."""
    found = (await read.connection.execute(all_providers.where(_p.id == id))).one_or_none()
    return None if found is None else listed(ListedProvider, found._asdict())


async def owned(read: Snapshot, account: UUID) -> Sequence[ListedProvider]:
    """The providers of an owner who can be booked."""
    found = await read.connection.execute(listed_providers.where(_p.owner_id == account).order_by(_p.id))
    return [listed(ListedProvider, row._asdict()) for row in found]


async def service(read: Snapshot, id: UUID) -> ListedService | None:
    """A service, also one that is paused or has ended, or None."""
    found = (await read.connection.execute(all_services.where(_s.id == id))).one_or_none()
    return None if found is None else listed(ListedService, found._asdict())


async def provider_names(read: Snapshot, ids: Sequence[UUID]) -> Mapping[UUID, str]:
    """The names of providers, also of those who have ended."""
    found = await read.connection.execute(select(_p.id, _p.name).where(_p.id.in_(ids)))
    return {row.id: row.name for row in found}


async def service_names(read: Snapshot, ids: Sequence[UUID]) -> Mapping[UUID, str]:
    """The names of services, also of those that have ended."""
    found = await read.connection.execute(select(_s.id, _s.name).where(_s.id.in_(ids)))
    return {row.id: row.name for row in found}


L = TypeVar("L", bound=ListedProvider | ListedService)


def listed(kind: type[L], row: Mapping[str, Any]) -> L:
    """The provider or service of a row of `listed_providers` or `listed_services`, perhaps with more columns."""
    values = {name: row[name] for name in kind.__dataclass_fields__ if name in row}
    details = "profile" if "profile" in values else "terms"
    return kind(**{**values, details: tag.respell(values[details], row["respelled"])})


async def get_tag(read: Snapshot, id: UUID) -> ListedTag | None:
    """A tag in use, or None."""
    found = (await read.connection.execute(_listed_tags.where(_t.id == id))).one_or_none()
    return None if found is None else ListedTag(**found._mapping)


async def find_tags(read: Snapshot, page: Page) -> tuple[Sequence[ListedTag], str | None]:
    """Tags by name; and the next page's cursor."""
    return await fetch(read.connection, _listed_tags.order_by(_t.sort_key, _t.id), page, ListedTag)
