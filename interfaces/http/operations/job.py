"""Routes of jobs: reminders, expiries and other work that becomes due."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response
from pydantic_core import to_json

from domain.errors import Conflict, NotFound
from interfaces.http.framework.fields import EmptyBody, Instant, Paging, Shape, plain
from interfaces.http.framework.paging import next_cursor, page
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import PRIVATE, HttpResponse, page_response
from interfaces.http.framework.routing import Router
from interfaces.http.framework.validation_messages import matching
from projections.read_models.jobs import job_status as job_status
from projections.read_models.jobs.job_status import JobProgress, JobStatus

router = Router("/v1/jobs", "jobs", reserved=True)


class JobNotRetryable(Conflict):
    """This job cannot be retried."""


class JobResponse(Shape):
    """`subject`: the appointment or other thing it is about, by `kind`; `slot`: which of its jobs.

    `planned_at`: when it first became due; `due_at`: the next attempt. `error`: of the last attempt.
    """

    id: UUID
    kind: str
    subject: UUID
    slot: str
    status: JobStatus
    planned_at: Instant
    due_at: Instant | None
    attempts: int
    done_at: Instant | None
    outcome: str | None
    error: str | None


class JobPage(Shape):
    items: list[JobResponse]
    next: str | None


class JobFilters(Paging):
    """Jobs in the order in which they first became due."""

    status: JobStatus | None = None
    kind: str | None = matching(r"^[a-z_]+$", "Use lower-case letters and underscores.", default=None, max_length=32)
    subject: UUID | None = None


@router.get("", "list_jobs", JobPage)
async def find(request: RequestContext, filters: Annotated[JobFilters, Query()]) -> Response:
    """List jobs. Done ones are listed for 90 days; of those that wait for the next sweep, the first 10,000 recorded."""
    async with request.snapshot("job") as read:
        found, bookmark = await job_status.find(
            read, page(request, filters), status=filters.status, kind=filters.kind, subject=filters.subject
        )
    return page_response([job_response(each) for each in found], next_cursor(request, filters, bookmark), read.position)


@router.get("/{job_id}", "get_job", JobResponse)
async def get(request: RequestContext, job_id: UUID) -> Response:
    """Get a job."""
    return await _job(request, job_id)


@router.post("/{job_id}/retry", "retry_job", JobResponse)
async def retry(request: RequestContext, job_id: UUID, body: EmptyBody) -> Response:  # noqa: ARG001
    """Retry a job now. It must be dead, failed or overdue."""
    if await request.ports.jobs.retry(job_id):
        return await _job(request, job_id)
    async with request.snapshot("job") as read:
        found = await job_status.get(read, job_id)
    if found is None:
        raise NotFound("job", job_id)
    raise JobNotRetryable(f"The job is {found.status}.", job_status=str(found.status))


async def _job(request: RequestContext, job_id: UUID) -> Response:
    async with request.snapshot("job") as read:
        found = await job_status.get(read, job_id)
    if found is None:
        raise NotFound("job", job_id)
    return HttpResponse(200, to_json(job_response(found)), {b"cache-control": PRIVATE}, position=read.position)


def job_response(each: JobProgress) -> Mapping[str, Any]:
    """A job as JSON."""
    return {
        "id": each.id,
        "kind": each.kind,
        "subject": each.subject,
        "slot": each.slot,
        "status": each.status,
        "planned_at": plain(each.planned_at),
        "due_at": plain(each.due_at) if each.due_at and each.done_at is None else None,
        "attempts": each.attempts,
        "done_at": plain(each.done_at) if each.done_at else None,
        "outcome": each.outcome,
        "error": each.error,
    }
