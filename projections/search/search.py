"""Search of providers and services by tag, words and place; nearest, cheapest or earliest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Select

from projections.availability.earliest import EarliestStart
from projections.query.paging import Page, fetch
from projections.query.snapshot import Snapshot
from projections.query.text import pattern, words
from projections.read_models.directory import ListedProvider, ListedService, listed
from projections.search.geo import NEARBY, Point, box, values
from projections.search.statements import Sort, StatementShape, providers_query, services_query

__all__ = ["FoundProvider", "FoundService", "SearchQuery", "Sort", "find_providers", "find_services"]


@dataclass(frozen=True, slots=True)
class FoundProvider(ListedProvider):
    """`metres`: away, in a search near a place; `earliest`: if it is sorted by that."""

    metres: int | None = None
    earliest: EarliestStart | None = None


@dataclass(frozen=True, slots=True)
class FoundService(ListedService):
    """`metres`: to the nearest of its providers; both as in FoundProvider."""

    metres: int | None = None
    earliest: EarliestStart | None = None


@dataclass(frozen=True, kw_only=True)
class SearchQuery:
    """The conditions of a search; None: any. `tag`: a slug; `q`: words, all of which are in the texts.

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
    read: Snapshot, page: Page, asked: SearchQuery, *, service_id: UUID | None = None
) -> tuple[Sequence[FoundProvider], str | None]:
    """Active providers, and the next page's cursor.

    With a service: its providers. Sorted by EARLIEST: only providers with a free start in the days computed.
    """
    query = providers_query(_shape(asked, service_id))
    return await _found(read, page, query, _values(asked, service_id), FoundProvider)


async def find_services(
    read: Snapshot, page: Page, asked: SearchQuery, *, provider_id: UUID | None = None
) -> tuple[Sequence[FoundService], str | None]:
    """Services that can be booked, and the next page's cursor; as `find_providers`.

    With a provider: theirs. Near a place: those of a provider there.
    """
    query = services_query(_shape(asked, provider_id))
    return await _found(read, page, query, _values(asked, provider_id), FoundService)


F = TypeVar("F", FoundProvider, FoundService)


async def _found(
    read: Snapshot, page: Page, query: Select[Any], given: Mapping[str, Any], kind: type[F]
) -> tuple[Sequence[F], str | None]:
    def made(starts_at: Any = None, length: Any = None, with_id: Any = None, **row: Any) -> F:
        first = None if starts_at is None else EarliestStart(starts_at, starts_at + length, with_id)
        return listed(kind, {**row, "earliest": first})

    return await fetch(read.connection, query, page, made, given)


def _shape(asked: SearchQuery, whom: UUID | None) -> StatementShape:
    return StatementShape(
        asked.tag is not None,
        whom is not None,
        asked.organization_id is not None,
        len(words(asked.q or "")),
        asked.near is not None,
        asked.near is not None and box(asked.near, asked.within).across,
        asked.sort,
    )


def _values(asked: SearchQuery, whom: UUID | None) -> Mapping[str, Any]:
    """The parameters of the statements, by name."""
    given: dict[str, Any] = {"tag": asked.tag, "whom": whom, "organization": asked.organization_id}
    given |= {f"word{n}": pattern(word) for n, word in enumerate(words(asked.q or ""))}
    if asked.near is not None:
        given |= {**values(asked.near, asked.within), "metres": round(asked.within * 1000)}
    if asked.sort is Sort.EARLIEST:
        given["now"] = asked.now
    return {name: value for name, value in given.items() if value is not None}
