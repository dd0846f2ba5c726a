"""Port to the security log: authentication and denied authorization, append-only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID


class SecurityLog(Protocol):
    """Appends to the security log."""

    async def note(self, kind: str, account_id: UUID | None = None, *, network: str = "", **facts: Any) -> None:
        """`network`: an address, stored as a keyed hash only. `facts` hold no personal data."""
        ...


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """One line of the security log. `network`: a keyed hash, in hexadecimal."""

    id: int
    at: datetime
    kind: str
    account_id: UUID | None
    network: str | None
    facts: Mapping[str, Any]


class SecurityReader(SecurityLog, Protocol):
    """The security log, to be read by auditors and admins."""

    async def find(
        self,
        *,
        limit: int,
        before: int | None = None,
        kind: str | None = None,
        account_id: UUID | None = None,
    ) -> Sequence[SecurityEvent]:
        """The newest first, with ids lower than `before`."""
        ...
