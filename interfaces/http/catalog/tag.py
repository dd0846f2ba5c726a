"""Tags: words to find by."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from application.catalog.tag import (
    CreateTag,
    DeleteTag,
    MergeTag,
    RenameTag,
    create_tag,
    delete_tag,
    merge_tag,
    rename_tag,
)
from domain.catalog.tag import Tag
from domain.errors import NotFound
from interfaces.http.framework.fields import Body, Name, Paging, Resource, Shape, Slug
from interfaces.http.framework.paging import page, sealed
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import PUBLIC, ended, listed, seen, written
from interfaces.http.framework.routing import Route
from projections.read_models import directory
from projections.read_models.tag import ListedTag

router = APIRouter(prefix="/v1/tags", tags=["tags"], route_class=Route)


class NewTag(Body):
    """Without a name, people read the slug."""

    slug: Slug
    name: Name | None = None


class TagName(Body):
    """What people read. Another slug, if one is given; the one before still leads to the tag."""

    name: Name
    slug: Slug | None = None


class TagMerge(Body):
    """The tag that stays."""

    into: UUID


class TagShown(Resource):
    """A word to find by. `aliases`: other slugs that lead to it."""

    slug: str
    name: str
    aliases: list[str]


class TagCounted(TagShown):
    """`providers`, `services`: how many listed ones have it."""

    providers: int
    services: int


class TagPage(Shape):
    items: list[TagCounted]
    next: str | None


class TagFilters(Paging):
    """Tags in use, by name."""


def shown(tag: Tag | ListedTag) -> Mapping[str, Any]:
    """A tag as answered."""
    return {name: getattr(tag, name) for name in TagShown.model_fields}


def counted(tag: ListedTag) -> Mapping[str, Any]:
    """A tag as listed."""
    return {name: getattr(tag, name) for name in TagCounted.model_fields}


def location(tag: Tag) -> str:
    return f"/v1/tags/{tag.id}"


@router.post("", operation_id="create_tag", status_code=201, response_model=TagShown)
async def create(ask: RequestContext, body: NewTag) -> Response:
    """Coin a tag; one that exists is answered as it is."""
    command = CreateTag(**ask.command(), slug=body.slug, name=body.name)
    return written(await create_tag(command, ask.ports.store), shown, location)


@router.get("", operation_id="list_tags", response_model=TagPage)
async def find(ask: RequestContext, filters: Annotated[TagFilters, Query()]) -> Response:
    """List tags, with how many have them."""
    async with ask.look("directory") as read:
        rows, bookmark = await directory.find_tags(read, page(ask, filters))
    return listed([counted(row) for row in rows], sealed(ask, filters, bookmark), read.position, PUBLIC)


@router.get("/{tag_id}", operation_id="get_tag", response_model=TagShown)
async def get(ask: RequestContext, tag_id: UUID) -> Response:
    """Show a tag."""
    async with ask.look("directory") as read:
        row = await directory.get_tag(read, tag_id)
    if row is None:
        raise NotFound("tag", tag_id)
    return seen(ask.given, row.version, shown(row), read.position, PUBLIC)


@router.put("/{tag_id}", operation_id="replace_tag", response_model=TagShown)
async def replace(ask: RequestContext, tag_id: UUID, body: TagName) -> Response:
    """Rename a tag."""
    command = RenameTag(**ask.command(), tag_id=tag_id, name=body.name, slug=body.slug)
    return written(await rename_tag(command, ask.ports.store), shown)


@router.post("/{tag_id}/merge", operation_id="merge_tag", response_model=TagShown)
async def merge(ask: RequestContext, tag_id: UUID, body: TagMerge) -> Response:
    """Make two tags one: what has this one is found under the other, which is answered."""
    command = MergeTag(**ask.command(), tag_id=tag_id, into=body.into)
    return written(await merge_tag(command, ask.ports.store), shown)


@router.delete("/{tag_id}", operation_id="delete_tag", status_code=204)
async def delete(ask: RequestContext, tag_id: UUID) -> Response:
    """List a tag no longer, until somebody uses it again."""
    command = DeleteTag(**ask.command(), tag_id=tag_id)
    return ended(await delete_tag(command, ask.ports.store))
