"""SQLAlchemy's engines: each connection names what it is for, in `pg_stat_activity`."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from infrastructure.database.roles import alchemy
from infrastructure.database.timeouts import limited


def named_engine(dsn: str, name: str, *, session: str = "", patience: float | None = None, **pool: Any) -> AsyncEngine:
    """An engine for a `postgresql://...` address. `session`: settings of each session; `pool`: SQLAlchemy's options.

    `patience`: seconds that a statement, and making a connection, may take; without a limit if it is None.
    """
    arguments: dict[str, Any] = {"application_name": name} | ({"options": session} if session else {})
    if patience is not None:
        arguments |= {"async_creator_fn": limited(patience).connect}
    return create_async_engine(alchemy(dsn), connect_args=arguments, **pool)
