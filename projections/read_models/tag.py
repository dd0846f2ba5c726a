"""Tags, and the slugs that lead to them. A part of the directory."""

from collections.abc import Mapping, Sequence
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
    any_,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from domain.catalog.tag import Tag
from projections.engine.projection import RecordedEvent
from projections.engine.row_batch import RowBatch
from projections.engine.schema import metadata, sort_key, uuid
from projections.query import text
from projections.query.snapshot import Snapshot

tag = Table(
    "tag",
    metadata,
    uuid("id", primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("slug", Text, nullable=False),
    Column("name", Text, nullable=False),
    sort_key("sort_key"),
    Column("retired", Boolean, nullable=False),
    Column("merged", Boolean, nullable=False),
    Index("tag_name", "sort_key", "id"),
)

# Every slug ever coined, and the tag that it leads to now: one step, however often that was merged.
alias = Table(
    "tag_alias",
    metadata,
    Column("slug", Text, primary_key=True),
    uuid("tag_id", index=True),
)


@dataclass(frozen=True, slots=True)
class ListedTag:
    """A tag, the other slugs that lead to it, and how many listed providers and services have it."""

    id: UUID
    version: int
    slug: str
    name: str
    retired: bool
    aliases: list[str]
    providers: int
    services: int


def project(recorded: RecordedEvent, rows: RowBatch) -> None:
    event, id, version = recorded.event, {"id": recorded.stream}, {"version": recorded.version}
    lead(alias, recorded, rows)
    match event:
        case Tag.Coined():
            rows.put(tag, **id, **version, slug=event.slug, **_named(event.name), retired=False, merged=False)
        case Tag.Renamed():
            rows.set(tag, id, **version, **_named(event.name))
        case Tag.Respelled():
            rows.set(tag, id, **version, slug=event.slug)
        case Tag.Merged():
            rows.set(tag, id, **version, merged=True)
        case Tag.Retired() | Tag.Revived():
            rows.set(tag, id, **version, retired=isinstance(event, Tag.Retired))
        case Tag.Event():
            rows.set(tag, id, **version)
        case _:
            pass


async def tag_choices(read: Snapshot, *, most: int) -> Sequence[tuple[str, str]]:
    """Slugs and names of the tags in use, by name, at most so many."""
    query = select(tag.c.slug, tag.c.name).where(~tag.c.retired, ~tag.c.merged).order_by(tag.c.sort_key, tag.c.id)
    return [(row.slug, row.name) for row in await read.connection.execute(query.limit(most))]


def _named(name: str) -> dict[str, Any]:
    return {"name": name, "sort_key": text.sort_key(name)}


def lead(to: Table, recorded: RecordedEvent, rows: RowBatch) -> None:
    """Keep a table of slugs and the tags that they lead to, such as `alias`."""
    match recorded.event:
        case Tag.Coined() as it:
            rows.put(to, slug=it.slug, tag_id=recorded.stream)
        case Tag.Merged() as it:
            for slug in it.slugs:
                rows.put(to, slug=slug, tag_id=it.into)
        case _:
            pass


def tagged(tags: Column[Any], slug: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a column of slugs has the tag that a slug leads to, by any of its slugs."""
    to = select(alias.c.tag_id).where(alias.c.slug == slug).scalar_subquery()
    slugs = select(alias.c.slug).where(alias.c.tag_id == to).scalar_subquery()
    found: ColumnElement[bool] = tags.has_any(func.array_append(func.array(slugs), slug))
    return found


def counted(tags: Column[Any], listed: ColumnElement[bool]) -> ColumnElement[int]:
    """The number of listed rows with the tag, each counted once."""
    slugs = select(alias.c.slug).where(alias.c.tag_id == tag.c.id).correlate(tag).scalar_subquery()
    return select(func.count()).where(listed, tags.has_any(func.array(slugs))).correlate(tag).scalar_subquery()


def aliases() -> ColumnElement[Any]:
    """The other slugs that lead to the tag."""
    slugs = (
        select(alias.c.slug)
        .where(alias.c.tag_id == tag.c.id, alias.c.slug != tag.c.slug)
        .order_by(alias.c.slug)
        .correlate(tag)
    )
    return func.array(slugs.scalar_subquery())


def respelled(tags: Column[Any]) -> ColumnElement[Any]:
    """The slugs of a row that are spelled differently now: old slug -> new slug, NULL if there are none."""
    own = select(func.jsonb_array_elements_text(tags)).correlate(tags.table).scalar_subquery()
    return (
        select(func.json_object_agg(alias.c.slug, tag.c.slug, type_=JSONB))
        .select_from(alias.join(tag, tag.c.id == alias.c.tag_id))
        .where(alias.c.slug == any_(func.array(own)), alias.c.slug != tag.c.slug)
        .correlate(tags.table)
        .scalar_subquery()
    )


def respell(details: Mapping[str, Any], now: Mapping[str, str] | None) -> Mapping[str, Any]:
    """The details with their tags as they are spelled `now`, each once."""
    if now is None:
        return details
    return {**details, "tags": list(dict.fromkeys(now.get(slug, slug) for slug in details["tags"]))}
