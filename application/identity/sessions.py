"""Port to the sessions: the devices that are signed in, and their refresh tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Session:
    """One device that is signed in. `client`: the name that the device gave."""

    id: UUID
    account_id: UUID
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    client: str


class Sessions(Protocol):
    """Families of refresh tokens: 256 bits each, stored as hashes, exchanged at each use."""

    async def open(self, account_id: UUID, client: str, *, proven: str) -> tuple[Session, str]:
        """A new session and its first refresh token. `proven`: the stored hash that the password was compared with.

        Raises Unauthenticated if that hash has been replaced since.
        """
        ...

    async def refresh(self, token: str, *, network: str = "") -> tuple[Session, str]:
        """The session and its next token. Raises Unauthenticated; a token used before ends the session.

        For a few seconds, and until its successor is used, a used token is answered with the same successor.
        """
        ...

    async def of(self, account_id: UUID) -> Sequence[Session]: ...

    async def end(self, account_id: UUID, session_id: UUID | None = None, *, keep: UUID | None = None) -> int:
        """End one session, or all of the account's except `keep`; how many. Their access tokens are void within 1 s."""
        ...
