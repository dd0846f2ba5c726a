"""The checks of `daybook doctor`: each part of the settings leads to a server that answers, fits, and is sound."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from infrastructure.database.address import DatabaseAddress
from infrastructure.database.engines import named_engine
from infrastructure.observability.deployment_checks import DeploymentChecks
from infrastructure.observability.health_checks import DatabaseChecks
from infrastructure.settings import Mode, Settings

Check = Callable[[], Awaitable[Mapping[str, Any]]]
PATIENCE = 5.0  # seconds for each check


class Finding(NamedTuple):
    """The result of a check. `detail`: facts if it is `ok`, else the reason and the remedy."""

    name: str
    ok: bool
    detail: str


async def diagnose(
    settings: Settings, reason: Callable[[Exception], str], more: Mapping[str, Check], zoneinfo: Path | None = None
) -> list[Finding]:
    """All checks, in the order of dependence. `reason`: the text about an error. Wrong settings raise before.

    `more`: checks of other rooms; `zoneinfo`: a folder with zone data to compare upcoming appointments with.
    """
    database = settings.database
    assert database is not None
    engine = named_engine(database.dsn, "daybook-doctor", pool_size=1)
    try:
        checks = _of_database(engine, database) | _of_deployment(engine, settings, zoneinfo)
        checks |= {**_servers(settings), **more}
        found = [await _finding(name, check, reason) for name, check in checks.items()]
    finally:
        await engine.dispose()
    return [Finding("settings", ok=True, detail=f"MODE {settings.mode}"), *found]


def _of_database(engine: AsyncEngine, address: DatabaseAddress) -> dict[str, Check]:
    checks = DatabaseChecks(engine)

    async def server() -> Mapping[str, Any]:
        async with engine.connect() as connection:
            version = (await connection.execute(text("SHOW server_version"))).scalar_one()
        return {"PostgreSQL": version, "at": f"{address.host}:{address.port}", "name": address.name}

    return {
        "database": server,
        "migrations": checks.migrations,
        "read models": checks.read_models,
        "projections": checks.lag,
        "jobs": checks.jobs,
        "zones": checks.zones,
    }


def _of_deployment(engine: AsyncEngine, settings: Settings, zoneinfo: Path | None) -> dict[str, Check]:
    checks = DeploymentChecks(engine, strict=settings.mode is Mode.PROD)
    kept = {"FORGOTTEN_FILE": settings.forgotten_file, "MAILBOX": settings.dev_mailbox}
    folders = {name: path for name, path in kept.items() if path is not None}
    found: dict[str, Check] = {
        "processes": checks.processes,
        "clock": checks.clock,
        "roles": checks.roles,
        "disk": partial(checks.disk, folders),
        "backup": checks.backup,
    }
    return found | ({"wall clock": partial(checks.moved, zoneinfo)} if zoneinfo else {})


def _servers(settings: Settings) -> dict[str, Check]:
    """Checks of the other servers that the settings name."""
    named = {"redis": settings.redis_url, "broker": settings.broker_url, "mail": settings.smtp_url}
    return {name: _answers(url.get_secret_value()) for name, url in named.items() if url is not None}


def _answers(url: str) -> Check:
    place = urlsplit(url)
    ports = {"smtp": 25, "smtps": 465, "amqp": 5672, "amqps": 5671}
    host, port = place.hostname or "localhost", place.port or ports.get(place.scheme, 6379)

    async def check() -> Mapping[str, Any]:
        if place.scheme.startswith("redis"):
            async with Redis.from_url(url, socket_timeout=PATIENCE) as redis:
                await redis.ping()
        else:
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
        return {"at": f"{host}:{port}"}

    return check


async def _finding(name: str, check: Check, reason: Callable[[Exception], str]) -> Finding:
    try:
        async with asyncio.timeout(PATIENCE):
            facts = await check()
    except Exception as error:  # noqa: BLE001  any error means that the part is not well
        return Finding(name, ok=False, detail=reason(error).replace("\n", " "))
    return Finding(name, ok=True, detail=", ".join(f"{key} {value}" for key, value in facts.items()))
