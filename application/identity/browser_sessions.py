"""Port to the sessions of browsers: a cookie identifies them, and no token comes of them."""

from datetime import timedelta
from typing import Protocol
from uuid import UUID

from application.identity.sessions import Session

IDLE, AT_MOST = timedelta(minutes=30), timedelta(hours=12)
"""A session ends this long after its last request, and after its beginning."""


class BrowserSessions(Protocol):
    """Sessions that a secret of 256 bits opens, stored as its hash. They end as all sessions of an account do."""

    async def open(self, account_id: UUID, client: str, *, proven: str) -> tuple[Session, str]:
        """A new session and its secret. `proven`: the stored hash that the password was compared with.

        Raises Unauthenticated if that hash has been replaced since.
        """
        ...

    async def find(self, secret: str, *, renews: bool = True) -> Session | None:
        """The session of a secret; None if it has ended. `renews`: it lasts longer by that."""
        ...
