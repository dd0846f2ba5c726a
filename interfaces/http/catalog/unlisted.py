"""Providers and services that are paused or have ended: shown to those who act for them or have an appointment."""

from collections.abc import Iterable
from uuid import UUID

from application.access import Role
from domain.catalog.catalog_status import CatalogStatus
from interfaces.http.framework.request import RequestContext
from projections.query.ownership import Owner
from projections.read_models import appointment

_EVERYTHING = frozenset({Role.ADMIN, Role.AUDITOR})


async def shown(
    request: RequestContext, status: str, provider_ids: Iterable[UUID], service_id: UUID | None = None
) -> bool:
    """Whether the caller may see it in this state."""
    caller = request.caller
    if status == CatalogStatus.ACTIVE or caller.role in _EVERYTHING:
        return True
    if caller.id is None:
        return False
    owner = Owner(caller.id, acts=caller.role is Role.PROVIDER)
    async with request.reads.open("agenda", request.at_least, sees=caller.id) as read:
        return await appointment.concerns(read, owner, [*provider_ids], service_id)
