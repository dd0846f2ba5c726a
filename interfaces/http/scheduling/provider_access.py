"""Who acts for a provider, as far as a question needs to know: from the read model, where commands load."""

from collections.abc import Collection
from uuid import UUID

from application.access import Role
from interfaces.http.framework.request import RequestContext
from projections.read_models import organization
from projections.read_models.directory import ListedProvider


async def staff(request: RequestContext, provider: ListedProvider) -> Collection[UUID]:
    """For `demand`: the provider's owner, and the caller if a member of its organization."""
    told = provider.profile.get("organization_id")
    if told is not None and request.caller.role is Role.PROVIDER and request.of != provider.owner_id:
        async with request.ports.reads.open("organization", request.at_least) as read:
            if await organization.member(read, UUID(told), request.caller.account) is not None:
                return provider.owner_id, request.caller.account
    return (provider.owner_id,)
