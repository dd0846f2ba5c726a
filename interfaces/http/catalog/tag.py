"""Tags: words to find by."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

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
from interfaces.http.framework.needs import Needs
from interfaces.http.framework.paging import page, sealed
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import (
    PUBLIC,
    command_response,
    empty_response,
    page_response,
    resource_response,
)
from interfaces.http.framework.routing import Router
from projections.read_models import directory

router = Router("/v1/tags", "tags")


class CreateTagBody(Body):
    """Without a name, people read the slug."""

    slug: Slug
    name: Name | None = None


class ReplaceTagBody(Body):
    """What people read. Another slug, if one is given; the one before still leads to the tag."""

    name: Name
    slug: Slug | None = None


class MergeTagBody(Body):
    """The tag that stays."""

    into: UUID


class TagResponse(Resource):
    """A word to find by. `aliases`: other slugs that lead to it."""

    slug: str
    name: str
    aliases: list[str]


class ListedTagResponse(TagResponse):
    """`providers`, `services`: how many listed ones have it."""

    providers: int
    services: int


class TagPage(Shape):
    items: list[ListedTagResponse]
    next: str | None


class TagFilters(Paging):
    """Tags in use, by name."""


def tag_response(tag: Tag | directory.ListedTag) -> Mapping[str, Any]:
    """A tag as answered."""
    return {name: getattr(tag, name) for name in TagResponse.model_fields}


def listed_tag_response(tag: directory.ListedTag) -> Mapping[str, Any]:
    """A tag as listed."""
    return {name: getattr(tag, name) for name in ListedTagResponse.model_fields}


def location(tag: Tag) -> str:
    return f"/v1/tags/{tag.id}"


@router.post("", "create_tag", TagResponse, status=201)
async def create(request: RequestContext, body: CreateTagBody) -> Response:
    """Coin a tag; one that exists is answered as it is."""
    command = CreateTag(**request.command(), slug=body.slug, name=body.name)
    return command_response(await create_tag(command, request.ports.store), tag_response, location)


@router.get("", "list_tags", TagPage)
async def find(request: RequestContext, filters: Annotated[TagFilters, Query()]) -> Response:
    """List tags, with how many have them."""
    async with request.snapshot("directory") as read:
        rows, bookmark = await directory.tags(read, page(request, filters))
    return page_response(
        [listed_tag_response(row) for row in rows], sealed(request, filters, bookmark), read.position, PUBLIC
    )


@router.get("/{tag_id}", "get_tag", TagResponse)
async def get(request: RequestContext, tag_id: UUID) -> Response:
    """Show a tag."""
    async with request.snapshot("directory") as read:
        row = await directory.tag(read, tag_id)
    if row is None:
        raise NotFound("tag", tag_id)
    return resource_response(request.sent, row.version, tag_response(row), read.position, PUBLIC)


@router.put("/{tag_id}", "replace_tag", TagResponse)
async def replace(request: RequestContext, tag_id: UUID, body: ReplaceTagBody) -> Response:
    """Rename a tag."""
    command = RenameTag(**request.command(), tag_id=tag_id, name=body.name, slug=body.slug)
    return command_response(await rename_tag(command, request.ports.store), tag_response)


@router.post("/{tag_id}/merge", "merge_tag", TagResponse, needs=Needs(version=True))
async def merge(request: RequestContext, tag_id: UUID, body: MergeTagBody) -> Response:
    """Make two tags one: what has this one is found under the other, which is answered."""
    command = MergeTag(**request.command(), tag_id=tag_id, into=body.into)
    return command_response(await merge_tag(command, request.ports.store), tag_response)


@router.delete("/{tag_id}", "delete_tag")
async def delete(request: RequestContext, tag_id: UUID) -> Response:
    """List a tag no longer, until somebody uses it again."""
    command = DeleteTag(**request.command(), tag_id=tag_id)
    return empty_response(await delete_tag(command, request.ports.store))
