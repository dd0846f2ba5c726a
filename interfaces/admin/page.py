"""What all pages share: the session, where forms come from, and refusals as pages that help."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.errors import Refusal, Unauthenticated
from interfaces.admin.menu import refused_operations
from interfaces.admin.request import Panel, PanelRequest
from interfaces.http.framework.errors import OUTAGES, STATUS, status_of
from interfaces.http.framework.middleware import note_denial
from interfaces.http.framework.request_errors import kebab
from interfaces.http.framework.responses import PRIVATE, HttpResponse
from projections.query.shared_transaction import SharedTransaction

ROOT = "/admin"
SIGN_IN = f"{ROOT}/sign-in"
HTML = b"text/html; charset=utf-8"
HEADERS: Mapping[bytes, bytes] = {
    # Tabler draws its marks from `data:`. Forms need their Origin, which `no-referrer` would hide.
    b"content-security-policy": (
        b"default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
        b"frame-ancestors 'none'; form-action 'self'; base-uri 'none'"
    ),
    b"referrer-policy": b"same-origin",
    b"cache-control": PRIVATE,
    b"x-robots-tag": b"noindex, nofollow",
}
_OURS = re.compile(rf"{ROOT}(/[A-Za-z0-9._~/-]*)?(\?[A-Za-z0-9._~%&=+:/-]*)?")
log = structlog.get_logger("admin")


@dataclass(frozen=True)
class View:
    """A page to show. `problem`: the refusal that it explains."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    problem: Exception | None = None


Show = Callable[[PanelRequest], Awaitable[View | Response]]
Write = Callable[[PanelRequest, View], Response]


def page(
    panel: Panel, method: str, path: str, show: Show, *, public: bool = False, write: Write | None = None
) -> Route:
    """A route to a page. `public`: for people who are not signed in too, without the form token of a session.

    `write`: makes the response, by default a page; another one answers a script.
    """

    async def answer(request: Request) -> Response:
        asked = PanelRequest(request, panel)
        async with _one_transaction(asked):
            try:
                await _admit(asked, method, public=public)
                shown = await show(asked)
            except Exception as error:  # noqa: BLE001  people get a page, whatever went wrong; it is logged
                shown = refused(asked, error)
            if isinstance(shown, Response):
                return shown
            if write is None and asked.is_signed_in:
                request.scope["refused"] = await refused_operations(asked)
        return (write or rendered)(asked, shown)

    return Route(ROOT + path, answer, methods=[method], include_in_schema=False)


@asynccontextmanager
async def _one_transaction(asked: PanelRequest) -> AsyncIterator[None]:
    """What a page shows is read in one transaction, unless it writes: then a snapshot includes what was written."""
    if asked.request.method != "GET":
        yield
        return
    reads = asked.request.scope["reads"] = SharedTransaction(asked.ports.reads)
    try:
        yield
    finally:
        await reads.close()


async def _admit(asked: PanelRequest, method: str, *, public: bool) -> None:
    asked.request.scope["operation"] = "admin_panel"
    if method == "POST":
        asked.check_origin()
    if not public:
        await asked.admit()
    if method == "POST":
        await asked.read_form()
        if not public:
            asked.check_token()


def refused(asked: PanelRequest, error: Exception) -> View | Response:
    """The page for a refusal. Those who are not signed in are sent to the sign-in page."""
    note_denial(error, asked.request.scope)
    if isinstance(error, Unauthenticated) and not asked.is_signed_in and asked.request.method == "GET":
        return see_other(f"{SIGN_IN}?next={quote(_here(asked.request), safe='')}")
    if isinstance(error, (Refusal, *STATUS)):
        return View("message", status=status_of(type(error)), problem=error)
    if isinstance(error, OUTAGES):
        log.warning("request failed, database unavailable", outage="postgresql", error=type(error).__name__)
        return View("message", status=503, problem=error)
    log.error("unhandled error", operation=asked.request.scope.get("operation"), exc_info=error)
    return View("message", status=500, problem=error)


def rendered(asked: PanelRequest, view: View) -> Response:
    """The page as a response."""
    language, problem = asked.language, view.problem
    values = {
        "request": asked.request,
        "language": language,
        "say": language.say,
        "here": asked.request.url.path,
        "caller": asked.request.scope.get("caller"),
        "csrf": asked.form_token if asked.is_signed_in else "",
        "problem": "" if problem is None else language.problem(kebab(type(problem)), view.status),
        "detail": problem.detail if isinstance(problem, Refusal) else "",
        "done": asked.query.get("done", "") if view.status == 200 else "",
        "status": view.status,
        **view.values,
    }
    headers = {**HEADERS, b"content-language": language.name.encode()}
    body = asked.panel.frame.render(view.template, values)
    return HttpResponse(view.status, body, headers, media_type=HTML)


def see_other(location: str) -> HttpResponse:
    """Go on with a GET of another page."""
    return HttpResponse(303, b"", {**HEADERS, b"location": location.encode("ascii", "ignore")}, media_type=HTML)


def ours(path: str) -> str:
    """A path of the panel as it is; its first page for any other address."""
    return path if _OURS.fullmatch(path) and "//" not in path else ROOT


def _here(request: Request) -> str:
    query = f"?{request.url.query}" if request.url.query else ""
    return ours(request.url.path + query)
