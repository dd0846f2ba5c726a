"""What `daybook doctor` finds in a deployment: wrong clocks, roles, disks, backups and releases; moved appointments."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy.exc import ProgrammingError

from infrastructure.database.engines import named_engine
from infrastructure.observability import deployment_checks as module
from infrastructure.observability.deployment_checks import DeploymentChecks, Unsound
from tests.conftest import Database


@pytest.fixture
async def checks(database: Database) -> AsyncIterator[DeploymentChecks]:
    engine = named_engine(database.application, "daybook-doctor")
    yield DeploymentChecks(engine, strict=True)
    await engine.dispose()


def told(database: Database, statement: str, *values: object) -> None:
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute(statement.encode(), values)


async def test_clocks_that_agree_are_well(checks: DeploymentChecks) -> None:
    assert await checks.clock()


async def test_a_clock_that_differs_is_told(checks: DeploymentChecks, monkeypatch: pytest.MonkeyPatch) -> None:
    now = module.time.time
    monkeypatch.setattr(module.time, "time", lambda: now() + 300)
    with pytest.raises(Unsound, match=r"differs by \+(299|300)\.\d s from PostgreSQL's"):
        await checks.clock()


async def test_the_role_of_the_application_is_well(checks: DeploymentChecks) -> None:
    assert (await checks.roles()).keys() == {"role"}


async def test_the_owner_is_refused_as_the_role_of_the_application(database: Database) -> None:
    engine = named_engine(database.owner, "daybook-doctor")
    with pytest.raises(Unsound, match="is no ordinary role and owns tables and may write events"):
        await DeploymentChecks(engine, strict=True).roles()
    assert "without protection" in await DeploymentChecks(engine, strict=False).roles()
    await engine.dispose()


async def test_a_right_too_many_is_told(database: Database, checks: DeploymentChecks) -> None:
    told(database, "GRANT DELETE ON log.stored_events TO daybook_app")
    try:
        with pytest.raises(Unsound, match="may write events"):
            await checks.roles()
    finally:
        told(database, "REVOKE DELETE ON log.stored_events FROM daybook_app")


async def test_a_role_without_its_rights_is_told(database: Database) -> None:
    told(database, "CREATE ROLE outsider LOGIN PASSWORD 'outsider'")
    engine = named_engine(database.owner, "daybook-doctor", session="-c role=outsider")
    try:
        with pytest.raises(ProgrammingError, match="permission denied"):
            await DeploymentChecks(engine, strict=True).roles()
    finally:
        await engine.dispose()
        told(database, "DROP ROLE outsider")


class Usage(NamedTuple):
    """As shutil tells it."""

    total: int
    used: int
    free: int


async def test_a_full_disk_is_told(checks: DeploymentChecks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = {"FORGOTTEN_FILE": tmp_path / "not" / "there" / "yet"}
    assert "FORGOTTEN_FILE free" in await checks.disk(folders)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: Usage(100, 95, 5))
    with pytest.raises(Unsound, match=r"The disk of FORGOTTEN_FILE \(.*\) has 5% left"):
        await checks.disk(folders)


@pytest.mark.parametrize(("kind", "age", "well"), [("wal", 59, True), ("wal", 61, False), ("base", 2880, False)])
async def test_an_old_backup_is_told(
    database: Database, checks: DeploymentChecks, kind: str, age: int, well: bool
) -> None:
    assert await checks.backup() == {"by docker/backup": "none"}
    told(database, "INSERT INTO work.backup VALUES (%s, clock_timestamp() - make_interval(mins => %s))", kind, age)
    if well:
        assert kind in await checks.backup()
    else:
        with pytest.raises(Unsound, match=f"The last {kind} of docker/backup succeeded at"):
            await checks.backup()


def runs(database: Database, role: str, version: str) -> None:
    told(
        database,
        "INSERT INTO work.process (id, role, host, pid, version, zones) VALUES (%s, %s, 'here', %s, %s, '2026a')",
        *(uuid4(), role, os.getpid(), version),
    )


async def test_missing_roles_and_mixed_releases_are_told(database: Database, checks: DeploymentChecks) -> None:
    for role in ("api", "projector", "worker"):
        runs(database, role, "0.2.0")
    with pytest.raises(Unsound, match="No beat runs"):
        await checks.processes()
    runs(database, "beat", "0.2.0")
    runs(database, "api", "0.2.0")
    assert await checks.processes() == {"api": 2, "beat": 1, "projector": 1, "worker": 1, "release": "0.2.0"}
    runs(database, "worker", "0.1.0")
    with pytest.raises(Unsound, match=r"several releases run: 0\.1\.0, 0\.2\.0"):
        await checks.processes()
