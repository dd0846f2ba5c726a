"""Makes an archive of what an operator asks for: the scope, the export, the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg import AsyncConnection

from domain.errors import NotFound
from domain.log_position import position_text
from infrastructure.database.row_pool import RowPool
from infrastructure.event_log.event_codec import EventCodec
from infrastructure.ledger.archive.export import ArchiveExport, ArchiveScope, Viewed
from infrastructure.ledger.archive.lines import ArchiveWriter
from infrastructure.ledger.archive.scope import streams_of
from infrastructure.ledger.checkpoint import SignedCheckpoint
from infrastructure.ledger.past_log import PastLog
from infrastructure.ledger.reader import connected
from infrastructure.privacy.master_keys import MasterKeys

PATIENCE = 10.0  # seconds for the connection


@dataclass(frozen=True)
class ArchiveRequest:
    """What an archive is to have: an organization, a stream, a range of positions, or one of them in a range."""

    organization: UUID | None = None
    stream: UUID | None = None
    since: int | None = None
    upto: int | None = None
    told: bool = False

    def span(self, head: int) -> tuple[int, int] | None:
        """The range, its ends filled in; None: there is no range."""
        if self.since is None and self.upto is None:
            return None
        return self.since or 1, head if self.upto is None else min(self.upto, head)

    def about(self, head: int) -> dict[str, str | None]:
        """As the header says it."""
        ids = {"organization": self.organization, "stream": self.stream}
        first, last = self.span(head) or (None, None)
        return {
            **{name: None if id is None else str(id) for name, id in ids.items()},
            **{name: None if end is None else position_text(end) for name, end in (("from", first), ("to", last))},
        }


class ArchiveMaker:
    """Makes archives of the log of a database. `viewed`: records whose personal data is told to someone."""

    def __init__(
        self,
        dsn: str,
        masters: MasterKeys,
        key: Ed25519PrivateKey,
        progress: Callable[[int, int], None] | None = None,
        viewed: Viewed | None = None,
    ) -> None:
        self._dsn = dsn
        self._masters = masters
        self._key = key
        self._progress = progress
        self._viewed = viewed

    async def make(
        self, file: Path, asked: ArchiveRequest, checkpoint: SignedCheckpoint, text: str
    ) -> Mapping[str, int]:
        """Write the file; how many lines of each kind it has. `text`: of the checkpoint, of version 2.

        Raises NotFound if the log has nothing of it, Broken, psycopg.OperationalError, OSError.
        """
        async with connected(self._dsn, PATIENCE) as connection:
            scope = await self._scope(connection, asked, checkpoint.heads.log.position)
            codec = EventCodec(self._masters) if asked.told else None
            with ArchiveWriter(file) as out:
                await ArchiveExport(connection, out, codec, self._progress, self._viewed).write(scope, checkpoint, text)
                if not out.counts.get("event"):
                    raise NotFound("event", f"of this before position {checkpoint.heads.log.position}")
                out.finish(self._key)
            return out.counts

    async def _scope(self, connection: AsyncConnection, asked: ArchiveRequest, upto: int) -> ArchiveScope:
        streams: Mapping[UUID, int] | None = None
        if asked.organization is not None:
            async with RowPool(self._dsn, size=1, patience=PATIENCE) as rows, connection.transaction():
                log = PastLog(rows, self._masters)
                streams = await streams_of(asked.organization, connection, log, upto, self._progress)
        elif asked.stream is not None:
            streams = ArchiveScope.of_stream(asked.stream).streams
        return ArchiveScope(asked.about(upto), streams, *(asked.span(upto) or (None, None)))
