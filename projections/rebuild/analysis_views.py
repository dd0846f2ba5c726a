"""Moves the analysts' views to another generation, apart from the switch: a question may take as long as it may."""

import asyncio
from time import monotonic

import structlog
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.analysis.schema import point

PATIENCE = 300.0  # seconds that an analyst's question may keep the views where they are
_PAUSE = 0.5
_LOCK_TIMEOUT = text("SET LOCAL lock_timeout = '200ms'")
_PREPARED = text("SELECT to_regnamespace('analysis') IS NOT NULL")
_END = text("""
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND usename IN (SELECT login FROM read.analyst_seat) AND pid <> pg_backend_pid()
""")

logger = structlog.get_logger(__name__)


async def point_views(engine: AsyncEngine, generation: int, role: str, *, patience: float = PATIENCE) -> None:
    """Let the views show a generation, all at once. Who asks meanwhile is waited for; after `patience`, ended."""
    began = monotonic()
    while True:
        try:
            async with engine.begin() as connection:
                if not (await connection.execute(_PREPARED)).scalar_one():
                    return  # a database that has never been prepared for them
                await connection.execute(_LOCK_TIMEOUT)
                await connection.run_sync(point, generation, role)
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != "55P03":  # lock not available
                raise
            if monotonic() - began > patience:
                await _end_questions(engine)
            await asyncio.sleep(_PAUSE)
        else:
            return


async def _end_questions(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        ended = (await connection.execute(_END)).scalar_one()
    logger.warning("analysts' sessions were ended, as they kept the views from moving", sessions=ended)
