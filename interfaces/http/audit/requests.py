"""The chain of a request: what it recorded, what was done because of it, and how that ended."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Response
from pydantic_core import to_json

from application.audit_request import MOST_EVENTS, ChainCount, ChainDelivery, ChainJob, RequestChain, chain_of
from application.jobs.dispatch import MAILED
from domain.errors import NotFound
from domain.log_position import position_text
from interfaces.http.audit.past import access_of, log_of
from interfaces.http.audit.past_bodies import exact
from interfaces.http.audit.search import owners_of
from interfaces.http.audit.stream_history import RecordedEventResponse, history_body
from interfaces.http.framework.fields import LogPosition, Shape
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import PRIVATE, HttpResponse
from interfaces.http.framework.routing import Router
from interfaces.http.vocabulary.enum_name import EnumName
from projections.read_models.audit.search import AuditFilters, find
from projections.read_models.jobs.job_status import JobStatus

router = Router("/v1/audit/requests/{request_id}", "audit", reserved=True)

_MAILS = {*MAILED, "invite_member"}
_SENT = {"sent", "done"}
_ID = re.compile(r"[A-Za-z0-9._:+/=@-]{1,128}")


class ChainJobResponse(Shape):
    """A job. `event`: the position of the event that made it; `mail`: the id of the mail that it sent."""

    id: UUID
    event: LogPosition | None
    kind: str
    subject: UUID
    status: JobStatus
    attempts: int
    outcome: str | None
    ended_at: datetime | None
    mail: UUID | None


class ChainDeliveryResponse(Shape):
    """The delivery of an event to a webhook."""

    webhook_id: UUID
    event: LogPosition
    status: Annotated[Literal["waiting", "failed", "delivered"], EnumName("DeliveryStatus")]
    attempts: int
    ended_at: datetime | None


class ChainCountResponse(Shape):
    """How many are not listed."""

    events: int
    jobs: int
    deliveries: int


class RequestChainResponse(Shape):
    """A request and its consequences, as of a position."""

    request: str
    position: LogPosition
    events: list[RecordedEventResponse]
    jobs: list[ChainJobResponse]
    deliveries: list[ChainDeliveryResponse]
    withheld: ChainCountResponse
    not_kept: ChainCountResponse
    more: bool


@router.get("", "get_request_chain", RequestChainResponse)
async def chain(request: RequestContext, request_id: str) -> Response:
    """Get what a request recorded and caused. Owners get what belonged to their organizations when it was recorded."""
    if not _ID.fullmatch(request_id):
        raise NotFound("request", request_id[:64])
    log, access = await log_of(request), access_of(request)
    async with request.snapshot("audit") as read:
        owners, wanted = await owners_of(access, request.caller.account, read), AuditFilters(request=request_id)
        shown = positions = await find(read, wanted, MOST_EVENTS + 1, owners=owners)
        if owners is not None:
            positions = await find(read, wanted, 2 * MOST_EVENTS + 1)
    shows = None if owners is None else access.shows
    found = await chain_of(request_id, positions, shown, log, request.ports.works, shows)
    body = to_json(chain_body(request_id, read.position, found))
    return HttpResponse(200, body, {b"cache-control": PRIVATE}, position=read.position)


def chain_body(request: str, position: int, chain: RequestChain) -> Mapping[str, Any]:
    """The chain as JSON."""
    return {
        "request": request,
        "position": position_text(position),
        "events": [history_body(each) for each in chain.events],
        "jobs": [_job(each) for each in chain.jobs],
        "deliveries": [_delivery(each) for each in chain.deliveries],
        "withheld": _count(chain.withheld),
        "not_kept": _count(chain.not_kept),
        "more": chain.more,
    }


def _job(job: ChainJob) -> Mapping[str, Any]:
    return {
        "id": str(job.key),
        "event": None if job.event is None else position_text(job.event),
        "kind": job.kind,
        "subject": str(job.subject),
        "status": job.status,
        "attempts": job.attempts,
        "outcome": job.outcome,
        "ended_at": exact(job.ended_at),
        "mail": str(job.key) if job.kind in _MAILS and job.outcome in _SENT else None,
    }


def _delivery(delivery: ChainDelivery) -> Mapping[str, Any]:
    return {
        "webhook_id": str(delivery.webhook_id),
        "event": position_text(delivery.event),
        "status": delivery.status,
        "attempts": delivery.attempts,
        "ended_at": exact(delivery.at),
    }


def _count(count: ChainCount) -> Mapping[str, int]:
    return {"events": count.events, "jobs": count.jobs, "deliveries": count.deliveries}
