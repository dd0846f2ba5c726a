"""SQLAlchemy's engines: each connection names what it is for, in `pg_stat_activity`."""

from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from infrastructure.database.closed_connections import has_unread
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


def replace_closed(engine: AsyncEngine) -> None:
    """Let the pool replace connections that the server has closed meanwhile, without asking it as a ping does.

    The end of a connection lies on its socket, on which nothing comes while nobody asks.
    """

    @event.listens_for(engine.sync_engine, "checkout")
    def check(connection: Any, record: Any, _: Any) -> None:
        is_new = record.info.setdefault("new", True)  # what is left of its handshake is no end
        record.info["new"] = False
        driver = connection.driver_connection
        if not is_new and (driver.closed or has_unread(driver.fileno())):
            raise DisconnectionError("The server has closed the connection.")
