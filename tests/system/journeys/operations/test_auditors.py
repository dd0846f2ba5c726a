"""The seven questions of docs/auditors.md: each command as the page has it, on a small log."""

import asyncio
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import run
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import create_async_engine
from typer.testing import CliRunner

from domain.people.account import Account
from interfaces.cli.audit import app
from tests.conftest import Database
from tests.interfaces.http.audit.archived import DOCUMENT, source
from tests.system.journeys.operations.test_audit import WITHOUT_DATA, _renamed_tag, environment

Answer = Callable[..., str]


def commands(title: str = "Seven questions") -> list[str]:
    """Those of a section, in order."""
    _, _, after = DOCUMENT.read_text(encoding="utf-8").partition(f"## {title}")
    questions, _, _ = after.partition("\n## ")
    return [each.strip() for each in re.findall(r"^    daybook (audit .+)$", questions, re.MULTILINE)]


@pytest.fixture
def answer(database: Database, tmp_path: Path) -> Answer:
    """What a command prints; the words of the page stand for those given."""

    def answer(command: str, **words: str) -> str:
        command, _, out = command.removeprefix("audit ").partition(" > ")
        arguments = [words.get(each, each) for each in command.split()]
        arguments += [] if arguments[0] in WITHOUT_DATA else ["--data", str(tmp_path)]
        found = CliRunner().invoke(app, arguments, env=dict(environment(database)))
        assert found.exit_code == 0, (command, found.output, found.exception)
        if out:
            (tmp_path / out).write_text(found.stdout)
        return found.stdout

    return answer


@pytest.mark.timeout(1200)
def test_seven_questions_and_their_answers(database: Database, answer: Answer, tmp_path: Path) -> None:
    tag = str(asyncio.run(_renamed_tag(database)))
    first = answer("audit checkpoint > older.json")
    key = json.loads(first)["key"]
    older, newer, archive = (str(tmp_path / name) for name in ("older.json", "newer.json", "archive"))
    asyncio.run(_another(database))
    at = json.loads(answer("audit state STREAM --at 0.1", STREAM=tag))["at"]
    words = {
        "STREAM": tag,
        "2030-01-31T09:00:00Z": at,
        "0.4000": "0.1",
        "0.4711": "0.2",
        "FILE": older,
        "KEY": key,
        "older.json": older,
        "newer.json": newer,
        "FOLDER": str(tmp_path),
        "archive": archive,
    }
    said = {command: answer(command, **words) for command in commands() if "--organization" not in command}
    told = list(said.values())
    assert len(told) == 11
    assert json.loads(told[0])["state"]["name"] == "hair"
    assert told[1] == '/version: 1 -> 2\n/name: "hair" -> "Hair"\n'
    assert [line.split()[2] for line in told[2].splitlines()] == ["Tag.Coined", "Tag.Renamed"]
    assert told[3].startswith("OK: 3 events")
    assert json.loads(told[4])["position"] == 3
    assert [line.split()[0] for line in told[5].splitlines()] == ["2", "3"]
    assert told[6].startswith("OK: the log up to 3 continues that up to 2")
    assert json.loads(told[7])["version"] == 2
    assert told[8].startswith(f"{archive}: 2 events")
    assert told[9].startswith(f"{archive}: ")
    assert len(told[10].splitlines()) == 1
    (tmp_path / "verifier.py").write_text(source())
    for what, file in (("archive", archive), ("checkpoint", newer)):
        verified = run(
            [sys.executable, str(tmp_path / "verifier.py"), what, file, key],
            capture_output=True,
            text=True,
            check=False,
        )
        assert verified.returncode == 0, verified.stderr


@pytest.mark.timeout(1200)
def test_further_questions_and_their_answers(database: Database, answer: Answer) -> None:
    tag = str(asyncio.run(_renamed_tag(database)))
    asyncio.run(_caught_up(database))
    recorded = json.loads(answer(f"audit search --stream {tag} --json"))
    words = {"STREAM": tag, "REQUEST": recorded[0]["request"]}
    person, kind, request, _, views = commands("Further questions")
    assert answer(person, **words) == ""  # a tag is nobody
    assert [line.split()[2] for line in answer(kind, **words).splitlines()] == ["Tag.Renamed"]
    assert "Tag.Coined" in answer(request, **words)
    assert answer(views, **words) == ""


@pytest.mark.timeout(1200)
def test_an_archive_that_tells_of_somebody_is_in_the_views_log(
    database: Database, answer: Answer, tmp_path: Path
) -> None:
    account = asyncio.run(_an_account(database))
    stream = str(Account.id_of(account))
    answer("audit export --stream STREAM archive", STREAM=stream, archive=str(tmp_path / "quiet"))
    assert answer("audit views") == ""
    answer("audit export --told --stream STREAM archive", STREAM=stream, archive=str(tmp_path / "archive"))
    (line,) = answer("audit views").splitlines()
    assert str(account) in line
    assert "export_archive" in line


async def _an_account(database: Database) -> UUID:
    from infrastructure.event_log.postgres_journal import postgres_store
    from tests.support.sealed import MASTERS
    from tests.support.signing import recorded

    store = postgres_store(database.application, MASTERS)
    await store.open()
    try:
        return await recorded(store, "grace@example.org")
    finally:
        await store.close()


async def _caught_up(database: Database) -> None:
    from infrastructure.event_log.event_codec import EventCodec
    from projections.engine.projector import Projector
    from projections.registry import PROJECTIONS
    from tests.support.sealed import MASTERS

    engine = create_async_engine(database.url)
    try:
        await Projector(engine, PROJECTIONS, EventCodec(MASTERS)).catch_up()
    finally:
        await engine.dispose()


async def _another(database: Database) -> UUID:
    from application.access import OPERATOR
    from application.catalog.tag import CreateTag, create_tag
    from infrastructure.event_log.postgres_journal import postgres_store
    from tests.support.sealed import MASTERS

    store = postgres_store(database.application, MASTERS)
    await store.open()
    try:
        return (await create_tag(CreateTag(by=OPERATOR, slug="nails"), store)).aggregate.id
    finally:
        await store.close()
