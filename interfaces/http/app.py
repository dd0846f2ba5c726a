"""The app: every router, with the same errors, headers and description for all."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from application.access import ACCESS
from interfaces.http.audit import past, proofs, requests, search, stream_history, views, why
from interfaces.http.booking import appointment, history, hold, notices, orphan, waitlist
from interfaces.http.catalog import holiday, invitation, member, organization, provider, service, tag
from interfaces.http.docs import docs_routes
from interfaces.http.events import event
from interfaces.http.events.asyncapi import asyncapi, asyncapi_route
from interfaces.http.framework.cors import Origins
from interfaces.http.framework.middleware import Envelope, RequestSpan, as_get
from interfaces.http.framework.ports import Ports
from interfaces.http.framework.routing import Route, Router, by_path
from interfaces.http.identity import api_key, password, security_log, sent_mail, session, totp
from interfaces.http.openapi import describe
from interfaces.http.operations import health, job, ledger, ledger_verification, problem_type, projection
from interfaces.http.operations.mailbox import mailbox_routes
from interfaces.http.pages import routes as pages
from interfaces.http.people import consent, customer, erasure, export, me, merge, registration, user
from interfaces.http.reporting import metric
from interfaces.http.root import root_route
from interfaces.http.scheduling import availability, preview, schedule
from interfaces.http.server.admission import Admission
from interfaces.http.server.request_log import logged
from interfaces.http.server.request_metrics import measured
from interfaces.http.server.shedding import Shedding
from interfaces.http.webhooks import webhook

# The busiest routes come first: routes are tried in order.
ROUTERS = (
    availability.router,
    why.router,
    appointment.router,
    orphan.router,
    history.router,
    notices.router,
    hold.router,
    waitlist.router,
    provider.router,
    schedule.router,
    preview.router,
    service.router,
    customer.router,
    merge.router,
    consent.router,
    organization.router,
    member.router,
    invitation.router,
    holiday.router,
    tag.router,
    registration.router,
    me.router,
    sent_mail.router,
    erasure.me,
    erasure.users,
    erasure.guests,
    export.router,
    user.router,
    session.router,
    session.users,
    password.router,
    totp.router,
    api_key.router,
    event.router,
    webhook.router,
    ledger.router,
    ledger_verification.router,
    proofs.router,
    past.router,
    stream_history.router,
    views.router,
    search.router,
    requests.router,
    security_log.router,
    metric.dictionary,
    metric.router,
    job.router,
    projection.router,
    health.router,
    problem_type.router,
)
RESERVED_PATHS = [router.prefix for router in ROUTERS if router.reserved]
Life = Callable[[FastAPI], AbstractAsyncContextManager[None]]


@dataclass(frozen=True)
class AppOptions:
    """`mailbox`: in DEV, the folder of unsent mail, which is shown. `https`: browsers reach the API by TLS alone.

    `origins`: web pages that may call the API from a browser. `admission`: of requests. `log_requests`: a line
    for each. `links`: what `GET /` links besides, by title. `span`: of tracing, around each request.
    """

    mailbox: Path | None = None
    https: bool = False
    origins: Origins = field(default_factory=Origins)
    admission: Admission = field(default_factory=Admission)
    log_requests: bool = False
    links: Mapping[str, str] = field(default_factory=dict)
    span: RequestSpan = nullcontext


class DaybookApp(FastAPI):
    """FastAPI for its description of the routes; requests go past its layers, which are slow.

    What those layers would run is refused when it is registered, since it would never run.
    """

    def __init__(self, **options: Any) -> None:
        for name, instead in _INSTEAD.items():
            if options.get(name):
                _refuse(f"FastAPI({name}=)", instead)
        super().__init__(**options)
        self.router.route_class = Route  # which refuses a route that does not declare its needs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry point."""
        if scope["type"] == "http":
            scope["app"] = self
            if scope["method"] == "HEAD":
                scope, send = as_get(scope, send)
            await self.entrance(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    @cached_property
    def entrance(self) -> ASGIApp:
        """What every request passes."""
        answer = measured(self.envelope)
        return logged(answer) if self.state.options.log_requests else answer

    @cached_property
    def envelope(self) -> Envelope:
        options: AppOptions = self.state.options
        router, admit = by_path(self.router), options.admission.enter
        return Envelope(router, options.origins, admit, https=options.https, span=options.span)

    @cached_property
    def shedding(self) -> Shedding:
        """For the server, which asks before it makes a task for a request."""
        return Shedding(self.state.options.admission, self.envelope)

    def include_router(self, router: Any, **options: Any) -> None:
        """Add the routes of a Router as they are, so that each is matched once."""
        if not isinstance(router, Router) or options:
            _refuse("include_router() of FastAPI's routers or with options", _ROUTER)
        for route in router.routes:
            check_permission(route)
        self.router.routes.extend(router.routes)

    def add_middleware(self, *_: Any, **__: Any) -> NoReturn:
        """Refused: it would never run."""
        _refuse("add_middleware()", _INSTEAD["middleware"])

    def middleware(self, *_: Any, **__: Any) -> NoReturn:
        """Refused: it would never run."""
        _refuse("@middleware", _INSTEAD["middleware"])

    def add_exception_handler(self, *_: Any, **__: Any) -> NoReturn:
        """Refused: it would never run."""
        _refuse("add_exception_handler()", _INSTEAD["exception_handlers"])

    def exception_handler(self, *_: Any, **__: Any) -> NoReturn:
        """Refused: it would never run."""
        _refuse("@exception_handler", _INSTEAD["exception_handlers"])


_ROUTER = (
    "declare routes with interfaces.http.framework.routing.Router, and add it to ROUTERS in interfaces/http/app.py"
)
_INSTEAD = {
    "dependencies": "declare what a route needs with `needs=Needs(...)`, or call it in the handler",
    "middleware": "put it into Envelope in interfaces/http/framework/middleware.py",
    "exception_handlers": "give the exception a status in STATUS of interfaces/http/framework/errors.py",
}


def _refuse(registered: str, instead: str) -> NoReturn:
    raise RuntimeError(
        f"{registered} has no effect here, since requests do not pass through FastAPI's layers: {instead}."
    )


def check_permission(route: Route) -> None:
    """Raise RuntimeError for an operation that no role is granted."""
    if route.operation not in ACCESS:
        (method,) = route.methods or {"GET"}
        raise RuntimeError(
            f"{method} {route.path} ({route.operation}) has no permission: "
            "add its operationId to ACCESS in application/access.py."
        )


def build(ports: Ports | None = None, life: Life | None = None, options: AppOptions | None = None) -> DaybookApp:
    """The app over its ports, which `life` may open and set as `app.state.ports` at start-up."""
    options = options or AppOptions()
    app = DaybookApp(
        title="Daybook API",
        version=version("daybook"),
        lifespan=life,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    app.state.ports, app.state.options = ports, options
    app.router.routes.append(root_route("Daybook", app.version, options.links))
    app.router.routes.extend([*docs_routes(app.title), asyncapi_route])
    for router in ROUTERS:
        app.include_router(router)
    app.router.routes.extend(pages.ROUTES)
    if options.mailbox is not None:
        app.router.routes.extend(mailbox_routes(options.mailbox))
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]
    return app


def _described(app: FastAPI) -> dict[str, object]:
    app.openapi_schema = app.openapi_schema or describe(app)
    return app.openapi_schema


def document() -> dict[str, Any]:
    """The OpenAPI document of the whole app; needs no servers."""
    return describe(build())


def events_document() -> dict[str, Any]:
    """The AsyncAPI document of the whole app; needs no servers."""
    return asyncapi(document())
