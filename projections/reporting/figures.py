"""The figures of metrics as of a position.

They are read on connections of their own, so that bookings never wait for one that a question uses.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from psycopg import AsyncConnection, errors
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from domain.errors import Invalid
from projections.analysis.metric import CUSTOMERS
from projections.analysis.page import analysis
from projections.engine.positions import Positions
from projections.query.snapshot import Behind, Snapshots
from projections.reporting.question import MOST_ROWS, MetricQuestion

LEAST_CUSTOMERS = 5
MOST_CACHED_ROWS = 50_000
MOST_AT_ONCE = 6
"""Questions in the process, those that wait for a connection included."""
Row = Mapping[str, Any]

_POSITION = "SELECT position FROM analysis.as_of"
_CROWDED = "Others wait for their figures too. Try again later, or ask for a shorter period."
_NOT_THERE = (errors.UndefinedTable, errors.InvalidSchemaName)


class FiguresTooSlow(Exception):
    """The figures take too long. Ask for a shorter period."""

    retry_after = 5


class TooManyRows(Invalid):
    """The answer would have too many rows. Ask for a shorter period or fewer dimensions."""


@dataclass(frozen=True)
class Figures:
    """Rows of a metric as of a position: labels and measures by name, and CUSTOMERS if they were asked for."""

    rows: Sequence[Row]
    position: int


def is_suppressed(row: Row) -> bool:
    """Whether a row is about so few customers that it could tell of one of them. Rows about nobody tell nothing."""
    customers: int = row.get(CUSTOMERS, 0)
    return 0 < customers < LEAST_CUSTOMERS


class MetricFigures:
    """Answers questions about metrics, and keeps answers by question and position."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection], reads: Snapshots, positions: Positions) -> None:
        """`pool`: of read-only, repeatable transactions, whose statements the server ends after some seconds."""
        self._pool, self._reads, self._positions = pool, reads, positions
        self._cached, self._asked = _CachedFigures(), 0

    async def of(self, asked: MetricQuestion, at_least: int | None) -> Figures:
        """Raises FiguresTooSlow, TooManyRows, Behind, BeyondHead."""
        if at_least is not None:
            await self._reads.wait(analysis.name, at_least)
        known = self._cached.get(asked, self._positions.known.get(analysis.name, 0))
        if known is not None:
            return known
        found = await self._read(asked)
        if at_least is not None and found.position < at_least:
            raise Behind(analysis.name, found.position, at_least)
        self._cached.put(asked, found)
        return found

    async def _read(self, asked: MetricQuestion) -> Figures:
        if self._asked >= MOST_AT_ONCE:
            raise FiguresTooSlow(_CROWDED)
        self._asked += 1
        try:
            async with self._pool.connection() as connection:
                return await _figures(connection, asked)
        except errors.QueryCanceled:
            raise FiguresTooSlow("The figures took too long. Ask for a shorter period or fewer dimensions.") from None
        except PoolTimeout:
            raise FiguresTooSlow(_CROWDED) from None
        except _NOT_THERE:
            raise Behind(analysis.name, 0, 0) from None
        finally:
            self._asked -= 1


async def _figures(connection: AsyncConnection, asked: MetricQuestion) -> Figures:
    async with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        at = await (await cursor.execute(_POSITION)).fetchone()
        if at is None:
            raise Behind(analysis.name, 0, 0)
        rows = await (await cursor.execute(asked.statement.encode(), asked.values)).fetchall()
    if len(rows) > MOST_ROWS:
        raise TooManyRows(
            f"The answer would have more than {MOST_ROWS} rows. Ask for a shorter period or fewer dimensions."
        )
    return Figures([{name: _plain(value) for name, value in row.items()} for row in rows], at["position"])


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


class _CachedFigures:
    """Answers of the last questions, bounded by their rows; the least recently used goes first."""

    def __init__(self) -> None:
        self._figures: OrderedDict[MetricQuestion, Figures] = OrderedDict()
        self._rows = 0

    def get(self, asked: MetricQuestion, position: int) -> Figures | None:
        """The answer as of this position or a later one; None without it."""
        found = self._figures.get(asked)
        if found is None or found.position < position:
            return None
        self._figures.move_to_end(asked)
        return found

    def put(self, asked: MetricQuestion, found: Figures) -> None:
        self._forget(asked)
        self._figures[asked] = found
        self._rows += len(found.rows) + 1
        while self._rows > MOST_CACHED_ROWS:
            self._forget(next(iter(self._figures)))

    def _forget(self, asked: MetricQuestion) -> None:
        gone = self._figures.pop(asked, None)
        self._rows -= 0 if gone is None else len(gone.rows) + 1
