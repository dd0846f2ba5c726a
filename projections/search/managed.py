"""Providers and services by who acts for them: those that can be booked, and those that are paused or have ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, Uuid, cast, func, literal, or_, select

from domain.catalog.catalog_status import CatalogStatus
from projections.query import text
from projections.query.paging import Page, fetch, narrowed
from projections.query.snapshot import Snapshot
from projections.read_models.directory import (
    ListedProvider,
    ListedService,
    all_providers,
    all_services,
    listed,
    providers,
    services,
)
from projections.read_models.tag import tagged

_p, _s = providers.c, services.c


@dataclass(frozen=True)
class Manager:
    """An account that acts for its own providers, and for those of the organizations to which it belongs."""

    account: UUID
    organizations: Sequence[UUID]


@dataclass(frozen=True, kw_only=True)
class ManagedProviders:
    """The wanted ones of a manager's providers; None: any. `q`: words of name, bio and address; `tag`: a slug."""

    q: str | None = None
    organization_id: UUID | None = None
    service_id: UUID | None = None
    tag: str | None = None


def _acts_for(by: Manager) -> ColumnElement[bool]:
    return or_(_p.owner_id == by.account, _p.organization_id.in_(by.organizations))


def _offers(by: Manager) -> ColumnElement[bool]:
    theirs = func.array(select(cast(_p.id, Text)).where(_acts_for(by)).scalar_subquery())
    return or_(_s.organization_id.in_(by.organizations), _s.provider_ids.has_any(theirs))


def _offering(service_id: UUID) -> ColumnElement[bool]:
    offering = select(cast(func.jsonb_array_elements_text(_s.provider_ids), Uuid)).where(_s.id == service_id)
    return _p.id.in_(offering)


def _with_tag(slug: str) -> ColumnElement[bool]:
    return tagged(_p.tags, literal(slug, Text))


async def find_providers(
    read: Snapshot, page: Page, by: Manager | None, wanted: ManagedProviders
) -> tuple[Sequence[ListedProvider], str | None]:
    """Providers by name, those of a manager or all; and the next page's cursor."""
    query = narrowed(
        all_providers,
        (by, _acts_for),
        (wanted.organization_id, _p.organization_id.__eq__),
        (wanted.service_id, _offering),
        (wanted.tag, _with_tag),
        (wanted.q, lambda q: text.has_words(_p.folded, q)),
    )
    return await fetch(read.connection, query.order_by(_p.sort_key, _p.id), page, _provider)


async def find_services(
    read: Snapshot, page: Page, by: Manager | None, *, q: str | None = None, provider_id: UUID | None = None
) -> tuple[Sequence[ListedService], str | None]:
    """Services by name, those of a manager or all; and the next page's cursor."""
    query = narrowed(
        all_services,
        (by, _offers),
        (provider_id, lambda id: _s.provider_ids.has_key(str(id))),
        (q, lambda q: text.has_words(_s.folded, q)),
    )
    return await fetch(read.connection, query.order_by(_s.sort_key, _s.id), page, _service)


async def service_choices(
    read: Snapshot, by: Manager | None, *, provider_id: UUID | None, most: int
) -> Sequence[tuple[UUID, str]]:
    """Ids and names of the services of `find_services` that have not ended, by name, at most so many."""
    query = narrowed(
        select(_s.id, _s.name).where(_s.status != CatalogStatus.ENDED.value),
        (by, _offers),
        (provider_id, lambda id: _s.provider_ids.has_key(str(id))),
    )
    found = await read.connection.execute(query.order_by(_s.sort_key, _s.id).limit(most))
    return [(row.id, row.name) for row in found]


async def manages(read: Snapshot, by: Manager, provider_ids: Sequence[UUID]) -> bool:
    """Whether the manager acts for one of the providers."""
    query = select(_p.id).where(_p.id.in_(provider_ids), _acts_for(by)).limit(1)
    return (await read.connection.execute(query)).first() is not None


def _provider(**row: Any) -> ListedProvider:
    return listed(ListedProvider, row)


def _service(**row: Any) -> ListedService:
    return listed(ListedService, row)
