"""Checks of readiness: the database answers and is migrated, projections and jobs keep up, time zone data agrees."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from infrastructure.database.refusals import schema_versions
from infrastructure.observability.versions import ZONES
from projections.engine.event_feed import HEAD
from projections.read_models.jobs.job_status import lateness
from projections.read_models.jobs.process import ALIVE
from projections.rebuild.generations import shapes

LATE = 60.0  # seconds
_LIVE = text("SELECT generation FROM read.live")
_VERSION = text("SELECT version_num FROM log.schema_version")
_SHAPES = text("SELECT reader, fingerprint FROM read.bookmark WHERE generation = :live")
_ZONES = text(
    f"SELECT DISTINCT zones FROM work.process WHERE seen_at > clock_timestamp() - interval '{ALIVE} s'"  # noqa: S608
)
_LAG = text(f"""
    SELECT max({HEAD} - b.position) AS behind, bool_or(b.stopped_at IS NOT NULL OR b.position > {HEAD}) AS stopped
    FROM read.live JOIN read.bookmark b USING (generation)""")  # noqa: S608  all of it is written here


class JobsOverdue(Exception):
    """Due jobs are not done in time. `facts`: by kind, shown by readiness."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        super().__init__(", ".join(facts))
        self.facts = facts


class ReadModelsOutdated(Exception):
    """Another release made tables of read models. `facts`: their projections, shown by readiness."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"of another release: {', '.join(names)}. Run `daybook migrate`.")
        self.facts = {"projections": names}


class ZonesDiffer(Exception):
    """Processes have different time zone data. `facts`: the versions, shown by readiness."""

    def __init__(self, versions: Sequence[str]) -> None:
        super().__init__(", ".join(versions))
        self.facts = {"tzdata": ZONES, "versions": versions}


class DatabaseChecks:
    """Each check returns its facts, and raises when its part is not well."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._versions = schema_versions()
        self._shapes = shapes()

    async def database(self) -> Mapping[str, Any]:
        """It answers."""
        async with self._engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        return {}

    async def migrations(self) -> Mapping[str, Any]:
        """The schema's version; one unknown here is newer, as in the midst of a rolling upgrade."""
        async with self._engine.connect() as connection:
            there: str = (await connection.execute(_VERSION)).scalar_one()
        if there in self._versions[:-1]:
            raise RuntimeError("The database is older than this program.")
        return {"version": there}

    async def read_models(self) -> Mapping[str, Any]:
        """The generation in use; raises ReadModelsOutdated if its tables are not those of this release."""
        async with self._engine.connect() as connection:
            generation = (await connection.execute(_LIVE)).scalar_one()
            there = {row.reader: row.fingerprint for row in await connection.execute(_SHAPES, {"live": generation})}
        names = [name for name, shape in self._shapes.items() if there.get(name) != shape]
        if names:
            raise ReadModelsOutdated(names)
        return {"generation": generation}

    async def jobs(self) -> Mapping[str, Any]:
        """The lateness of the earliest due job in seconds; raises JobsOverdue with the kinds that are a minute late."""
        async with self._engine.connect() as connection:
            late = await lateness(connection, (await connection.execute(_LIVE)).scalar_one())
        overdue = {each.kind: each.facts() for each in late if each.seconds > LATE}
        if overdue:
            raise JobsOverdue(overdue)
        return {"late": max((round(each.seconds) for each in late), default=0)}

    async def zones(self) -> Mapping[str, Any]:
        """The version of the time zone data; raises ZonesDiffer if a running process has another."""
        async with self._engine.connect() as connection:
            found = {*(await connection.execute(_ZONES)).scalars(), ZONES}
        if len(found) > 1:
            raise ZonesDiffer(sorted(found))
        return {"tzdata": ZONES}

    async def lag(self) -> Mapping[str, Any]:
        """The number of events that the slowest projection is behind; raises if one stopped or is ahead of the log."""
        async with self._engine.connect() as connection:
            behind, stopped = (await connection.execute(_LAG)).one()
        if stopped:
            raise RuntimeError("A projection has stopped.")
        return {"positions": behind}
