"""The app: every router, with the same errors, headers and description for all."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version

from fastapi import FastAPI

from interfaces.http import (
    appointment,
    audit,
    availability,
    customer,
    errors,
    health,
    organization,
    problem,
    provider,
    schedule,
    service,
    tag,
)
from interfaces.http.deps import Ports
from interfaces.http.middleware import Envelope
from interfaces.http.openapi import describe

# What is asked most often comes first: routes are tried in order.
ROUTERS = (
    availability.router,
    appointment.router,
    provider.router,
    schedule.router,
    service.router,
    customer.router,
    organization.router,
    tag.router,
    audit.router,
    health.router,
    problem.router,
)
Life = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def build(ports: Ports | None = None, life: Life | None = None) -> FastAPI:
    """The app over its ports, which `life` may open and set as `app.state.ports` at start-up."""
    app = FastAPI(title="Daybook", version=version("daybook"), lifespan=life, redirect_slashes=False)
    app.state.ports = ports
    for router in ROUTERS:
        app.router.routes.extend(router.routes)  # as they are: an included router is matched a second time
    errors.install(app)
    app.add_middleware(Envelope)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]
    return app


def _described(app: FastAPI) -> dict[str, object]:
    app.openapi_schema = app.openapi_schema or describe(app)
    return app.openapi_schema
