"""Who offers what, where, tagged how? What is withdrawn or inactive is not in it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Index,
    Table,
    Text,
    Uuid,
    cast,
    func,
    select,
)

from domain.account import Account
from domain.provider import ABOUT, Provider
from domain.service import Service
from domain.tag import Tag
from projections import opening
from projections.opening import of_calendar as schedule
from projections.page import Page, fetch, narrowed
from projections.read import Read
from projections.reader import Reader, Recorded
from projections.rows import Rows
from projections.tables import json, metadata, uuid

__all__ = ["directory", "provider", "providers", "schedule", "service", "services", "tag", "tags"]

_provider = Table(
    "provider",
    metadata,
    uuid("id", primary_key=True),
    Column("version", BigInteger, nullable=False),
    uuid("owner_id"),
    Column("name", Text, nullable=False),
    Column("folded", Text, nullable=False),  # the name, to find by
    uuid("organization_id", nullable=True, index=True),
    json("tags"),
    json("profile"),
    json("about"),  # personal to the owner, as the name
    Column("active", Boolean, nullable=False),
    Index("provider_name", "name", "id"),
    Index("provider_tags", "tags", postgresql_using="gin"),
)

_service = Table(
    "service",
    metadata,
    uuid("id", primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("folded", Text, nullable=False),
    uuid("organization_id", nullable=True, index=True),
    json("provider_ids"),
    json("tags"),
    json("terms"),
    Column("withdrawn", Boolean, nullable=False),
    Index("service_name", "name", "id"),
    Index("service_tags", "tags", postgresql_using="gin"),
    Index("service_providers", "provider_ids", postgresql_using="gin"),
)

_tag = Table(
    "tag",
    metadata,
    uuid("id", primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("slug", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("retired", Boolean, nullable=False),
    Index("tag_name", "name", "id"),
)


@dataclass(frozen=True, slots=True)
class ListedProvider:
    """A provider; `profile` and `about` as in the domain."""

    id: UUID
    version: int
    owner_id: UUID
    profile: dict[str, Any]
    about: dict[str, Any]
    active: bool

    @property
    def told(self) -> dict[str, Any]:
        """Profile and what is personal, together."""
        return {**self.profile, **self.about}


@dataclass(frozen=True, slots=True)
class ListedService:
    """A service; `terms` as in the domain."""

    id: UUID
    version: int
    terms: dict[str, Any]
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class ListedTag:
    """A tag, and how many listed providers and services have it."""

    id: UUID
    version: int
    slug: str
    name: str
    retired: bool
    providers: int
    services: int


def project(recorded: Recorded, rows: Rows) -> None:
    event, id, version = recorded.event, {"id": recorded.stream}, {"version": recorded.version}
    match event:
        case Provider.Joined():
            of = {"owner_id": event.owner_id, "active": True}
            rows.put(_provider, **id, **version, **of, **_profile(event.profile), **_about(event.about.value))
        case Provider.Changed():
            about = {} if event.about is None else _about(event.about.value)
            rows.set(_provider, id, **version, **_profile(event.profile), **about)
        case Account.Forgotten():
            rows.clear(_provider, "owner_id", event.account_id, **_about(None))
            rows.clear(opening.time_off, "said_by", event.account_id, reason="")
        case Provider.Deactivated():
            rows.set(_provider, id, **version, active=False)
        case Service.Offered():
            rows.put(_service, **id, **version, withdrawn=False, **_terms(event.terms))
        case Service.Changed():
            rows.set(_service, id, **version, **_terms(event.terms))
        case Service.Withdrawn():
            rows.set(_service, id, **version, withdrawn=True)
        case Tag.Coined():
            rows.put(_tag, **id, **version, slug=event.slug, name=event.name, retired=False)
        case Tag.Renamed():
            rows.set(_tag, id, **version, name=event.name)
        case Tag.Retired() | Tag.Revived():
            rows.set(_tag, id, **version, retired=isinstance(event, Tag.Retired))
        case _:
            opening.project(recorded, rows)


def _profile(profile: dict[str, Any]) -> dict[str, Any]:
    of = {"organization_id": profile.get("organization_id"), "tags": profile.get("tags", [])}
    return {**of, "profile": profile}


def _about(about: dict[str, Any] | None) -> dict[str, Any]:
    """Nothing, of an owner who is forgotten."""
    told = about or {**dict.fromkeys(ABOUT), "name": ""}
    return {"name": told["name"], "folded": told["name"].casefold(), "about": told}


def _terms(terms: dict[str, Any]) -> dict[str, Any]:
    of = {"organization_id": terms.get("organization_id"), "tags": terms.get("tags", [])}
    return {
        **of,
        "name": terms["name"],
        "folded": terms["name"].casefold(),
        "terms": terms,
        "provider_ids": terms["provider_ids"],
    }


directory = Reader(
    "directory",
    [_provider, _service, _tag, opening.schedule, opening.override, opening.time_off],
    project,
)

_p, _s, _t = _provider.c, _service.c, _tag.c
_listed_providers = select(_p.id, _p.version, _p.owner_id, _p.profile, _p.about, _p.active).where(_p.active)
_listed_services = select(_s.id, _s.version, _s.terms, _s.withdrawn).where(~_s.withdrawn)
_listed_tags = select(
    *_t,
    select(func.count()).where(_p.active, _p.tags.has_key(_t.slug)).scalar_subquery().label("providers"),
    select(func.count()).where(~_s.withdrawn, _s.tags.has_key(_t.slug)).scalar_subquery().label("services"),
).where(~_t.retired)


async def provider(read: Read, id: UUID) -> ListedProvider | None:
    """A provider who can be booked, or None."""
    found = (await read.connection.execute(_listed_providers.where(_p.id == id))).one_or_none()
    return None if found is None else ListedProvider(**found._mapping)


async def owned(read: Read, account: UUID) -> Sequence[ListedProvider]:
    """The providers of an owner who can be booked."""
    found = await read.connection.execute(_listed_providers.where(_p.owner_id == account).order_by(_p.id))
    return [ListedProvider(**row._mapping) for row in found]


async def service(read: Read, id: UUID) -> ListedService | None:
    """A service that can be booked, or None."""
    found = (await read.connection.execute(_listed_services.where(_s.id == id))).one_or_none()
    return None if found is None else ListedService(**found._mapping)


async def tag(read: Read, id: UUID) -> ListedTag | None:
    """A tag in use, or None."""
    found = (await read.connection.execute(_listed_tags.where(_t.id == id))).one_or_none()
    return None if found is None else ListedTag(**found._mapping)


async def providers(
    read: Read,
    page: Page,
    *,
    tag: str | None = None,
    service_id: UUID | None = None,
    organization_id: UUID | None = None,
    q: str | None = None,
) -> tuple[Sequence[ListedProvider], str | None]:
    """Providers by name; and the next part's bookmark. `tag`: a slug; `q`: a part of the name, any case."""
    query = narrowed(
        _listed_providers,
        (tag, _p.tags.has_key),
        (service_id, _offers),
        (organization_id, _p.organization_id.__eq__),
        (q, _in(_p.folded)),
    )
    return await fetch(read.connection, query.order_by(_p.name, _p.id), page, ListedProvider)


