"""Ports to the ledger: the seals that prove the event log unchanged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol
from uuid import UUID

from domain.errors import Conflict


class LogHead(Protocol):
    """The last seal; position 0 for an empty log."""

    @property
    def position(self) -> int: ...

    @property
    def hash(self) -> bytes: ...

    @property
    def at(self) -> datetime | None: ...


class VerificationResult(Protocol):
    """The verified positions, and the first fault found (None: there is none)."""

    @property
    def since(self) -> int: ...

    @property
    def upto(self) -> int: ...

    @property
    def seals(self) -> int: ...

    @property
    def broken(self) -> str | None: ...


class LedgerBroken(Conflict):
    """The ledger does not verify, so nothing is proven."""


class TreeHead(NamedTuple):
    """The root of the tree over the events up to a position."""

    position: int
    root: bytes


class InclusionProof(NamedTuple):
    """The path from an event to a root. `digest`: of the event's row; `at`: when it was recorded."""

    stream: UUID
    version: int
    position: int
    at: datetime
    digest: bytes
    tree: TreeHead
    path: Sequence[bytes]


class ConsistencyProof(NamedTuple):
    """The proof that the log at the first position begins that at the second."""

    first: TreeHead
    second: TreeHead
    path: Sequence[bytes]


class Ledger(Protocol):
    """Verification of the event log."""

    async def head(self) -> LogHead:
        """The last seal."""
        ...

    async def verify(self, first: int, last: int | None) -> VerificationResult:
        """Recompute the seals of the batches that contain these positions; None: to the end. Raises Unavailable."""
        ...

    async def inclusion(self, event: int | UUID, version: int | None, upto: int | None) -> InclusionProof:
        """Prove that an event is in the log up to a position; None: to the end.

        `event`: its position, or its stream, of which `version` is meant; None: the last up to there.
        Raises NotFound, LedgerBroken, Unavailable, and for a position beyond the end.
        """
        ...

    async def consistency(self, first: int, second: int | None) -> ConsistencyProof:
        """Prove that the log up to a position begins the one up to another; None: to the end. Raises as `inclusion`."""
        ...


class VerificationState(StrEnum):
    """FAILED: its job is dead, or gone; retrying the job goes on with it."""

    RUNNING = "running"
    INTACT = "intact"
    BROKEN = "broken"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class LedgerVerification:
    """A verification of the whole ledger by a job, which has this id too.

    `checked` of `total` entries: events, and rows of the security log and the views log. `broken`: the first fault,
    with its position; `error`: why the job's last attempt failed.
    """

    id: UUID
    by: UUID
    started_at: datetime
    finished_at: datetime | None
    state: VerificationState
    checked: int
    total: int
    broken: str | None
    error: str | None


class LedgerVerificationRunning(Conflict):
    """The ledger is being verified, one verification at a time."""


class LedgerVerifications(Protocol):
    """The verifications that people start."""

    async def begin(self, id: UUID, by: UUID) -> bool:
        """Record the start, in the open transaction; False while another runs."""
        ...

    async def last(self) -> LedgerVerification | None:
        """The one that was started last."""
        ...

    async def advance(self, id: UUID) -> str | None:
        """Verify some more entries and record how far it is; the outcome, once all are verified or one is at fault."""
        ...
