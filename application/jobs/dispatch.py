"""Who does which job? One table; most are a command."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from application.access import SYSTEM
from application.booking.appointment import MarkAppointment
from application.booking.approval import expire_request
from application.booking.attendance import close_appointment
from application.booking.hold import ChangeHold, expire_hold
from application.booking.waitlist_matching import lapse_due, match_freed
from application.current_state import current_state
from application.event_log import Command, CommandResult, EventStore
from application.jobs.job import Handler, Job, JobIdle, JobLease, Means, NotDueYet
from application.notifications.notice_jobs import notify, offer, remind, webhook_disabled
from application.webhooks import delivery
from domain.errors import NotFound
from domain.webhooks.webhook import Webhook, WebhookStatus

C = TypeVar("C", bound=Command)
_NOT_YET = frozenset({"held", "requested", "booked", "checked_in"})


def _by_command(run: Callable[[C, EventStore], Awaitable[CommandResult[Any]]], said: Callable[[Job], C]) -> Handler:
    """What a command decides by itself, by the clock and the state of things. Its outcome is the status."""

    async def handle(job: Job, lease: JobLease, means: Means) -> str:  # noqa: ARG001  a command is done once
        try:
            status = (await run(said(job), means.store)).aggregate.status
        except NotFound:
            return "gone"
        if status in _NOT_YET:  # this process's idea of the time is a little behind
            raise NotDueYet(means.store.now() + timedelta(seconds=5))
        return str(status)

    return handle


def _mark(job: Job) -> MarkAppointment:
    return MarkAppointment(by=SYSTEM, appointment_id=job.subject, correlation=job.correlation)


def _hold(job: Job) -> ChangeHold:
    return ChangeHold(by=SYSTEM, hold_id=job.subject, correlation=job.correlation)


async def _notify(job: Job, lease: JobLease, means: Means) -> str:
    """Tell people of an appointment; or whoever subscribed a webhook that it is disabled."""
    if job.slot != "disabled":
        return await notify(job, lease, means)
    webhook = await current_state(Webhook, job.subject, means.store)
    if webhook is None or webhook.state is not WebhookStatus.DISABLED:
        return "gone"
    return await webhook_disabled(job.key, webhook.id, webhook.url, webhook.subscriber, lease, means)


async def _deliver(job: Job, lease: JobLease, means: Means) -> str:
    """Tell a webhook what has happened since; it is idle when it knows all, or has to be resumed."""
    assert means.courier is not None
    ended = await delivery.run(job.subject, lease, means.courier)
    until = None if ended.again is None else means.store.now() + ended.again
    if ended.word == "gone":
        return ended.word
    if ended.word == "failed" and until is not None:
        raise NotDueYet(until)
    raise JobIdle(until)


HANDLERS: Mapping[str, Handler] = {
    "deliver": _deliver,
    "complete": _by_command(close_appointment, _mark),
    "expire_request": _by_command(expire_request, _mark),
    "expire_hold": _by_command(expire_hold, _hold),
    "lapse": lapse_due,
    "match": match_freed,
    "remind": remind,
    "notify": _notify,
    "offer": offer,
}
"""By kind."""


async def carry_out(job: Job, lease: JobLease, means: Means) -> str:
    """Do one. Raises KeyError for a kind that this version of the program does not know."""
    return await HANDLERS[job.kind](job, lease, means)
