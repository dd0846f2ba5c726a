"""Who manages a provider, a service or an organization: to others, its card in the panel does not exist."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.errors import NotFound
from interfaces.admin.operations import context_of
from interfaces.admin.request import PanelRequest
from interfaces.http.catalog.managing import manager_of
from projections.search.managed import manages


async def check_provider(asked: PanelRequest, row: Mapping[str, Any]) -> None:
    """Raise NotFound unless the person acts for the provider."""
    await _check(asked, "provider", row, [row["id"]], None)


async def check_service(asked: PanelRequest, row: Mapping[str, Any]) -> None:
    """Raise NotFound unless the person acts for a provider of the service, or for its organization."""
    await _check(asked, "service", row, row["provider_ids"], row["organization_id"])


async def check_organization(asked: PanelRequest, row: Mapping[str, Any]) -> None:
    """Raise NotFound unless the person belongs to the organization."""
    await _check(asked, "organization", row, [], row["id"])


async def _check(
    asked: PanelRequest, what: str, row: Mapping[str, Any], provider_ids: list[str], organization_id: str | None
) -> None:
    request = context_of(asked, f"get_{what}")
    if (by := await manager_of(request)) is None:
        return
    if organization_id is not None and UUID(organization_id) in by.organizations:
        return
    async with request.snapshot("directory") as read:
        if not provider_ids or not await manages(read, by, list(map(UUID, provider_ids))):
            raise NotFound(what, row["id"])
