"""Rows beside the log on PostgreSQL: a pool for short statements, each a transaction or a part of one."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from psycopg import AsyncConnection

from infrastructure.database.closed_connections import check_open
from infrastructure.database.pool_waits import MeasuredPool
from infrastructure.database.timeouts import severed_after

Row = tuple[Any, ...]
Values = Sequence[Any] | Mapping[str, Any]


@dataclass(slots=True)
class _Transaction:
    """One that is open in this task, and what to call once it is committed."""

    connection: AsyncConnection
    after: list[Callable[[], None]] = field(default_factory=list)
    over: bool = False


class RowPool:
    """Raises psycopg.OperationalError and PoolTimeout. `dsn`: the application's role; `patience`: seconds.

    `session`: options of its sessions.

    Within the block of `transaction`, every statement of the same task is a part of that transaction.
    """

    def __init__(self, dsn: str, *, size: int = 10, patience: float = 5.0, session: str = "") -> None:
        self._patience = patience
        self._opened: ContextVar[_Transaction | None] = ContextVar("opened", default=None)
        self._pool = MeasuredPool(
            dsn,
            min_size=1,
            max_size=size,
            timeout=patience,
            open=False,
            check=check_open,
            kwargs={
                "autocommit": True,
                "application_name": "daybook-auth",
                "options": session,
                "connect_timeout": max(2, ceil(patience)),
            },
        )

    async def open(self) -> None:
        """Connect; raises PoolTimeout when there is no database."""
        await self._pool.open(wait=True, timeout=self._patience)

    async def close(self) -> None:
        await self._pool.close(timeout=self._patience)

    async def __aenter__(self) -> "RowPool":
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction, which is committed at the end of the block; within another, a part of it."""
        if (outer := self._current()) is not None:
            async with outer.connection.transaction():
                yield outer.connection
            return
        async with self._pool.connection() as connection:
            opened = _Transaction(connection)
            token = self._opened.set(opened)
            try:
                with severed_after(connection, self._patience):
                    async with connection.transaction():
                        yield connection
            finally:
                opened.over = True
                self._opened.reset(token)
        for each in opened.after:
            each()

    @property
    def in_transaction(self) -> bool:
        """Whether this task has a transaction open."""
        return self._current() is not None

    def after_commit(self, call: Callable[[], None]) -> None:
        """Call it once the open transaction is committed; at once, if none is open."""
        if (opened := self._current()) is not None:
            opened.after.append(call)
        else:
            call()

    async def all(self, statement: str, values: Values = ()) -> list[Row]:
        """The rows of one statement: a part of the open transaction, else one of its own."""
        if (opened := self._current()) is not None:
            return await rows(opened.connection, statement, values)
        async with self._pool.connection() as connection:
            with severed_after(connection, self._patience):
                return await rows(connection, statement, values)

    def _current(self) -> _Transaction | None:
        opened = self._opened.get()
        return None if opened is None or opened.over else opened

    async def one(self, statement: str, values: Values = ()) -> Row | None:
        """The first row, if any."""
        found = await self.all(statement, values)
        return found[0] if found else None


async def rows(connection: AsyncConnection, statement: str, values: Values = ()) -> list[Row]:
    """The rows of a statement; none for a statement without a result."""
    cursor = await connection.execute(statement.encode(), values)
    return await cursor.fetchall() if cursor.description else []
