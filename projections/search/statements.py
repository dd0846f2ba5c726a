"""The statements of searches: one for each combination of conditions, built once.

None reads calendars: the earliest starts are precomputed (`earliest.py`), and compared with the time.
"""

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    func,
    or_,
    select,
    true,
)

from projections.availability.earliest import earliest, first_with
from projections.read_models.directory import listed_providers, listed_services, providers, services
from projections.read_models.tag import tagged
from projections.search.geo import inside, metres

_p, _s, _e = providers.c, services.c, earliest.c
_METRES = bindparam("metres", type_=BigInteger)
_ORGANIZATION, _WHOM = bindparam("organization", type_=Uuid), bindparam("whom", type_=Uuid)
KEPT_STATEMENTS = 512


class Sort(StrEnum):
    NAME = "name"
    PRICE = "price"  # services only
    DISTANCE = "distance"  # with `near` only
    EARLIEST = "earliest"


class StatementShape(NamedTuple):
    """The given conditions. `whom`: the providers of a service, the services of a provider; `words`: their number.

    `word0` and so on are their patterns. `across`: the place's box lies across the 180th meridian.
    """

    tag: bool
    whom: bool
    organization: bool
    words: int
    near: bool
    across: bool
    sort: Sort


@lru_cache(maxsize=KEPT_STATEMENTS)
def providers_query(shape: StatementShape) -> Select[Any]:
    """Providers: with columns `metres` near a place; `starts_at`, `length`, `with_id` by EARLIEST."""
    conditions = _conditions(shape, providers, _offer_it, _provider_says)
    query = listed_providers.where(*conditions)
    order: list[ColumnElement[Any]] = [_p.sort_key, _p.id]
    if shape.near:
        away = _away()
        query = query.add_columns(away.c.metres).join(away, _near(away, across=shape.across))
        order = [away.c.metres, _p.id] if shape.sort is Sort.DISTANCE else order
    if shape.sort is Sort.EARLIEST:
        first = first_with(_e.provider_id == _p.id, _e.service_id, _WHOM if shape.whom else None)
        query, order = query.add_columns(*first.c).join(first, true()), [first.c.starts_at, _p.id]
    return _ordered(query, order)


@lru_cache(maxsize=KEPT_STATEMENTS)
def services_query(shape: StatementShape) -> Select[Any]:
    """Services, as `providers_query`; `metres` to the nearest of their providers."""
    query = listed_services.where(*_conditions(shape, services, _theirs, _s.folded.like))
    order: list[ColumnElement[Any]] = [_s.price] if shape.sort is Sort.PRICE else []
    order += [_s.sort_key, _s.id]
    if shape.near:
        nearest = _nearest(across=shape.across)
        query = query.add_columns(nearest.c.metres).join(nearest, nearest.c.id == _s.id)
        order = [nearest.c.metres, _s.id] if shape.sort is Sort.DISTANCE else order
    if shape.sort is Sort.EARLIEST:
        first = first_with(_e.service_id == _s.id, _e.provider_id, _WHOM if shape.whom else None)
        query, order = query.add_columns(*first.c).join(first, true()), [first.c.starts_at, _s.id]
    return _ordered(query, order)


def _conditions(
    shape: StatementShape,
    of: Any,
    whom: Callable[[], ColumnElement[bool]],
    says: Callable[..., ColumnElement[bool]],
) -> Iterator[ColumnElement[bool]]:
    if shape.tag:
        yield tagged(of.c.tags, bindparam("tag", type_=Text))
    if shape.whom:
        yield whom()
    if shape.organization:
        yield of.c.organization_id == _ORGANIZATION
    for n in range(shape.words):
        yield says(bindparam(f"word{n}", type_=Text), escape="/")


def _ordered(query: Select[Any], order: Sequence[ColumnElement[Any]]) -> Select[Any]:
    # Paging searches the columns for those it orders by, and is slow about each that is missing.
    columns = {column.key: column for column in (*order, *query.selected_columns)}
    return query.with_only_columns(*columns.values()).order_by(*order)


def _away() -> FromClause:
    """The distance of a provider, computed once for all uses in a statement."""
    return select(metres(_p.lat, _p.lon).label("metres")).correlate(providers).lateral("away")


def _near(away: FromClause, *, across: bool) -> ColumnElement[bool]:
    return and_(inside(_p.lat, _p.lon, across=across), away.c.metres <= _METRES)


def _nearest(*, across: bool) -> FromClause:
    """Services of active providers in the place, and the distance of the nearest."""
    theirs, away = services.alias(), _away()
    offered = theirs.c.provider_ids.has_key(cast(_p.id, Text))
    there = providers.join(away, _near(away, across=across)).join(theirs, offered)
    query = select(theirs.c.id, func.min(away.c.metres).label("metres")).select_from(there)
    return query.where(_p.active).group_by(theirs.c.id).subquery()


def _offer_it() -> ColumnElement[bool]:
    return _p.id.in_(_providers_of(_s.id == _WHOM))


def _theirs() -> ColumnElement[bool]:
    has: ColumnElement[bool] = _s.provider_ids.has_key(cast(_WHOM, Text))
    return has


def _provider_says(word: ColumnElement[str], escape: str) -> ColumnElement[bool]:
    """Whether a word is in a provider's texts, or in the name of one of the services."""
    named = _s.folded.like(word, escape=escape)
    return or_(_p.folded.like(word, escape=escape), _p.id.in_(_providers_of(named)))


def _providers_of(condition: ColumnElement[bool]) -> Select[tuple[UUID]]:
    ids = func.jsonb_array_elements_text(_s.provider_ids)
    return select(cast(ids, Uuid)).where(condition, ~_s.withdrawn)
