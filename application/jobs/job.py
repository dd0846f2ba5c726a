"""Jobs: work that must happen later, the request for it, and the ways in which an attempt can end."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypedDict, TypeVar
from uuid import UUID

from domain.kernel import new_id

F = TypeVar("F", bound=Callable[..., Any])


class LeaseLost(Exception):
    """Another worker has claimed this job."""


class NotDueYet(Exception):
    """The job is due again at `until`; this attempt does not count as a failure."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until.isoformat())
        self.until = until


class JobIdle(Exception):
    """The job has nothing to do until `until`, or until it is woken; earlier failures no longer count."""

    def __init__(self, until: datetime | None = None) -> None:
        super().__init__(until.isoformat() if until else "")
        self.until = until


class RetryAfter(Exception):
    """The remote server asks for a pause."""

    def __init__(self, retry_after: float) -> None:
        """`retry_after`: seconds."""
        super().__init__(f"in {retry_after:.0f} s")
        self.retry_after = retry_after


class PermanentFailure(Exception):
    """Another attempt would fail too; the message says why."""


class Trace(TypedDict, total=False):
    """The fields of a Request by which its events lead back to what made Daybook act."""

    correlation: str
    cause: str


NO_TRACE: Trace = {}


@dataclass(frozen=True, slots=True)
class Job:
    """One job. `key`: the same at every attempt.

    `said`: of a job that an event made, facts of the event, no personal data; of an enqueued job, its payload.
    """

    key: UUID
    kind: str
    subject: UUID
    slot: str
    due_at: datetime
    said: Mapping[str, Any]
    correlation: str
    attempts: int

    @property
    def trace(self) -> Trace:
        """Of the commands that carry the job out."""
        return {"correlation": self.correlation, "cause": f"job:{self.key}"}

    def moment(self, name: str) -> datetime | None:
        """An instant of `said`; None if it has no such field."""
        told = self.said.get(name)
        return None if told is None else datetime.fromisoformat(told)


class JobLease(Protocol):
    """The exclusive right to run a job. It expires if the worker does not renew it for a few seconds."""

    async def hold(self) -> None:
        """Renew the lease; call it before any irreversible step. Raises LeaseLost if another worker has the job."""
        ...

    @property
    def held(self) -> bool:
        """Whether the last renewal has not run out, by this machine's clock: no other worker has the job."""
        ...


Confirm = Callable[[], Awaitable[None]]
"""Raises an exception if what is about to leave must not leave, such as LeaseLost."""

JobHandler = Callable[[Job, JobLease], Awaitable[str]]
"""Runs a job and returns its outcome, one word.

Raises NotDueYet, JobIdle, RetryAfter, PermanentFailure, LeaseLost; after any other exception the job is tried again.
"""
JobHandlers = Mapping[str, JobHandler]
"""Handlers by kind of job."""


@dataclass(frozen=True, slots=True)
class JobRequest:
    """A job to enqueue in the transaction of the change that needs it.

    `payload` may hold personal data: it is encrypted, and deleted when the job is done. `subject`: the id by which
    `GET /v1/jobs` finds the job; None if there is no id to show.
    """

    kind: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    subject: UUID | None = None
    slot: str = ""
    key: UUID = field(default_factory=new_id)


class JobEnqueuer(Protocol):
    """Enqueues jobs that no event makes: in the open transaction of the rows, or in one of its own."""

    async def enqueue(self, request: JobRequest, correlation: str = "") -> None: ...


ENQUEUING: dict[str, frozenset[str]] = {}
"""The functions that enqueue jobs, as module.name, with the kinds of their jobs."""


def enqueues(*kinds: str) -> Callable[[F], F]:
    """Declare that a function enqueues jobs of these kinds. Tests kill every declared function after its commit."""

    def declare(function: F) -> F:
        ENQUEUING[f"{function.__module__}.{function.__name__}"] = frozenset(kinds)
        return function

    return declare
