"""Whose figures a caller may see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.access import Scope, demand, permit
from application.catalog.membership import reaches
from application.event_log import EventReader
from application.query import Lookup, query
from domain.catalog.organization import Organization, Rank, RankTooLow
from domain.errors import Forbidden

GET_METRIC = "get_metric"


@dataclass(frozen=True, kw_only=True)
class FindReportedOrganizations(Lookup):
    """`organization_id`: the one that is asked for; None: all of `memberships` that the caller manages."""

    organization_id: UUID | None = None
    memberships: Sequence[UUID] = ()


@query
async def find_reported_organizations(
    asked: FindReportedOrganizations, log: EventReader, _: datetime
) -> frozenset[UUID] | None:
    """The organizations whose figures count; None: all. Raises NotFound, RankTooLow, Forbidden."""
    named = [] if asked.organization_id is None else [asked.organization_id]
    if permit(asked.by, GET_METRIC) is Scope.ANY:
        return frozenset(named) or None
    found = await log.find_all(Organization, named or asked.memberships)
    managed = frozenset(each.id for each in found if each is not None and reaches(asked.by, each, Rank.MANAGER))
    if managed:
        return managed
    if asked.organization_id is None:
        raise Forbidden("Only owners and managers of an organization see its figures.")
    members = found[0].members if found[0] is not None else ()
    demand(asked.by, GET_METRIC, "organization", asked.organization_id, *members)
    raise RankTooLow
