"""Checks of readiness: the database answers, it is migrated, projections and jobs keep up."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

import infrastructure
from projections.engine.event_feed import HEAD
from projections.read_models.job_status import lateness

LATE = 60.0  # seconds
_LIVE = text("SELECT generation FROM read.live")
_VERSION = text("SELECT version_num FROM log.schema_version")
_MIGRATIONS = ScriptDirectory(str(Path(infrastructure.__file__).parent / "migrations"))
_LAG = text(f"""
    SELECT max({HEAD} - b.position) AS behind, bool_or(b.stopped_at IS NOT NULL OR b.position > {HEAD}) AS stopped
    FROM read.live JOIN read.bookmark b USING (generation)""")  # noqa: S608  all of it is written here


class JobsOverdue(Exception):
    """Due jobs are not done in time. `facts`: by kind, shown by readiness."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        super().__init__(", ".join(facts))
        self.facts = facts


class DatabaseChecks:
    """Each check returns its facts, and raises when its part is not well."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def database(self) -> Mapping[str, Any]:
        """It answers."""
        async with self._engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        return {}

    async def migrations(self) -> Mapping[str, Any]:
        """The schema's version; one unknown here is newer, as in the midst of a rolling upgrade."""
        async with self._engine.connect() as connection:
            there: str = (await connection.execute(_VERSION)).scalar_one()
        known = {script.revision for script in _MIGRATIONS.walk_revisions()}
        if there in known and there != _MIGRATIONS.get_current_head():
            raise RuntimeError("The database is older than this program.")
        return {"version": there}

    async def jobs(self) -> Mapping[str, Any]:
        """The lateness of the earliest due job in seconds; raises JobsOverdue with the kinds that are a minute late."""
        async with self._engine.connect() as connection:
            late = await lateness(connection, (await connection.execute(_LIVE)).scalar_one())
        overdue = {each.kind: each.facts() for each in late if each.seconds > LATE}
        if overdue:
            raise JobsOverdue(overdue)
        return {"late": max((round(each.seconds) for each in late), default=0)}

    async def lag(self) -> Mapping[str, Any]:
        """The number of events that the slowest projection is behind; raises if one stopped or is ahead of the log."""
        async with self._engine.connect() as connection:
            behind, stopped = (await connection.execute(_LAG)).one()
        if stopped:
            raise RuntimeError("A projection has stopped.")
        return {"positions": behind}
