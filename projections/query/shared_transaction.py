"""One read-only transaction for all queries of a page, which saves each query a begin and an end of its own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from projections.engine.schema import schemas
from projections.query.snapshot import PATIENCE, Sees, Snapshot, Snapshots, checkpoint, no_older_than


class SharedTransaction:
    """Opens snapshots as Snapshots does, one after the other in one transaction: so all reflect one instant.

    A snapshot that is opened within another one, or after the end, has a transaction of its own.
    """

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots
        self._transaction = AsyncExitStack()
        self._connection: AsyncConnection | None = None
        self._found: dict[str, Snapshot] = {}
        self._seen_by: Sees = None
        self._is_taken = False

    @asynccontextmanager
    async def open(
        self, projection: str, at_least: int | None = None, patience: float = PATIENCE, *, sees: Sees = None
    ) -> AsyncIterator[Snapshot]:
        """See `Snapshots.open`."""
        if self._is_taken:
            async with self._snapshots.open(projection, at_least, patience, sees=sees) as read:
                yield read
            return
        if at_least is not None:
            await self._snapshots.wait(projection, at_least, patience)
        self._is_taken = True
        try:
            yield await self._snapshot(projection, at_least, sees)
        except BaseException:
            await self._end()  # a statement that fails ends its transaction
            raise
        finally:
            self._is_taken = False

    async def wait(self, projection: str, position: int, patience: float = PATIENCE) -> None:
        """See `Snapshots.wait`."""
        await self._snapshots.wait(projection, position, patience)

    async def close(self) -> None:
        """End the transaction: what is opened from now on has one of its own."""
        self._is_taken = True
        await self._end()

    async def _snapshot(self, projection: str, at_least: int | None, sees: Sees) -> Snapshot:
        """Of the transaction as it is; of a new one if that is too old. Raises Behind."""
        found = await self._of_transaction(projection, sees)
        if at_least is not None and found.position < at_least:
            await self._end()
            found = await self._of_transaction(projection, sees)
        return no_older_than(found, at_least)

    async def _of_transaction(self, projection: str, sees: Sees) -> Snapshot:
        if self._connection is None:
            found = await self._transaction.enter_async_context(self._snapshots.begin(projection, sees))
            self._connection, self._found, self._seen_by = found.connection, {projection: found}, sees
        elif projection not in self._found or sees != self._seen_by:
            self._found[projection] = await checkpoint(self._connection, projection, sees)
            self._seen_by = sees
        found = self._found[projection]
        await self._connection.execution_options(schema_translate_map=schemas(found.generation))
        return found

    async def _end(self) -> None:
        self._connection, self._found = None, {}
        await self._transaction.aclose()
