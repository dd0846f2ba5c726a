"""Checks of a deployment, for `daybook doctor`: clocks, roles, disk, backups, processes, and moved wall-clock times."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.booking.appointment_status import ENDED, AppointmentStatus
from domain.scheduling.wallclock import zone
from projections.engine.schema import generation_schema
from projections.read_models.jobs.process import ALIVE

SKEW = 5.0  # seconds
FREE = 0.1  # of a disk
STALE = {"wal": timedelta(hours=1), "base": timedelta(days=2)}
ROLES = ("api", "projector", "worker", "beat")
SHOWN = 5
_ALIVE = [each.value for each in AppointmentStatus if each not in ENDED]

_CLOCK = text("""
    SELECT extract(epoch FROM clock_timestamp())::float8 AS now, coalesce(extract(epoch FROM (
        SELECT recorded_at FROM log.stored_events ORDER BY notification_id DESC LIMIT 1)), 0)::float8 AS recorded""")
_ROLE = text("""
    SELECT rolname, rolsuper OR rolbypassrls OR rolcreaterole AS strong,
        EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname IN ('log', 'auth', 'audit', 'work', 'keyring', 'read')
            AND pg_has_role(c.relowner, 'USAGE')) AS owns,
        has_table_privilege('log.stored_events', 'INSERT, UPDATE, DELETE, TRUNCATE') AS writes,
        has_table_privilege('log.stored_events', 'SELECT') AND (
            SELECT bool_and(has_function_privilege(p.oid, 'EXECUTE')) FROM pg_proc p
            WHERE p.pronamespace = 'log'::regnamespace AND p.proname IN ('append', 'prune_keys')) AS works
    FROM pg_roles WHERE rolname = current_user""")
_SIZE = text("SELECT pg_size_pretty(pg_database_size(current_database()))")
_BACKUPS = text("SELECT kind, succeeded_at, clock_timestamp() - succeeded_at AS age FROM work.backup ORDER BY kind")
_PROCESSES = text(
    f"SELECT role, version FROM work.process WHERE seen_at > clock_timestamp() - interval '{ALIVE} s'"  # noqa: S608
)
_LIVE = text("SELECT generation, set_config('app.scope', 'all', true) FROM read.live")
_AHEAD = """
    SELECT id, timezone, starts_at FROM {schema}.appointment
    WHERE starts_at > clock_timestamp() AND status = ANY(:alive) ORDER BY starts_at"""


class Unsound(Exception):
    """A part of the deployment is not as it should be; the message says what to do."""


class DeploymentChecks:
    """Each check returns its facts, and raises when its part is not well. `strict`: as PROD must be."""

    def __init__(self, engine: AsyncEngine, *, strict: bool) -> None:
        self._engine = engine
        self._strict = strict

    async def clock(self) -> Mapping[str, Any]:
        """The seconds by which this machine's clock differs from PostgreSQL's."""
        async with self._engine.connect() as connection:
            before = time.time()
            found = (await connection.execute(_CLOCK)).one()
            here = (before + time.time()) / 2
        skew, ahead = here - found.now, found.recorded - found.now
        if abs(skew) > SKEW:
            raise Unsound(f"This machine's clock differs by {skew:+.1f} s from PostgreSQL's. Set both by NTP.")
        if ahead > SKEW:
            raise Unsound(f"The newest event is {ahead:.0f} s ahead of PostgreSQL's clock. Was the clock set back?")
        return {"skew": f"{skew:+.2f} s"}

    async def roles(self) -> Mapping[str, Any]:
        """The role of the application; raises if it may do more than it needs, or less."""
        async with self._engine.connect() as connection:
            found = (await connection.execute(_ROLE)).one()
        if not found.works:
            raise Unsound(f"{found.rolname} may not append events. Run `daybook migrate` as the owner.")
        too_much = {"is no ordinary role": found.strong, "owns tables": found.owns, "may write events": found.writes}
        wrong = [what for what, is_so in too_much.items() if is_so]
        if wrong and self._strict:
            raise Unsound(
                f"DB_USER {found.rolname} {' and '.join(wrong)}. Name the owner in DB_SUPERUSER of `migrate`."
            )
        return {"role": found.rolname} | ({"without protection": f"it {' and '.join(wrong)}"} if wrong else {})

    async def disk(self, folders: Mapping[str, Path]) -> Mapping[str, Any]:
        """The size of the database, and the free space of folders of this machine."""
        async with self._engine.connect() as connection:
            facts = {"database": (await connection.execute(_SIZE)).scalar_one()}
        for name, folder in folders.items():
            there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
            usage = shutil.disk_usage(there)
            if usage.free < FREE * usage.total:
                raise Unsound(f"The disk of {name} ({there}) has {usage.free / usage.total:.0%} left. Free some space.")
            facts[f"{name} free"] = f"{usage.free / usage.total:.0%}"
        return facts

    async def backup(self) -> Mapping[str, Any]:
        """When docker/backup last succeeded; raises if that is too long ago. Other ways of backup it does not know."""
        async with self._engine.connect() as connection:
            found = (await connection.execute(_BACKUPS)).all()
        for kind, at, age in found:
            if age > STALE[kind]:
                raise Unsound(f"The last {kind} of docker/backup succeeded at {at:%Y-%m-%d %H:%M} UTC. Run it by hand.")
        return {kind: f"{at:%Y-%m-%d %H:%M}" for kind, at, _ in found} or {"by docker/backup": "none"}

    async def processes(self) -> Mapping[str, Any]:
        """The number of processes of each role, and their release."""
        async with self._engine.connect() as connection:
            found = (await connection.execute(_PROCESSES)).all()
        versions, roles = {each.version for each in found}, Counter(each.role for each in found)
        if len(versions) > 1:
            raise Unsound(f"Processes of several releases run: {', '.join(sorted(versions))}. Finish the upgrade.")
        missing = [role for role in ROLES if role not in roles]
        if missing and self._strict:
            raise Unsound(f"No {' and no '.join(missing)} runs. Start them.")
        return dict(sorted(roles.items())) | ({"release": versions.pop()} if versions else {})

    async def moved(self, folder: Path) -> Mapping[str, Any]:
        """Raises with the upcoming appointments whose wall-clock time is another by the zone data in a folder."""
        async with self._engine.connect() as connection:
            generation, _ = (await connection.execute(_LIVE)).one()
            ahead = (
                await connection.execute(text(_AHEAD.format(schema=generation_schema(generation))), {"alive": _ALIVE})
            ).all()
        others = await asyncio.to_thread(_zones_of, folder, {each.timezone for each in ahead})
        moved = [each for each in ahead if _offset(each.starts_at, others[each.timezone]) != _known(each)]
        if moved:
            first = ", ".join(f"{each.id} ({each.timezone}, {each.starts_at:%Y-%m-%d})" for each in moved[:SHOWN])
            raise Unsound(f"{len(moved)} of {len(ahead)} upcoming appointments have another local time there: {first}")
        return {"compared": len(ahead), "with": folder}


def _zones_of(folder: Path, names: set[str]) -> Mapping[str, ZoneInfo]:
    found = {}
    for name in sorted(names):
        with (folder / name).open("rb") as file:
            found[name] = ZoneInfo.from_file(file, key=name)
    return found


def _offset(moment: datetime, there: ZoneInfo) -> timedelta | None:
    return moment.astimezone(there).utcoffset()


def _known(appointment: Any) -> timedelta | None:
    return _offset(appointment.starts_at, zone(appointment.timezone))
