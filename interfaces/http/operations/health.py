"""Routes of health: is this process alive, and ready for requests?"""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Response
from pydantic_core import to_json

from interfaces.http.framework.fields import Shape
from interfaces.http.framework.needs import Source
from interfaces.http.framework.ports import Check
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import PRIVATE, HttpResponse
from interfaces.http.framework.routing import Router
from interfaces.http.vocabulary.enum_name import EnumName

router = Router("/health", "health", source=Source.PROCESS, reserved=True)
PATIENCE = 2.0  # seconds for each check
Status = Annotated[Literal["ready", "degraded", "unavailable", "draining"], EnumName("ReadinessStatus")]


def drain(app: FastAPI) -> None:
    """Readiness says from now on that no more requests should be sent here; they are answered all the same."""
    app.state.ports.health.draining = True


class LivenessResponse(Shape):
    status: Literal["live"]


class ReadinessResponse(Shape):
    """`degraded`: a check that is not vital fails. `checks`: each part with `ok` and its facts."""

    status: Status
    checks: dict[str, dict[str, Any]]


@router.get("/live", "get_liveness", LivenessResponse)
async def live(request: RequestContext) -> Response:  # noqa: ARG001
    """Get liveness: the process answers."""
    return HttpResponse(200, b'{"status":"live"}', {b"cache-control": PRIVATE})


@router.get(
    "/ready",
    "get_readiness",
    ReadinessResponse,
    responses={503: {"model": ReadinessResponse, "description": "Not ready: send requests elsewhere."}},
)
async def ready(request: RequestContext) -> Response:
    """Get readiness: database, Redis, migrations, lag, jobs and draining."""
    ports = request.ports.health
    names = [*ports.vital, *ports.useful]
    checks = [*ports.vital.values(), *ports.useful.values()]
    results = dict(zip(names, await asyncio.gather(*map(_run, checks)), strict=True))
    status = _status(
        draining=ports.draining,
        vital=all(results[name]["ok"] for name in ports.vital),
        useful=all(results[name]["ok"] for name in ports.useful),
    )
    code = 200 if status in {"ready", "degraded"} else 503
    headers = {b"cache-control": PRIVATE} | ({b"retry-after": b"1"} if code == 503 else {})
    return HttpResponse(code, to_json({"status": status, "checks": results}), headers)


def _status(*, draining: bool, vital: bool, useful: bool) -> Status:
    if draining:
        return "draining"
    if not vital:
        return "unavailable"
    return "ready" if useful else "degraded"


async def _run(check: Check) -> Mapping[str, Any]:
    """The facts of a check, or the kind of its error: its text could reveal secrets."""
    try:
        async with asyncio.timeout(PATIENCE):
            return {"ok": True, **await check()}
    except Exception as error:  # noqa: BLE001  any error means that the part is not well
        return {"ok": False, "error": type(error).__name__, **getattr(error, "facts", {})}
