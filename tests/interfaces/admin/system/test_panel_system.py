"""The overview of the system: what runs, and how far a rebuild is that was begun on the command line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psycopg
import pytest

from infrastructure.observability.process_registry import ProcessRegistry
from infrastructure.observability.versions import RELEASE
from infrastructure.settings import Settings
from interfaces.admin.main import panel_of, settings_shown
from interfaces.admin.routes import panel_routes
from tests.conftest import Database
from tests.interfaces.admin.browser import ORIGIN, Browser, a_session
from tests.interfaces.admin.test_panel_pages import text
from tests.interfaces.http.town import Town
from tests.projections.rebuild.held import a_history, held_rebuild
from tests.support.instances import eventually

PATH = "/admin/system"
_STOPPED = "UPDATE read.bookmark SET stopped_at = 7, error = 'LookupError: topic' WHERE reader = 'webhook'"
_BAR = re.compile(r'<progress id="rebuild-bar" max="100" value="(\d+)">')


def percent(page: str) -> int | None:
    """What the bar of a rebuild shows; None without a bar."""
    bar = _BAR.search(page)
    return int(bar[1]) if bar else None


async def test_a_rebuild_of_the_command_line_is_a_bar_that_moves(
    admin: Browser, database: Database, tmp_path: Path
) -> None:
    await a_history(database, 3)
    assert percent((await admin.get(PATH)).text) is None
    async with held_rebuild(database, tmp_path) as rebuild:
        shown = []
        for _ in range(3):
            page = (await admin.get(PATH)).text
            assert f"Position 0.{rebuild.position} of 0." in text(page)
            shown.append(percent(page))
            await rebuild.step()
        assert shown == sorted({each for each in shown if each is not None and each < 100}), "it moves"
        await rebuild.finish()
    page = (await admin.get(PATH)).text
    assert percent(page) is None
    assert "Read models, generation 2" in text(page)


async def test_a_rebuild_that_was_killed_is_called_interrupted(
    admin: Browser, database: Database, tmp_path: Path
) -> None:
    await a_history(database, 1)
    async with held_rebuild(database, tmp_path) as rebuild:
        rebuild.process.kill()
    page = text((await admin.get(PATH)).text)
    assert "The rebuild of generation 2 was interrupted at" in page


async def test_processes_are_shown_with_their_releases(admin: Browser, database: Database) -> None:
    assert "No process has given a sign of life" in text((await admin.get(PATH)).text)
    with ProcessRegistry(database.application, "worker"):

        async def seen() -> bool:
            return "worker" in text((await admin.get(PATH)).text).partition("Processes")[2]

        await eventually(seen)
        assert RELEASE in text((await admin.get(PATH)).text)


async def test_a_projection_that_stopped_says_why_and_what_to_run(admin: Browser, database: Database) -> None:
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute(
            "UPDATE read.bookmark SET stopped_at = 7, error = 'LookupError: topic' WHERE reader = 'webhook'"
        )
    page = text((await admin.get(PATH)).text)
    assert "0.7: LookupError: topic" in page
    assert "daybook projections resume webhook" in page


async def test_settings_are_shown_without_secrets(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "hush" * 11)
    app: Any = town.api.client._transport
    app.app.router.routes[:0] = panel_routes(panel_of(ORIGIN, settings_shown(Settings(forgetting_days=12))))
    admin = await a_session(town.api, town.admin.account)
    page = text((await admin.get(PATH)).text)
    assert "FORGETTING_DAYS 12" in page
    assert "SECRET_KEY *** environment" in page
    assert "hush" not in page
