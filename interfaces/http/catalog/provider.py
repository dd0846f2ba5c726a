"""Providers: who can be booked."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field

from application.catalog.provider import (
    ChangeProvider,
    CreateProvider,
    DeleteProvider,
    change_provider,
    create_provider,
    delete_provider,
)
from domain.catalog.provider import Provider
from domain.catalog.provider_profile import ProviderDetails
from domain.errors import NotFound
from domain.kernel import new_id
from interfaces.http.catalog.search import searched
from interfaces.http.catalog.search_schemas import FirstOfProvider, Search, Words, beside
from interfaces.http.framework.fields import (
    Body,
    Change,
    Line,
    Name,
    Resource,
    Shape,
    Tags,
    Text,
    Zone,
    absent,
)
from interfaces.http.framework.paging import sealed
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import PUBLIC, ended, listed, seen, written
from interfaces.http.framework.routing import Route
from projections.read_models import directory
from projections.search.search import FoundProvider, find_providers

router = APIRouter(prefix="/v1/providers", tags=["providers"], route_class=Route)


class Location(Body):
    """Degrees, WGS 84."""

    lat: float = Field(ge=-90, le=90, examples=[48.85])
    lon: float = Field(ge=-180, le=180, examples=[2.35])


class ProviderBody(Body):
    """Who can be booked. The zone is the default of the provider's schedule."""

    name: Name
    timezone: Zone
    organization_id: UUID | None = None
    bio: Text | None = None
    address: Line | None = None
    location: Location | None = None
    tags: Tags = []


class NewProvider(ProviderBody):
    """`owner_id`: only an admin may name another's."""

    owner_id: UUID | None = None


class ProviderChange(Change, ProviderBody):
    """Only the fields given are changed; null clears an optional one."""

    name: Name = absent()
    timezone: Zone = absent()
    tags: Tags = absent()


class ProviderShown(Resource):
    """Somebody who can be booked, unless no longer `active`."""

    name: str
    timezone: str
    organization_id: UUID | None
    bio: str | None
    address: str | None
    location: Location | None
    tags: list[str]
    owner_id: UUID
    active: bool


class ProviderFound(ProviderShown):
    """`distance`: km, near a place; `earliest`: when sorted by it."""

    distance: float | None = None
    earliest: FirstOfProvider | None = None


class ProviderPage(Shape):
    items: list[ProviderFound]
    next: str | None


class ProviderFilters(Search):
    """Active providers. By `earliest`: only those with a free start in the next 62 days."""

    service_id: UUID | None = None
    q: Words | None = Field(None, description="Words of name, bio, address, or a service's name.")
    sort: Literal["name", "distance", "earliest"] = "name"


def found(provider: FoundProvider) -> Mapping[str, Any]:
    """A provider as found."""
    return {**shown(provider), **beside(provider.metres, provider.earliest, "service_id")}


def shown(provider: Provider | directory.ListedProvider) -> Mapping[str, Any]:
    """A provider as answered."""
    details = provider.details
    return {
        "id": provider.id,
        "version": provider.version,
        **{name: details.get(name) for name in ProviderBody.model_fields},
        "owner_id": provider.owner_id,
        "active": provider.active,
    }


def profile(body: ProviderBody, *, partly: bool = False) -> dict[str, Any]:
    """The fields of a profile, ids as text; `partly`: only those given."""
    return body.model_dump(mode="json", exclude={"owner_id"}, exclude_unset=partly)


def location(provider: Provider) -> str:
    return f"/v1/providers/{provider.id}"


@router.post("", operation_id="create_provider", status_code=201, response_model=ProviderShown)
async def create(ask: RequestContext, body: NewProvider) -> Response:
    """Make a provider, with an empty schedule, owned by the caller."""
    command = CreateProvider(
        **ask.command(), id=new_id(), profile=cast("ProviderDetails", profile(body)), owner_id=body.owner_id
    )
    return written(await create_provider(command, ask.ports.store), shown, location)


@router.get("", operation_id="list_providers", response_model=ProviderPage)
async def find(ask: RequestContext, filters: Annotated[ProviderFilters, Query()]) -> Response:
    """Find providers."""
    async with searched(ask, filters) as search:
        rows, bookmark = await find_providers(search.read, search.page, search.asked, service_id=filters.service_id)
    return listed([found(row) for row in rows], sealed(ask, filters, bookmark), search.position, PUBLIC)


@router.get("/{provider_id}", operation_id="get_provider", response_model=ProviderShown)
async def get(ask: RequestContext, provider_id: UUID) -> Response:
    """Show a provider."""
    async with ask.look("directory") as read:
        row = await directory.provider(read, provider_id)
    if row is None:
        raise NotFound("provider", provider_id)
    return seen(ask.given, row.version, shown(row), read.position, PUBLIC)


@router.put("/{provider_id}", operation_id="replace_provider", response_model=ProviderShown)
async def replace(ask: RequestContext, provider_id: UUID, body: ProviderBody) -> Response:
    """Replace the whole profile."""
    command = ChangeProvider(**ask.command(), provider_id=provider_id, profile=profile(body))
    return written(await change_provider(command, ask.ports.store), shown)


@router.patch("/{provider_id}", operation_id="change_provider", response_model=ProviderShown)
async def change(ask: RequestContext, provider_id: UUID, body: ProviderChange) -> Response:
    """Change some of the profile."""
    command = ChangeProvider(**ask.command(), provider_id=provider_id, profile=profile(body, partly=True))
    return written(await change_provider(command, ask.ports.store), shown)


@router.delete("/{provider_id}", operation_id="delete_provider", status_code=204)
async def delete(ask: RequestContext, provider_id: UUID) -> Response:
    """Take no new bookings with this provider; appointments and history stay."""
    command = DeleteProvider(**ask.command(), provider_id=provider_id)
    return ended(await delete_provider(command, ask.ports.store))
