"""The names of what lists and cards refer to: one query for each kind, of what the person may see."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

from application.access import ACCESS
from interfaces.admin.operations import context_of
from interfaces.admin.request import PanelRequest
from interfaces.http.framework.request import RequestContext
from projections.query.snapshot import Snapshot
from projections.read_models import account, directory, organization
from projections.search.customer_names import customer_names

Names = Mapping[tuple[str, str], str]
"""By section and id."""
_Find = Callable[[Snapshot, list[UUID], RequestContext], Awaitable[Mapping[UUID, str]]]


async def _customers(read: Snapshot, ids: list[UUID], request: RequestContext) -> Mapping[UUID, str]:
    return await customer_names(read, ids, owner=request.owner)


async def _providers(read: Snapshot, ids: list[UUID], _: RequestContext) -> Mapping[UUID, str]:
    return await directory.provider_names(read, ids)


async def _services(read: Snapshot, ids: list[UUID], _: RequestContext) -> Mapping[UUID, str]:
    return await directory.service_names(read, ids)


async def _organizations(read: Snapshot, ids: list[UUID], _: RequestContext) -> Mapping[UUID, str]:
    return await organization.names(read, ids)


async def _accounts(read: Snapshot, ids: list[UUID], _: RequestContext) -> Mapping[UUID, str]:
    return await account.names(read, ids)


_FINDERS: Mapping[str, tuple[str, str, _Find]] = {
    "customers": ("get_customer", "customer", _customers),
    "providers": ("get_provider", "directory", _providers),
    "services": ("get_service", "directory", _services),
    "organizations": ("get_organization", "organization", _organizations),
    "accounts": ("get_user", "account", _accounts),
}


async def names_of(asked: PanelRequest, wanted: Iterable[tuple[str, Any]]) -> Names:
    """The names of ids, by section. One that the person may not see has none."""
    ids: dict[str, set[str]] = defaultdict(set)
    for section, id in wanted:
        if id and section in _FINDERS:
            ids[section].add(str(id))
    found = {("accounts", str(asked.caller.id)): asked.language.say("you")}
    for section, each in ids.items():
        operation, projection, find = _FINDERS[section]
        if asked.caller.role not in ACCESS[operation]:
            continue
        request = context_of(asked, operation)
        async with request.snapshot(projection) as read:
            names = await find(read, [UUID(id) for id in each], request)
        found = {(section, str(id)): name for id, name in names.items()} | found
    return found
