"""Routes of providers: the people and things that can be booked."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from fastapi import Query, Response
from pydantic import Field

from application.catalog.provider import (
    ChangeProvider,
    CreateProvider,
    DeleteProvider,
    MarkProvider,
    change_provider,
    create_provider,
    delete_provider,
    pause_provider,
    resume_provider,
)
from application.ending import EndingKind
from application.event_log import CommandResult
from domain.catalog.catalog_status import CatalogStatus
from domain.catalog.provider import Provider
from domain.catalog.provider_profile import DEFAULTS, ProviderDetails
from domain.errors import NotFound
from domain.kernel import new_id
from interfaces.http.booking.appointments_ahead import EndingQuery, EndingResponse, ended
from interfaces.http.catalog.managing import managed_page
from interfaces.http.catalog.search import searched
from interfaces.http.catalog.search_schemas import ProviderEarliestStart, SearchFilters, search_fields
from interfaces.http.catalog.unlisted import shown
from interfaces.http.framework import fields as body_fields
from interfaces.http.framework.details.contact import EmailAddress, Link, Phone
from interfaces.http.framework.details.external import ExternalId, Metadata
from interfaces.http.framework.fields import (
    Body,
    Change,
    EmptyBody,
    Line,
    Name,
    Resource,
    Shape,
    Tags,
    Text,
    Words,
    Zone,
    absent,
)
from interfaces.http.framework.needs import Needs
from interfaces.http.framework.paging import next_cursor
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import PRIVATE, PUBLIC, command_response, page_response, resource_response
from interfaces.http.framework.routing import Router
from interfaces.http.vocabulary.enum_name import EnumName
from projections.read_models import directory
from projections.search import managed
from projections.search.search import FoundProvider, find_providers

router = Router("/v1/providers", "providers")


class Location(Body):
    """Degrees in WGS 84."""

    lat: float = Field(ge=-90, le=90, examples=[48.85])
    lon: float = Field(ge=-180, le=180, examples=[2.35])


class ReplaceProviderBody(Body):
    """A person or thing that can be booked. `timezone` is the default of the provider's schedule."""

    name: Name
    timezone: Zone
    organization_id: UUID | None = None
    bio: Text | None = None
    address: Line | None = None
    location: Location | None = None
    phone: Phone | None = None
    email: EmailAddress | None = None
    photo_url: Link | None = None
    tags: Tags = []
    external_id: ExternalId | None = None
    metadata: Metadata = {}


class CreateProviderBody(ReplaceProviderBody):
    """`owner_id`: only an admin may name another account."""

    owner_id: UUID | None = None


class ChangeProviderBody(Change, ReplaceProviderBody):
    """Only the given fields change; null clears an optional one."""

    name: Name = absent()
    timezone: Zone = absent()
    tags: Tags = absent()
    metadata: Metadata = absent()


class ProviderResponse(Resource):
    """A person or thing that can be booked while it is `active`."""

    name: str
    timezone: str
    organization_id: UUID | None
    bio: str | None
    address: str | None
    location: Location | None
    phone: str | None
    email: str | None
    photo_url: str | None
    tags: list[str]
    external_id: str | None
    metadata: dict[str, str]
    owner_id: UUID
    active: bool
    status: CatalogStatus


class ProviderMoveQuery(body_fields.Query):
    """What becomes of upcoming appointments when the organization changes: the past always stays where it was made."""

    appointments: Annotated[Literal["take", "leave"], EnumName("RecordsChoice")] = "leave"


class ListedProviderResponse(ProviderResponse):
    """`distance`: kilometres from `near`. `earliest`: when sorted by it."""

    distance: float | None = None
    earliest: ProviderEarliestStart | None = None


class ProviderPage(Shape):
    items: list[ListedProviderResponse]
    next: str | None


class ProviderFilters(SearchFilters):
    """Active providers. By `earliest`: only those with a free start in the next 62 days."""

    service_id: UUID | None = None
    q: Words | None = Field(None, description="Words of name, bio, address, or a service's name.")
    sort: Annotated[Literal["name", "distance", "earliest"], EnumName("ProviderOrder")] = "name"


def listed_provider_response(provider: FoundProvider) -> Mapping[str, Any]:
    """A provider in a list as JSON."""
    return {**provider_response(provider), **search_fields(provider.metres, provider.earliest, "service_id")}


def provider_response(provider: Provider | directory.ListedProvider) -> Mapping[str, Any]:
    """A provider as JSON."""
    profile_values = {**DEFAULTS, **provider.details}
    return {
        "id": provider.id,
        "version": provider.version,
        **{name: profile_values.get(name) for name in ReplaceProviderBody.model_fields},
        "owner_id": provider.owner_id,
        "active": provider.active,
        "status": provider.status,
    }


