"""The accounts that may act for a provider, from the read model: for queries, where commands load aggregates."""

from collections.abc import Collection
from uuid import UUID

from application.access import Role
from interfaces.http.framework.request import RequestContext
from projections.read_models import organization
from projections.read_models.directory import ListedProvider


async def staff(request: RequestContext, provider: ListedProvider) -> Collection[UUID]:
    """The accounts to give to `demand`: the provider's owner, and the caller if a member of its organization."""
    organization_id = provider.profile.get("organization_id")
    if organization_id is not None and request.caller.role is Role.PROVIDER and request.of != provider.owner_id:
        async with request.reads.open("organization", await request.reflecting("organization")) as read:
            if await organization.member(read, UUID(organization_id), request.caller.account) is not None:
                return provider.owner_id, request.caller.account
    return (provider.owner_id,)
