"""Routes of the verification of the whole ledger, which a worker does."""

from uuid import UUID

from fastapi import Response
from pydantic import Field
from pydantic_core import to_json

from application.audit.ledger_verification import start_verification
from application.ledger import LedgerVerification, VerificationState
from interfaces.http.framework.fields import EmptyBody, Instant, Shape, plain
from interfaces.http.framework.needs import Needs, Source
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.request_errors import not_found
from interfaces.http.framework.responses import PRIVATE, HttpResponse
from interfaces.http.framework.routing import Router

router = Router("/v1/audit/ledger", "audit", source=Source.ROWS, reserved=True)


class LedgerVerificationJobResponse(Shape):
    """A verification of event log, security log and views log. `id`: its job's too."""

    id: UUID
    state: VerificationState
    started_by: UUID
    started_at: Instant
    finished_at: Instant | None
    checked: int = Field(ge=0)
    total: int = Field(ge=0)
    broken: str | None
    error: str | None


@router.get("/verification", "get_ledger_verification", LedgerVerificationJobResponse, needs=Needs(finds=True))
async def get(request: RequestContext) -> Response:
    """Get the verification of the whole ledger that was started last: how far it is, or what it found."""
    found = await request.ports.verifications.last()
    if found is None:
        raise not_found("No verification of the whole ledger was started yet.")
    return _answer(found, 200)


@router.post("/verification", "start_ledger_verification", LedgerVerificationJobResponse, status=202)
async def start(request: RequestContext, body: EmptyBody) -> Response:  # noqa: ARG001
    """Start a verification of the whole ledger, unless one is running. A worker does it."""
    ports = request.ports
    started = await start_verification(request.caller, request.network, ports.verifications, ports.identity.signing)
    return _answer(started, 202)


def _answer(found: LedgerVerification, status: int) -> Response:
    body = {
        "id": found.id,
        "state": found.state,
        "started_by": found.by,
        "started_at": plain(found.started_at),
        "finished_at": plain(found.finished_at) if found.finished_at else None,
        "checked": found.checked,
        "total": found.total,
        "broken": found.broken,
        "error": found.error,
    }
    return HttpResponse(status, to_json(body), {b"cache-control": PRIVATE})
