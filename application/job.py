"""What is to be done because its time has come: jobs, who does which, and what may come of it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

from application.access import SYSTEM
from application.appointment import MarkAppointment
from application.approval import close_appointment, expire_request
from application.hold import ChangeHold, expire_hold
from application.log import Command, Done, Store
from application.notice import Channel
from application.notify import notify, offer, remind
from application.ports import Mail
from application.quiet import QuietHours
from domain.errors import NotFound


class LeaseLost(Exception):
    """Somebody else has this job now."""


class Later(Exception):
    """Not yet: due again at `until`, which is no failure."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until.isoformat())
        self.until = until


class Busy(Exception):
    """The other side asks to be left alone for a while."""

    def __init__(self, retry_after: float) -> None:
        """`retry_after`: seconds."""
        super().__init__(f"in {retry_after:.0f} s")
        self.retry_after = retry_after


class Hopeless(Exception):
    """Trying again would change nothing; says why."""


@dataclass(frozen=True, slots=True)
class Job:
    """What one is about. `key`: the same however often it is tried; `said`: nothing personal."""

    key: UUID
    kind: str
    subject: UUID
    slot: str
    due_at: datetime
    said: Mapping[str, Any]
    correlation: str
    attempts: int

    def moment(self, name: str) -> datetime | None:
        """An instant of what is said; None if nothing is."""
        told = self.said.get(name)
        return None if told is None else datetime.fromisoformat(told)


class Lease(Protocol):
    """The right to do a job, which ends when whoever has it stops for a few seconds."""

    async def hold(self) -> None:
        """Raises LeaseLost unless the job is still ours: to be asked before what can't be undone."""
        ...


@dataclass(frozen=True, slots=True)
class Means:
    """With what jobs are done. `channels`: whoever is told, is so by the first that reaches them."""

    store: Store
    mail: Mail
    channels: Sequence[Channel] = field(default=(), kw_only=True)
    quiet: QuietHours | None = field(default=None, kw_only=True)


C = TypeVar("C", bound=Command)
_NOT_YET = frozenset({"held", "requested", "booked", "checked_in"})
Handler = Callable[[Job, Lease, Means], Awaitable[str]]
"""Does one, and says in a word what came of it. Raises Later, Busy, Hopeless, LeaseLost.

After anything else that it raises it is tried again.
"""


def _by_command(run: Callable[[C, Store], Awaitable[Done[Any]]], said: Callable[[Job], C]) -> Handler:
    """What a command decides by itself, by the clock and the state of things. Its outcome is the status."""

    async def handle(job: Job, lease: Lease, means: Means) -> str:  # noqa: ARG001  a command is done once
        try:
            status = (await run(said(job), means.store)).aggregate.status
        except NotFound:
            return "gone"
        if status in _NOT_YET:  # this process's idea of the time is a little behind
            raise Later(means.store.now() + timedelta(seconds=5))
        return str(status)

    return handle


def _mark(job: Job) -> MarkAppointment:
    return MarkAppointment(by=SYSTEM, appointment_id=job.subject, correlation=job.correlation)


def _hold(job: Job) -> ChangeHold:
    return ChangeHold(by=SYSTEM, hold_id=job.subject, correlation=job.correlation)


HANDLERS: Mapping[str, Handler] = {
    "complete": _by_command(close_appointment, _mark),
    "expire_request": _by_command(expire_request, _mark),
    "expire_hold": _by_command(expire_hold, _hold),
    "remind": remind,
    "notify": notify,
    "offer": offer,
}
"""By kind."""


async def carry_out(job: Job, lease: Lease, means: Means) -> str:
    """Do one. Raises KeyError for a kind that this version of the program does not know."""
    return await HANDLERS[job.kind](job, lease, means)
