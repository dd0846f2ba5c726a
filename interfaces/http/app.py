"""The app: every router, with the same errors, headers and description for all."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from interfaces.http.booking import appointment, hold, waitlist
from interfaces.http.catalog import organization, provider, service, tag
from interfaces.http.docs import docs_routes
from interfaces.http.framework.cors import Origins
from interfaces.http.framework.middleware import Envelope
from interfaces.http.framework.request import Ports
from interfaces.http.identity import api_key as apikey
from interfaces.http.identity import password, session, totp
from interfaces.http.identity import security_log as securitylog
from interfaces.http.identity import sent_mail as mail
from interfaces.http.openapi import describe
from interfaces.http.operations import health, job
from interfaces.http.operations import ledger as audit
from interfaces.http.operations import problem_type as problem
from interfaces.http.operations.mailbox import mailbox_routes
from interfaces.http.people import customer, export, me, user
from interfaces.http.people import erasure as forgetting
from interfaces.http.people import registration as register
from interfaces.http.scheduling import availability, schedule
from interfaces.http.webhooks import webhook

# What is asked most often comes first: routes are tried in order.
ROUTERS = (
    availability.router,
    appointment.router,
    hold.router,
    waitlist.router,
    provider.router,
    schedule.router,
    service.router,
    customer.router,
    organization.router,
    tag.router,
    register.router,
    me.router,
    mail.router,
    forgetting.me,
    forgetting.users,
    forgetting.guests,
    export.router,
    user.router,
    session.router,
    password.router,
    totp.router,
    apikey.router,
    webhook.router,
    audit.router,
    securitylog.router,
    job.router,
    health.router,
    problem.router,
)
Life = Callable[[FastAPI], AbstractAsyncContextManager[None]]


class DaybookApp(FastAPI):
    """FastAPI for its description of the routes; requests go past its layers, which are slow."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See FastAPI: an ASGI application."""
        if scope["type"] == "http":
            scope["app"] = self
            await self.envelope(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    @cached_property
    def envelope(self) -> Envelope:
        return Envelope(self.router, self.state.origins, https=self.state.https)


def build(
    ports: Ports | None = None,
    life: Life | None = None,
    mailbox: Path | None = None,
    *,
    https: bool = False,
    origins: Origins | None = None,
) -> DaybookApp:
    """The app over its ports, which `life` may open and set as `app.state.ports` at start-up.

    `mailbox`: in DEV, the folder of mail that is not sent, which is shown.
    `https`: browsers come by TLS alone. `origins`: whose pages may ask from a browser; None: nobody's.
    """
    app = DaybookApp(
        title="Daybook",
        version=version("daybook"),
        lifespan=life,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    app.state.ports, app.state.https, app.state.origins = ports, https, origins or Origins()
    app.router.routes.extend(docs_routes(app.title))
    for router in ROUTERS:
        app.router.routes.extend(router.routes)  # as they are: an included router is matched a second time
    if mailbox is not None:
        app.router.routes.extend(mailbox_routes(mailbox))
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]
    return app


def _described(app: FastAPI) -> dict[str, object]:
    app.openapi_schema = app.openapi_schema or describe(app)
    return app.openapi_schema


def document() -> dict[str, Any]:
    """The OpenAPI document of the whole app; needs no servers."""
    return describe(build())
