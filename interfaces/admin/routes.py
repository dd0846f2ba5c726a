"""All routes of the panel, and its menu. They are not a part of the API, and have no place in its description."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from starlette.responses import Response
from starlette.routing import Route

from application.reporting import GET_METRIC
from domain.errors import Forbidden, NotFound, Unauthenticated
from interfaces.admin.booking import timeline
from interfaces.admin.booking.appointment import APPOINTMENTS
from interfaces.admin.booking.moment import show_moment
from interfaces.admin.booking.waitlist import WAITLIST
from interfaces.admin.calendar import pages, today
from interfaces.admin.catalog.organization import ORGANIZATIONS
from interfaces.admin.catalog.provider import PROVIDERS
from interfaces.admin.catalog.service import SERVICES
from interfaces.admin.catalog.tag import TAGS
from interfaces.admin.frame import STATIC, Place
from interfaces.admin.hours.routes import hours_routes
from interfaces.admin.page import ROOT, View, page, see_other
from interfaces.admin.people.account import ACCOUNTS
from interfaces.admin.people.customer import CUSTOMERS
from interfaces.admin.people.see_as import show_seen
from interfaces.admin.reports import page as reports
from interfaces.admin.request import Panel, PanelRequest
from interfaces.admin.sections.routes import section_routes
from interfaces.admin.sections.section import Section
from interfaces.admin.sign_in import sign_in_routes
from interfaces.admin.system import overview as overview_page
from interfaces.admin.system.job import JOBS
from interfaces.admin.system.ledger_verification import start_verification
from interfaces.admin.system.running import resume
from interfaces.admin.system.security_log import SECURITY_LOG
from interfaces.admin.system.view_log import VIEWS
from interfaces.admin.system.webhook import WEBHOOKS
from interfaces.http.framework.responses import HttpResponse

MENU: Sequence[tuple[str, Sequence[Section]]] = (
    ("booking", (APPOINTMENTS, WAITLIST)),
    ("people", (CUSTOMERS, ACCOUNTS)),
    ("catalog", (PROVIDERS, SERVICES, ORGANIZATIONS, TAGS)),
    ("system", (JOBS, WEBHOOKS, SECURITY_LOG, VIEWS)),
)
_PAGES: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "booking": (
        ("today", today.PATH, today.OPERATION),
        ("calendar", pages.PATH, pages.OPERATION),
        ("reports", reports.PATH, GET_METRIC),
    ),
    "system": (("overview", overview_page.PATH, overview_page.OPERATION),),
}
"""Pages that are no sections, first in their group: name, address, operation."""
_ALL_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def panel_routes(panel: Panel) -> Sequence[Route]:
    """Every route under /admin. The last one is a page that says that there is no such page."""
    for key, sections in MENU:
        places = [Place(each.name, each.path, each.listing) for each in sections]
        panel.frame.add_places(key, [*(Place(*each) for each in _PAGES.get(key, ())), *places])
    found = [page(panel, "GET", "", _first), page(panel, "GET", "/static/{name}", _static, public=True)]
    found += [
        page(panel, "GET", "/system", overview_page.show_overview),
        page(panel, "POST", "/system/verification", start_verification),
        page(panel, "POST", "/system/projections/{name}/resume", resume),
        *sign_in_routes(panel),
        *pages.calendar_routes(panel),
        *hours_routes(panel),
        *reports.report_routes(panel),
    ]
    found.append(page(panel, "GET", timeline.PATH, show_moment))
    found.append(page(panel, "GET", f"/{ACCOUNTS.name}/{{id:uuid}}/see-as", show_seen))
    for _, sections in MENU:
        for section in sections:
            found += section_routes(panel, section)
    return [*found, *(page(panel, method, "/{path:path}", _missing, public=True) for method in _ALL_METHODS)]


async def _first(asked: PanelRequest) -> Response:  # noqa: ARG001
    return see_other(today.PATH)


async def _static(asked: PanelRequest) -> Response:
    """A style sheet or script. Its address has its digest, so that browsers keep it."""
    name = str(asked.request.path_params["name"])
    if name not in STATIC:
        raise NotFound("file", name[:50])
    media_type = b"text/css; charset=utf-8" if name.endswith(".css") else b"text/javascript; charset=utf-8"
    return HttpResponse(200, STATIC[name], {b"cache-control": b"public, max-age=31536000"}, media_type=media_type)


async def _missing(asked: PanelRequest) -> View:
    """Also for people who are signed in, whose page has the menu."""
    with suppress(Unauthenticated, Forbidden):
        await asked.admit()
    raise NotFound("page", asked.request.url.path[len(ROOT) :][:100])
