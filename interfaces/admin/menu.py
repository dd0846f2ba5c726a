"""Which entries the menu leaves out for a person whose role is granted them."""

from collections.abc import Collection

from application.access import Role
from application.reporting import GET_METRIC
from domain.errors import Forbidden, Refusal
from interfaces.admin.operations import context_of
from interfaces.admin.request import PanelRequest
from interfaces.http.framework.errors import OUTAGES, STATUS
from interfaces.http.reporting.metric import reported_organizations

_OTHERS: tuple[type[Exception], ...] = (Refusal, *STATUS, *OUTAGES)


async def refused_operations(asked: PanelRequest) -> Collection[str]:
    """Those that depend on the rank: figures are for owners and managers of an organization."""
    if asked.caller.role is not Role.PROVIDER:
        return ()
    try:
        await reported_organizations(context_of(asked, GET_METRIC), None)
    except Forbidden:
        return (GET_METRIC,)
    except _OTHERS:  # the page itself says what is wrong
        return ()
    return ()
