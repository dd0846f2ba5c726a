"""The jobs that end holds, requests and appointments when their time is over. Each job runs one command."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from application.access import SYSTEM
from application.booking.appointment import MarkAppointment
from application.booking.approval import expire_request
from application.booking.attendance import close_appointment
from application.booking.hold import ChangeHold, expire_hold
from application.event_log import Command, CommandResult, EventStore
from application.jobs.job import Job, JobHandler, JobHandlers, JobLease, NotDueYet
from domain.errors import NotFound

C = TypeVar("C", bound=Command)
_NOT_YET = frozenset({"held", "requested", "booked", "checked_in"})


def booking_handlers(store: EventStore) -> JobHandlers:
    """Handlers of the jobs that end holds, requests and appointments."""
    return {
        "complete": _by_command(close_appointment, _mark, store),
        "expire_request": _by_command(expire_request, _mark, store),
        "expire_hold": _by_command(expire_hold, _hold, store),
    }


def _by_command(
    run: Callable[[C, EventStore], Awaitable[CommandResult[Any]]], said: Callable[[Job], C], store: EventStore
) -> JobHandler:
    """A handler that runs one command, which decides by the clock and the state. The outcome is the new status."""

    async def handle(job: Job, lease: JobLease) -> str:  # noqa: ARG001  a repeated command changes nothing
        try:
            status = (await run(said(job), store)).aggregate.status
        except NotFound:
            return "gone"
        if status in _NOT_YET:  # the clock of this process is behind the database's clock
            raise NotDueYet(store.now() + timedelta(seconds=5))
        return str(status)

    return handle


def _mark(job: Job) -> MarkAppointment:
    return MarkAppointment(by=SYSTEM, appointment_id=job.subject, **job.trace)


def _hold(job: Job) -> ChangeHold:
    return ChangeHold(by=SYSTEM, hold_id=job.subject, **job.trace)
