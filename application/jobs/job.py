"""Jobs: what must happen later, how it is asked for, and how one try of it may end."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from domain.kernel import new_id

F = TypeVar("F", bound=Callable[..., Any])


class LeaseLost(Exception):
    """Another worker has this job now."""


class NotDueYet(Exception):
    """The job is due again at `until`; this try was no failure."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until.isoformat())
        self.until = until


class JobIdle(Exception):
    """Nothing to do until `until`, or until the job is woken; earlier failures are forgotten."""

    def __init__(self, until: datetime | None = None) -> None:
        super().__init__(until.isoformat() if until else "")
        self.until = until


class RetryAfter(Exception):
    """The other side asks for a pause."""

    def __init__(self, retry_after: float) -> None:
        """`retry_after`: seconds."""
        super().__init__(f"in {retry_after:.0f} s")
        self.retry_after = retry_after


class PermanentFailure(Exception):
    """Trying again would change nothing; the message says why."""


@dataclass(frozen=True, slots=True)
class Job:
    """One job. `key`: the same however often it is tried.

    `said`: of a job that an event made, what the event said, nothing personal; of an enqueued job, its payload.
    """

    key: UUID
    kind: str
    subject: UUID
    slot: str
    due_at: datetime
    said: Mapping[str, Any]
    correlation: str
    attempts: int

    def moment(self, name: str) -> datetime | None:
        """An instant of `said`; None if it is not there."""
        told = self.said.get(name)
        return None if told is None else datetime.fromisoformat(told)


class JobLease(Protocol):
    """The right to do a job. It ends when the worker shows no sign of life for a few seconds."""

    async def hold(self) -> None:
        """Ask this before anything that can't be undone. Raises LeaseLost if another worker has the job."""
        ...


JobHandler = Callable[[Job, JobLease], Awaitable[str]]
"""Does a job and answers its outcome in a word.

Raises NotDueYet, JobIdle, RetryAfter, PermanentFailure, LeaseLost; after any other exception the job is tried again.
"""
JobHandlers = Mapping[str, JobHandler]
"""By kind."""


@dataclass(frozen=True, slots=True)
class JobRequest:
    """A job to enqueue in the transaction of what wants it.

    `payload` may be personal: it is encrypted, and deleted when the job is done. `subject`: what `GET /v1/jobs`
    finds it by; None: nothing is known that may be shown.
    """

    kind: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    subject: UUID | None = None
    slot: str = ""
    key: UUID = field(default_factory=new_id)


class JobEnqueuer(Protocol):
    """Enqueues where no event is recorded: in the open transaction of the rows, or in one of its own."""

    async def enqueue(self, request: JobRequest, correlation: str = "") -> None: ...


ENQUEUING: dict[str, frozenset[str]] = {}
"""Every function that enqueues, as module.name, and the kinds of the jobs it enqueues."""


def enqueues(*kinds: str) -> Callable[[F], F]:
    """Declare that a function makes JobRequests of these kinds. Tests read the declarations and kill each."""

    def declare(function: F) -> F:
        ENQUEUING[f"{function.__module__}.{function.__name__}"] = frozenset(kinds)
        return function

    return declare
