"""The overview of the system: what runs, and how far a rebuild is that was begun on the command line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psycopg
import pytest

from application.access import Role
from infrastructure.observability.process_registry import ProcessRegistry
from infrastructure.observability.versions import RELEASE
from infrastructure.settings import Settings
from interfaces.admin.main import panel_of, settings_shown
from interfaces.admin.routes import panel_routes
from tests.conftest import Database
from tests.infrastructure.ledger.test_verification import FORGED, tamper
from tests.interfaces.admin.browser import ORIGIN, Browser, a_session, hidden
from tests.interfaces.admin.test_panel_pages import text
from tests.interfaces.http.operations.test_ledger_verification import worker, works
from tests.interfaces.http.sign_in import an_account
from tests.interfaces.http.town import Town
from tests.projections.rebuild.held import a_history, held_rebuild
from tests.support.instances import eventually

PATH = "/admin/system"
_STOPPED = "UPDATE read.bookmark SET stopped_at = 7, error = 'LookupError: topic' WHERE reader = 'webhook'"
VERIFY, RESUME = f"{PATH}/verification", f"{PATH}/projections/webhook/resume"
_VERIFIED = re.compile(r'<progress id="verification-bar" max="100" value="(\d+)">')
_BAR = re.compile(r'<progress id="rebuild-bar" max="100" value="(\d+)">')


def percent(page: str) -> int | None:
    """What the bar of a rebuild shows; None without a bar."""
    bar = _BAR.search(page)
    return int(bar[1]) if bar else None


def verified_percent(page: str) -> int | None:
    """What the bar of a verification shows; None without a bar."""
    bar = _VERIFIED.search(page)
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


async def test_a_projection_that_stopped_says_why_and_is_resumed(admin: Browser, database: Database) -> None:
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute(_STOPPED)
    page = (await admin.get(PATH)).text
    assert "0.7: LookupError: topic" in text(page)
    sent = await admin.post(RESUME, hidden(page, RESUME))
    assert (sent.status_code, sent.headers["location"]) == (303, f"{PATH}?done=resume_projection")
    page = (await admin.get(sent.headers["location"])).text
    assert "Resumed." in page
    assert "LookupError" not in page
    assert RESUME not in page


async def test_one_that_is_ahead_of_the_log_is_not_resumed(admin: Browser, database: Database) -> None:
    """It would stop again: a rebuild mends it."""
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute(_STOPPED.replace("stopped_at = 7", "position = 9000, stopped_at = 9000"))
    page = (await admin.get(PATH)).text
    assert "LookupError: topic" in page
    assert RESUME not in page


async def test_the_bar_of_a_verification_moves_until_it_says_what_it_found(
    admin: Browser, town: Town, database: Database
) -> None:
    page = (await admin.get(PATH)).text
    assert "Nobody has started one yet." in text(page)
    assert verified_percent(page) is None
    sent = await admin.post(VERIFY, hidden(page, VERIFY))
    assert (sent.status_code, sent.headers["location"]) == (303, f"{PATH}?done=start_ledger_verification")
    page, shown, walker = (await admin.get(PATH)).text, [], worker(town.api, database)
    assert VERIFY not in page, "one at a time"
    while "Intact" not in text(page):
        shown.append(verified_percent(page))
        assert await works(town.api, walker, steps=1) == 1
        page = (await admin.get(PATH)).text
    assert len({*shown}) > 2, "it moves"
    assert shown == sorted(shown, key=lambda each: each or 0)
    assert verified_percent(page) == 100
    assert "by you; ended" in text(page)
    assert VERIFY in page


async def test_who_starts_a_second_one_is_told_of_the_first(admin: Browser, town: Town) -> None:
    form = await admin.form(PATH, VERIFY)
    await admin.post(VERIFY, form)
    refused = await admin.post(VERIFY, form)
    assert refused.status_code == 409
    assert "A verification of the ledger is running already." in refused.text
    assert re.search(r"A verification has been running since .* UTC: 0 of \d+ entries are checked", text(refused.text))


async def test_a_fault_is_shown_with_its_position(admin: Browser, town: Town, database: Database) -> None:
    await admin.post(VERIFY, await admin.form(PATH, VERIFY))
    tamper(database, f"UPDATE log.stored_events SET state = {FORGED} WHERE notification_id = 2")
    await works(town.api, worker(town.api, database))
    page = text((await admin.get(PATH)).text)
    assert "Broken" in page
    assert "The first fault: event 2: its digest does not hold" in page


async def test_an_auditor_sees_it_and_starts_nothing(town: Town, database: Database) -> None:
    """And neither resumes a projection."""
    auditor = await a_session(town.api, (await an_account(town.api, "a@example.org", Role.AUDITOR)).account)
    await town.api.post("/v1/audit/ledger/verification", {}, town.admin)
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute(_STOPPED)
    page = (await auditor.get(PATH)).text
    assert "entries checked" in text(page)
    assert "by another person" in text(page)
    assert VERIFY not in page
    assert RESUME not in page


async def test_settings_are_shown_without_secrets(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "hush" * 11)
    app: Any = town.api.client._transport
    app.app.router.routes[:0] = panel_routes(panel_of(ORIGIN, settings_shown(Settings(forgetting_days=12))))
    admin = await a_session(town.api, town.admin.account)
    page = text((await admin.get(PATH)).text)
    assert "FORGETTING_DAYS 12" in page
    assert "SECRET_KEY *** environment" in page
    assert "hush" not in page
