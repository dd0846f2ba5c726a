"""The notices of an appointment: who was told of what, and why somebody was not."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from uuid import UUID

from fastapi import Response

from application.notifications.notice import REFUSED, TO_STAFF, NoticeKind
from domain.errors import NotFound
from interfaces.http.framework.fields import Instant, Shape, plain
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import page_response
from interfaces.http.framework.routing import Router
from projections.read_models import appointment
from projections.read_models.jobs import job_status
from projections.read_models.jobs.job_status import JobProgress, JobStatus

router = Router("/v1/appointments/{appointment_id}/notices", "appointments")


class NoticeStatus(StrEnum):
    """`waiting`: not sent yet; `unsent`: it will not be sent, see the reason."""

    WAITING = "waiting"
    SENT = "sent"
    UNSENT = "unsent"


class NoticeRecipient(StrEnum):
    """The side that a notice goes to. STAFF: those who act for the provider."""

    CUSTOMER = "customer"
    STAFF = "staff"


class NoticeResponse(Shape):
    """One notice.

    `reason` of an unsent one: no-address, refused (by the mail server), limit (too many mails to an unproven address),
    unwanted (switched off), own (the recipient made the change), forgotten (the recipient was erased), gone, moved and
    late (no longer true), restored (it was due before a restore of the database, and may have been sent), failed (see
    the job).
    """

    kind: str
    to: NoticeRecipient
    status: NoticeStatus
    due_at: Instant
    sent_at: Instant | None
    reason: str | None


class NoticePage(Shape):
    items: list[NoticeResponse]
    next: str | None


@router.get("", "list_notices", NoticePage)
async def find(request: RequestContext, appointment_id: UUID) -> Response:
    """List the notices about an appointment, in the order in which they are due. They are listed for 90 days."""
    async with request.snapshot("agenda") as read:
        if await appointment.get(read, appointment_id, owner=request.owner) is None:
            raise NotFound("appointment", appointment_id)
    async with request.snapshot("job") as read:
        found = await job_status.notices(read, appointment_id)
    return page_response([_notice_response(each) for each in found], None, read.position)


def _notice_response(each: JobProgress) -> Mapping[str, Any]:
    """A notice as JSON."""
    status, reason = _state(each)
    sent_at = each.done_at if status is NoticeStatus.SENT else None
    return {
        "kind": NoticeKind.REMINDER.value if each.kind == "remind" else each.slot,
        "to": NoticeRecipient.STAFF if each.slot in TO_STAFF else NoticeRecipient.CUSTOMER,
        "status": status,
        "due_at": plain(each.planned_at),
        "sent_at": plain(sent_at) if sent_at else None,
        "reason": reason,
    }


def _state(each: JobProgress) -> tuple[NoticeStatus, str | None]:
    match each.status:
        case JobStatus.DONE if each.outcome == "done":
            return NoticeStatus.SENT, None
        case JobStatus.DONE:
            return NoticeStatus.UNSENT, each.outcome
        case JobStatus.DEAD:
            return NoticeStatus.UNSENT, "refused" if REFUSED in (each.error or "") else "failed"
        case JobStatus.DROPPED:
            return NoticeStatus.UNSENT, "gone"
        case _:
            return NoticeStatus.WAITING, None
