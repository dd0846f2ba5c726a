"""The page Reports, the CSV of a metric, and the routes of this room."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import Route

from application.reporting import GET_METRIC
from domain.errors import Forbidden, NotFound
from interfaces.admin.operations import Call, context_of, respond, run
from interfaces.admin.page import HEADERS, View, page
from interfaces.admin.reports.cards import ReportQuestion, cards
from interfaces.admin.reports.period import PRESETS, ReportPeriod, asked_period, ending
from interfaces.admin.request import Panel, PanelRequest
from interfaces.admin.sections.names import names_of
from interfaces.http.framework.errors import status_of
from interfaces.http.framework.request_errors import InvalidFields
from interfaces.http.reporting.metric import reported_organizations
from projections.analysis.metrics import GROUPS, METRICS

PATH = "/admin/reports"
MOST_CHOICES = "200"
_WHOSE = ("organization_id", "provider_id")


def report_routes(panel: Panel) -> Sequence[Route]:
    """The page, and what it downloads."""
    return page(panel, "GET", "/reports", show_reports), page(panel, "GET", "/reports/{metric}/csv", download)


async def show_reports(asked: PanelRequest) -> View:
    today = asked.ports.store.now().date()
    period, whose = asked_period(asked.query, today), {n: asked.query[n] for n in _WHOSE if asked.query.get(n)}
    group = asked.query.get("group", next(iter(GROUPS)))
    if group not in GROUPS:
        raise NotFound("report", group[:50])
    values = {"period": period, "whose": whose, "group": group, **_links(asked, period, whose, group)}
    try:
        values |= await _choices(asked, whose)
    except Forbidden:
        if "organization_id" not in whose and asked.may(GET_METRIC):
            return View("reports", {**values, "organizations": [], "providers": [], "cards": None})
    try:
        return View("reports", {**values, "cards": await cards(asked, GROUPS[group], ReportQuestion(period, whose))})
    except InvalidFields as error:
        return View("reports", {**values, "cards": []}, status_of(type(error)), error)


async def download(asked: PanelRequest) -> Response:
    """The figures of a metric by the steps of its chart, as the API answers them."""
    metric = str(asked.request.path_params["metric"])
    if metric not in METRICS:
        raise NotFound("metric", metric[:50])
    period = asked_period(asked.query, asked.ports.store.now().date())
    whose = {name: asked.query.get(name, "") for name in _WHOSE}
    query = {**period.query, **whose, "group_by": str(period.step_of(METRICS[metric])), "format": "csv"}
    answer = await respond(asked, Call(GET_METRIC, {"metric": metric}, query))
    answer.raw_headers = [*answer.raw_headers, *(each for each in HEADERS.items() if each[0] != b"cache-control")]
    return answer


async def _choices(asked: PanelRequest, whose: Mapping[str, str]) -> Mapping[str, Any]:
    """The organizations and providers to choose from; raises Forbidden for who manages nothing."""
    theirs = await reported_organizations(context_of(asked, GET_METRIC), None)
    if theirs is None:
        listed = (await run(asked, Call("list_organizations", query={"limit": MOST_CHOICES}))).body["items"]
        organizations = [(each["id"], each["name"]) for each in listed]
    else:
        names = await names_of(asked, (("organizations", id) for id in theirs))
        organizations = sorted(((id, name) for (_, id), name in names.items() if _ == "organizations"), key=_name)
    query = {"managed": "true", "limit": MOST_CHOICES, "organization_id": whose.get("organization_id", "")}
    providers = (await run(asked, Call("list_providers", query=query))).body["items"]
    return {"organizations": organizations, "providers": [(each["id"], each["name"]) for each in providers]}


def _name(choice: tuple[str, str]) -> str:
    return choice[1]


def _links(asked: PanelRequest, period: ReportPeriod, whose: Mapping[str, str], group: str) -> Mapping[str, Any]:
    """Other groups and periods, and the query of downloads."""
    today, language = asked.ports.store.now().date(), asked.language

    def href(group: str, period: ReportPeriod) -> str:
        return f"{PATH}?{urlencode({'group': group, **period.query, **whose})}"

    presets = [(days, ending(today, days)) for days in PRESETS]
    return {
        "groups": [(each, _group_name(asked, each), href(each, period)) for each in GROUPS],
        "presets": [(language.say("report.last", count=n), href(group, each), each == period) for n, each in presets],
        "downloads": {name: f"{PATH}/{name}/csv?{urlencode({**period.query, **whose})}" for name in METRICS},
        "title": f"{language.day(period.since)} \N{EN DASH} {language.day(period.until)}",
        "title_before": f"{language.day(period.before.since)} \N{EN DASH} {language.day(period.before.until)}",
    }


def _group_name(asked: PanelRequest, group: str) -> str:
    key = f"report.group.{group}"
    return asked.language.say(key) if asked.language.knows(key) else group.capitalize()
