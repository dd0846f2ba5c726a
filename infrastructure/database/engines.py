"""SQLAlchemy's engines: each connection names what it is for, in `pg_stat_activity`."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from infrastructure.database.roles import alchemy


def named_engine(dsn: str, name: str, *, session: str = "", **pool: Any) -> AsyncEngine:
    """An engine for a `postgresql://...` address. `session`: settings of each session; `pool`: SQLAlchemy's options."""
    arguments = {"application_name": name} | ({"options": session} if session else {})
    return create_async_engine(alchemy(dsn), connect_args=arguments, **pool)