async def services(
    read: Read,
    page: Page,
    *,
    tag: str | None = None,
    provider_id: UUID | None = None,
    organization_id: UUID | None = None,
    q: str | None = None,
) -> tuple[Sequence[ListedService], str | None]:
    """Services by name; and the next part's bookmark. Filters as in `providers`."""
    query = narrowed(
        _listed_services,
        (tag, _s.tags.has_key),
        (provider_id and str(provider_id), _s.provider_ids.has_key),
        (organization_id, _s.organization_id.__eq__),
        (q, _in(_s.folded)),
    )
    return await fetch(read.connection, query.order_by(_s.name, _s.id), page, ListedService)


async def tags(read: Read, page: Page) -> tuple[Sequence[ListedTag], str | None]:
    """Tags by name; and the next part's bookmark."""
    return await fetch(read.connection, _listed_tags.order_by(_t.name, _t.id), page, ListedTag)


def _offers(service_id: UUID) -> ColumnElement[bool]:
    ids = func.jsonb_array_elements_text(_s.provider_ids)
    return _p.id.in_(select(cast(ids, Uuid)).where(_s.id == service_id, ~_s.withdrawn))


def _in(folded: Column[str]) -> Callable[[str], ColumnElement[bool]]:
    return lambda q: folded.contains(q.casefold(), autoescape=True)
