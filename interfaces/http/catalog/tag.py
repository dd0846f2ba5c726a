"""Routes of tags: words to find providers and services by."""

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
from interfaces.http.framework.paging import next_cursor, page
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
from projections.read_models.tag import ListedTag

router = Router("/v1/tags", "tags")


class CreateTagBody(Body):
    """Without a name, the slug is shown."""

    slug: Slug
    name: Name | None = None


class ReplaceTagBody(Body):
    """The name that is shown. With another `slug`, the former one still finds the tag."""

    name: Name
    slug: Slug | None = None


class MergeTagBody(Body):
    """The tag that stays."""

    into: UUID


class TagResponse(Resource):
    """A word to find providers and services by. `aliases`: its other slugs."""

    slug: str
    name: str
    aliases: list[str]


class ListedTagResponse(TagResponse):
    """`providers`, `services`: how many have the tag."""

    providers: int
    services: int


class TagPage(Shape):
    items: list[ListedTagResponse]
    next: str | None


class TagFilters(Paging):
    """Tags in the order of their names."""


def tag_response(tag: Tag | ListedTag) -> Mapping[str, Any]:
    """A tag as JSON."""
    return {name: getattr(tag, name) for name in TagResponse.model_fields}


def listed_tag_response(tag: ListedTag) -> Mapping[str, Any]:
    """A tag in a list as JSON."""
    return {name: getattr(tag, name) for name in ListedTagResponse.model_fields}


def location(tag: Tag) -> str:
    return f"/v1/tags/{tag.id}"


@router.post("", "create_tag", TagResponse, status=201)
async def create(request: RequestContext, body: CreateTagBody) -> Response:
    """Create a tag. A tag that exists already is answered as it is."""
    command = CreateTag(**request.command(), slug=body.slug, name=body.name)
    return command_response(await create_tag(command, request.ports.store), tag_response, location)


@router.get("", "list_tags", TagPage)
async def find(request: RequestContext, filters: Annotated[TagFilters, Query()]) -> Response:
    """List tags with the number of their providers and services."""
    async with request.snapshot("directory") as read:
        rows, bookmark = await directory.find_tags(read, page(request, filters))
    return page_response(
        [listed_tag_response(row) for row in rows], next_cursor(request, filters, bookmark), read.position, PUBLIC
    )


@router.get("/{tag_id}", "get_tag", TagResponse)
async def get(request: RequestContext, tag_id: UUID) -> Response:
    """Get a tag."""
    async with request.snapshot("directory") as read:
        row = await directory.get_tag(read, tag_id)
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
    """Merge a tag into another one. The answer is the other tag, which now finds both."""
    command = MergeTag(**request.command(), tag_id=tag_id, into=body.into)
    return command_response(await merge_tag(command, request.ports.store), tag_response)


@router.delete("/{tag_id}", "delete_tag")
async def delete(request: RequestContext, tag_id: UUID) -> Response:
    """Delete a tag. It is back as soon as a provider or service uses it again."""
    command = DeleteTag(**request.command(), tag_id=tag_id)
    return empty_response(await delete_tag(command, request.ports.store))
