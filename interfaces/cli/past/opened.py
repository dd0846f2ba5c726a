"""What the commands about the past open: the log at all its positions, and the rows beside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from interfaces.cli.failures import fail

if TYPE_CHECKING:
    from application.past import PastLog
    from infrastructure.database.row_pool import RowPool

T = TypeVar("T")
WHEN_HELP = "A position such as 0.4711, or an instant such as 2030-01-31T09:00:00Z. Default: the end of the log."


def json_text(told: Any, indent: int | None = 2) -> str:
    """JSON for people."""
    import json

    return json.dumps(told, ensure_ascii=False, indent=indent)


def on_past(data: Path, look: Callable[[PastLog], Awaitable[T]]) -> T:
    """Look into the log of a data folder, with its keys; ends the program where there is nothing such."""
    from infrastructure.ledger.past_log import PastLog
    from infrastructure.local.instance import settings_of

    masters = settings_of(data.absolute()).masters
    return on_rows(data, lambda rows: look(PastLog(rows, masters)))


def on_rows(data: Path, look: Callable[[RowPool], Awaitable[T]]) -> T:
    """Look into the rows of a database, as the application's role."""
    import asyncio

    from pydantic_core import PydanticCustomError

    from domain.errors import Refusal
    from infrastructure.database.row_pool import RowPool
    from infrastructure.local.instance import settings_of
    from projections.query.snapshot import BeyondHead

    database = settings_of(data.absolute()).database
    assert database is not None

    async def run() -> T:
        async with RowPool(database.dsn, size=1, patience=10) as rows:
            return await look(rows)

    try:
        return asyncio.run(run())
    except (Refusal, BeyondHead, PydanticCustomError) as refused:
        fail(str(refused))
