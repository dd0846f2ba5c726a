"""Who is found? By tag, service, organization, words and place; by name, price, distance or first free start.

No question looks at calendars: who is free first is kept (`earliest.py`), and compared with the time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Select, Text, Uuid, and_, cast, func, or_, select, true

from projections.directory import (
    ListedProvider,
    ListedService,
    listed,
    listed_providers,
    listed_services,
    providers,
    services,
)
from projections.earliest import First, earliest, first_with
from projections.page import Page, fetch, narrowed
from projections.place import NEARBY, Point, box, inside, metres
from projections.read import Read
from projections.tag import tagged
from projections.words import words

_p, _s, _e = providers.c, services.c, earliest.c


class Sort(StrEnum):
    NAME = "name"
    PRICE = "price"  # services only
    DISTANCE = "distance"  # with `near` only
    EARLIEST = "earliest"


@dataclass(frozen=True, slots=True)
class FoundProvider(ListedProvider):
    """`metres`: away, in a search near a place; `earliest`: if it is sorted by that."""

    metres: int | None = None
    earliest: First | None = None


@dataclass(frozen=True, slots=True)
class FoundService(ListedService):
    """`metres`: to the nearest of its providers; both as in FoundProvider."""

    metres: int | None = None
    earliest: First | None = None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is looked for; None: whatever. `tag`: a slug; `q`: words, all of which are in the texts.

    `within`: km around `near`. `now`: sort EARLIEST leaves out starts that can't be booked any more.
    """

    now: datetime
    tag: str | None = None
    organization_id: UUID | None = None
    near: Point | None = None
    within: float = NEARBY
    q: str | None = None
    sort: Sort = Sort.NAME


async def find_providers(
    read: Read, page: Page, asked: Asked, *, service_id: UUID | None = None
) -> tuple[Sequence[FoundProvider], str | None]:
    """Active providers, and the next part's bookmark.

    With a service: who offers it. Sorted by EARLIEST: only who is free at all in the days that are kept.
    """
    query = narrowed(
        listed_providers,
        (asked.tag, tagged(_p.tags)),
        (service_id, _offers),
        (asked.organization_id, _p.organization_id.__eq__),
    ).where(*(_provider_says(word) for word in words(asked.q or "")))
    order: list[ColumnElement[Any]] = [_p.name, _p.id]
    if asked.near is not None:
        away = _away(asked.near)
        query = query.add_columns(away.c.metres).join(away, _near(away, asked.near, asked.within))
        order = [away.c.metres, _p.id] if asked.sort is Sort.DISTANCE else order
    if asked.sort is Sort.EARLIEST:
        first = first_with(_e.provider_id == _p.id, _e.service_id, service_id, asked.now)
        query, order = query.add_columns(*first.c).join(first, true()), [first.c.starts_at, _p.id]
    return await _found(read, page, query, order, FoundProvider)


async def find_services(
    read: Read, page: Page, asked: Asked, *, provider_id: UUID | None = None
) -> tuple[Sequence[FoundService], str | None]:
    """Services that can be booked, and the next part's bookmark; as `find_providers`.

    With a provider: theirs. Near a place: those of a provider there.
    """
    query = narrowed(
        listed_services,
        (asked.tag, tagged(_s.tags)),
        (provider_id and str(provider_id), _s.provider_ids.has_key),
        (asked.organization_id, _s.organization_id.__eq__),
    ).where(*(_s.folded.contains(word, autoescape=True) for word in words(asked.q or "")))
    order: list[ColumnElement[Any]] = [_s.price] if asked.sort is Sort.PRICE else []
    order += [_s.name, _s.id]
    if asked.near is not None:
        nearest = _nearest(asked.near, asked.within)
        query = query.add_columns(nearest.c.metres).join(nearest, nearest.c.id == _s.id)
        order = [nearest.c.metres, _s.id] if asked.sort is Sort.DISTANCE else order
    if asked.sort is Sort.EARLIEST:
        first = first_with(_e.service_id == _s.id, _e.provider_id, provider_id, asked.now)
        query, order = query.add_columns(*first.c).join(first, true()), [first.c.starts_at, _s.id]
    return await _found(read, page, query, order, FoundService)


F = TypeVar("F", FoundProvider, FoundService)


async def _found(
    read: Read, page: Page, query: Select[Any], order: Sequence[ColumnElement[Any]], kind: type[F]
) -> tuple[Sequence[F], str | None]:
    def made(starts_at: Any = None, ends_at: Any = None, with_id: Any = None, **row: Any) -> F:
        first = None if starts_at is None else First(starts_at, ends_at, with_id)
        return listed(kind, {**row, "earliest": first})

    # Paging looks for what it orders by among the columns, and takes long over each that it is not.
    columns = {column.key: column for column in (*order, *query.selected_columns)}
    sorted_query = query.with_only_columns(*columns.values()).order_by(*order)
    return await fetch(read.connection, sorted_query, page, made)


def _away(center: Point) -> FromClause:
    """How far a provider is: worked out once for whatever asks for it."""
    return select(metres(_p.lat, _p.lon, center).label("metres")).correlate(providers).lateral("away")


def _near(away: FromClause, center: Point, within: float) -> ColumnElement[bool]:
    return and_(inside(_p.lat, _p.lon, box(center, within)), away.c.metres <= within * 1000)


def _nearest(center: Point, within: float) -> FromClause:
    """Services of active providers in the place, and how far the nearest is."""
    theirs, away = services.alias(), _away(center)
    offered = theirs.c.provider_ids.has_key(cast(_p.id, Text))
    there = providers.join(away, _near(away, center, within)).join(theirs, offered)
    query = select(theirs.c.id, func.min(away.c.metres).label("metres")).select_from(there)
    return query.where(_p.active).group_by(theirs.c.id).subquery()


def _offers(service_id: UUID) -> ColumnElement[bool]:
    return _p.id.in_(_providers_of(_s.id == service_id))


def _provider_says(word: str) -> ColumnElement[bool]:
    """Whether a word is in what a provider tells, or in the name of one of the services."""
    named = _s.folded.contains(word, autoescape=True)
    return or_(_p.folded.contains(word, autoescape=True), _p.id.in_(_providers_of(named)))


def _providers_of(condition: ColumnElement[bool]) -> Select[tuple[UUID]]:
    ids = func.jsonb_array_elements_text(_s.provider_ids)
    return select(cast(ids, Uuid)).where(condition, ~_s.withdrawn)
