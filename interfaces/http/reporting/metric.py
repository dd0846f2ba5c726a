"""Routes of analytics: the dictionary of metrics, and the figures of one."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response
from pydantic_core import to_json

from application.access import Role
from application.reporting import FindReportedOrganizations, find_reported_organizations
from interfaces.http.framework.needs import Source
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.request_errors import InvalidFields, field_error, not_found
from interfaces.http.framework.responses import PRIVATE, PUBLIC, HttpResponse
from interfaces.http.framework.routing import Router
from interfaces.http.framework.validation_messages import did_you_mean
from interfaces.http.reporting.metric_answers import CSV, CSV_EXAMPLE, csv_of, described, json_of
from interfaces.http.reporting.metric_schemas import MetricDictionary, MetricFiguresResponse, MetricQuery
from projections.analysis.metric import Metric
from projections.analysis.metrics import METRICS
from projections.analysis.page import analysis
from projections.read_models import organization
from projections.reporting.question import MetricQuestion

dictionary = Router("/v1/analytics", "analytics", source=Source.ROWS)
router = Router("/v1/analytics", "analytics")
_AS_CSV: Any = {200: {"content": {"text/csv": {"schema": {"type": "string"}, "example": CSV_EXAMPLE}}}}


@dictionary.get("", "list_metrics", MetricDictionary)
async def find(request: RequestContext) -> Response:  # noqa: ARG001
    """List all metrics: what each says, its measures with their units, and its dimensions."""
    items = [described(each) for each in METRICS.values()]
    return HttpResponse(200, to_json({"items": items, "next": None}), {b"cache-control": PUBLIC})


@router.get("/{metric}", "get_metric", MetricFiguresResponse, responses=_AS_CSV)
async def get(request: RequestContext, metric: str, query: Annotated[MetricQuery, Query()]) -> Response:
    """Get the figures of a metric over a period, as JSON or CSV.

    Owners and managers get those of their organizations. For analysts, rows about fewer than five customers have no
    measures.
    """
    asked = await _question(request, _metric(metric), query)
    at_least = await request.reflecting(analysis.name)
    request.leave()
    found = await request.ports.figures.of(asked, at_least)
    headers = {b"cache-control": PRIVATE}
    if query.format == "json":
        return HttpResponse(200, json_of(asked, found), headers, position=found.position)
    headers[b"content-disposition"] = f'attachment; filename="{metric}.csv"'.encode()
    return HttpResponse(200, csv_of(asked, found), headers, position=found.position, media_type=CSV)


def _metric(name: str) -> Metric:
    """The metric; raises NotFound, which names the nearest one."""
    if name not in METRICS:
        hint = did_you_mean(name, METRICS) or " GET /v1/analytics lists them."
        raise not_found(f"There is no metric `{name[:64]}`.{hint}")
    return METRICS[name]


async def _question(request: RequestContext, metric: Metric, query: MetricQuery) -> MetricQuestion:
    """What is asked, as far as the caller may. Raises InvalidFields, NotFound, Forbidden."""
    for each in query.group_by or ():
        if each not in metric.dimensions:
            known = ", ".join(f"`{dimension}`" for dimension in metric.dimensions)
            detail = f"`{metric.name}` has no dimension `{each}`. It has {known}."
            raise InvalidFields([field_error(["group_by"], detail, "query")])
    return MetricQuestion(
        metric.name,
        query.from_,
        query.to,
        query.group_by or (),
        await reported_organizations(request, query.organization_id),
        None if query.provider_id is None else frozenset({query.provider_id}),
        customers=request.caller.role is Role.ANALYST,
    )


async def reported_organizations(request: RequestContext, organization_id: UUID | None) -> frozenset[UUID] | None:
    """The organizations whose figures count; None: all. Raises NotFound, Forbidden."""
    asked = FindReportedOrganizations(organization_id=organization_id, **request.query())
    if request.of is not None and organization_id is None:
        async with request.snapshot(organization.organizations.name) as read:
            memberships = await organization.ids_of(read, request.of)
        asked = FindReportedOrganizations(memberships=memberships, **request.query())
    return (await find_reported_organizations(asked, request.ports.store)).aggregate
