"""The event store of this process: runs commands over a journal."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from application.event_log import Request
from infrastructure.event_log.aggregate_cache import SIZE, AggregateCache
from infrastructure.event_log.aggregate_repository import AggregateRepository
from infrastructure.event_log.command_attempt import CommandAttempts
from infrastructure.event_log.journal import Journal
from infrastructure.event_log.stream_locks import StreamLocks
from infrastructure.privacy.keyring import Keyring
from infrastructure.privacy.master_keys import MasterKeys


class EventStore(AggregateRepository):
    """`deadline`: seconds after which a command that keeps losing against others fails with Unavailable.

    `cache_size`: bytes of the cached aggregates, about.
    """

    def __init__(self, journal: Journal, masters: MasterKeys, *, cache_size: int = SIZE, deadline: float = 5.0) -> None:
        super().__init__(journal, Keyring(journal.keys, masters), AggregateCache(cache_size), StreamLocks(deadline))
        self.deadline = deadline

    async def open(self) -> None:
        """Connect; raises psycopg.OperationalError when there is no database."""
        await self.journal.open()

    async def close(self) -> None:
        """Record queued commands, then disconnect."""
        await self.journal.close()

    def now(self) -> datetime:
        """The journal's clock, UTC."""
        return self.journal.now()

    async def address_id(self, email: str) -> UUID:
        """The stream of an e-mail address: a keyed hash, the same for every spelling of one mailbox."""
        return await self.keyring.address_id(email)

    async def knows(self, subject: UUID) -> bool:
        return bool(await self.keyring.for_reading([subject]))

    def attempts(self, request: Request) -> CommandAttempts:
        """Attempts at a command or a query, until the deadline."""
        return CommandAttempts(self, request, self.deadline)
