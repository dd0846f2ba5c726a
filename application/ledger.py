"""What the door needs of the ledger."""

from datetime import datetime
from typing import Protocol


class LogHead(Protocol):
    """The last seal; an empty log is at 0."""

    @property
    def position(self) -> int: ...

    @property
    def hash(self) -> bytes: ...

    @property
    def at(self) -> datetime | None: ...


class VerificationResult(Protocol):
    """From where and how far was looked, and the first thing that does not hold (None: all of it does)."""

    @property
    def since(self) -> int: ...

    @property
    def upto(self) -> int: ...

    @property
    def seals(self) -> int: ...

    @property
    def broken(self) -> str | None: ...


class Ledger(Protocol):
    """Is the log still what was written?"""

    async def head(self) -> LogHead:
        """Where the log ends."""
        ...

    async def verify(self, first: int, last: int | None) -> VerificationResult:
        """Recompute the whole batches that hold these positions; None: to the end. Raises Unavailable."""
        ...
