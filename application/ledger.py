"""Port to the ledger: the seals that prove the event log unchanged."""

from datetime import datetime
from typing import Protocol


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


class Ledger(Protocol):
    """Verification of the event log."""

    async def head(self) -> LogHead:
        """The last seal."""
        ...

    async def verify(self, first: int, last: int | None) -> VerificationResult:
        """Recompute the seals of the batches that contain these positions; None: to the end. Raises Unavailable."""
        ...