def profile(body: ReplaceProviderBody, *, partly: bool = False) -> dict[str, Any]:
    """The fields of a profile, ids as text; `partly`: only the given ones."""
    return body.model_dump(mode="json", exclude={"owner_id"}, exclude_unset=partly)


def location(provider: Provider) -> str:
    return f"/v1/providers/{provider.id}"


@router.post("", "create_provider", ProviderResponse, status=201)
async def create(request: RequestContext, body: CreateProviderBody) -> Response:
    """Create a provider with an empty schedule. The caller is its owner."""
    command = CreateProvider(
        **request.command(), id=new_id(), profile=cast("ProviderDetails", profile(body)), owner_id=body.owner_id
    )
    return command_response(await create_provider(command, request.ports.store), provider_response, location)


@router.get("", "list_providers", ProviderPage)
async def find(request: RequestContext, filters: Annotated[ProviderFilters, Query()]) -> Response:
    """List providers."""
    if filters.managed:
        narrowing = filters.model_dump(include={"q", "organization_id", "service_id", "tag"})
        found = partial(managed.find_providers, wanted=managed.ManagedProviders(**narrowing))
        return await managed_page(request, filters, found, provider_response)
    async with searched(request, filters) as search:
        rows, bookmark = await find_providers(search.read, search.page, search.query, service_id=filters.service_id)
    return page_response(
        [listed_provider_response(row) for row in rows],
        next_cursor(request, filters, bookmark),
        search.position,
        PUBLIC,
    )


@router.get("/{provider_id}", "get_provider", ProviderResponse)
async def get(request: RequestContext, provider_id: UUID) -> Response:
    """Get a provider."""
    async with request.snapshot("directory") as read:
        row = await directory.provider(read, provider_id)
    if row is None or not await shown(request, row.status, [provider_id]):
        raise NotFound("provider", provider_id)
    cache = PUBLIC if row.status == CatalogStatus.ACTIVE else PRIVATE
    return resource_response(request.sent, row.version, provider_response(row), read.position, cache)


@router.put("/{provider_id}", "replace_provider", ProviderResponse)
async def replace(
    request: RequestContext, provider_id: UUID, query: Annotated[ProviderMoveQuery, Query()], body: ReplaceProviderBody
) -> Response:
    """Replace a provider's profile."""
    takes = query.appointments == "take"
    command = ChangeProvider(
        **request.command(), provider_id=provider_id, profile=profile(body), takes_appointments=takes
    )
    return command_response(await change_provider(command, request.ports.store), provider_response)


@router.patch("/{provider_id}", "change_provider", ProviderResponse)
async def change(
    request: RequestContext, provider_id: UUID, query: Annotated[ProviderMoveQuery, Query()], body: ChangeProviderBody
) -> Response:
    """Change some fields of a provider's profile."""
    takes, changes = query.appointments == "take", profile(body, partly=True)
    command = ChangeProvider(**request.command(), provider_id=provider_id, profile=changes, takes_appointments=takes)
    return command_response(await change_provider(command, request.ports.store), provider_response)


@router.post("/{provider_id}/pause", "pause_provider", ProviderResponse, needs=Needs(version=True))
async def pause(request: RequestContext, provider_id: UUID, body: EmptyBody) -> Response:  # noqa: ARG001
    """Pause a provider. It takes no new bookings and is not listed; what is booked stays."""
    command = MarkProvider(**request.command(), provider_id=provider_id)
    return command_response(await pause_provider(command, request.ports.store), provider_response)


@router.post("/{provider_id}/resume", "resume_provider", ProviderResponse, needs=Needs(version=True))
async def resume(request: RequestContext, provider_id: UUID, body: EmptyBody) -> Response:  # noqa: ARG001
    """Resume a provider. It takes bookings again."""
    command = MarkProvider(**request.command(), provider_id=provider_id)
    return command_response(await resume_provider(command, request.ports.store), provider_response)


@router.delete("/{provider_id}", "delete_provider", EndingResponse)
async def delete(request: RequestContext, provider_id: UUID, query: Annotated[EndingQuery, Query()]) -> Response:
    """Retire a provider. It takes no new bookings; history stays. Says what becomes of appointments."""

    async def end(choice: Mapping[str, Any]) -> CommandResult[Any]:
        command = DeleteProvider(**request.command(), **choice, provider_id=provider_id)
        return await delete_provider(command, request.ports.store)

    return await ended(request, query, (EndingKind.PROVIDER, provider_id), end)
