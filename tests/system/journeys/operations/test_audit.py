"""`daybook audit`: who is given a checkpoint can tell whether the log is still what was written."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from application.access import OPERATOR
from application.catalog.tag import CreateTag, RenameTag, create_tag, rename_tag
from infrastructure.event_log.postgres_journal import postgres_store
from infrastructure.ledger.catalog import COVERED, NOT_COVERED
from infrastructure.ledger.checkpoint import signing_key
from infrastructure.ledger.verification import LedgerHeads, heads_of, verify
from tests.conftest import Database
from tests.infrastructure.ledger.test_verification import (
    CUT,
    DIGEST,
    change,
    rewrite,
    tamper,
    write,
)
from tests.support.instances import Instance, Process, a_folder, clean_environment
from tests.support.sealed import MASTERS
from tests.system.journeys.town import Town, at, good

Audit = Callable[..., tuple[int, str, str]]
HOLDS = "OK: 9 events, 5 seals verified.\nOK: 5 command keys, 0 rows of the security log, 0 of the views log.\n"
WITHOUT_DATA = {"checkpoints", "replay"}
"""The commands that read files alone."""
TABLES = f"Covered: {', '.join(COVERED)}. Not covered: {NOT_COVERED}.\n"


def environment(database: Database) -> dict[str, str]:
    """The way to a database as the application's role."""
    place = conninfo_to_dict(database.application)
    parts = {"HOST": "host", "PORT": "port", "NAME": "dbname", "USER": "user", "PASS": "password"}
    return clean_environment(**{f"DB_{name}": str(place[part]) for name, part in parts.items()})


@pytest.fixture
def audit(database: Database, tmp_path: Path) -> Audit:
    """Runs `daybook audit` on the database of the environment: status, output, warnings."""

    def audit(*arguments: str) -> tuple[int, str, str]:
        command = ["audit", *arguments, *([] if arguments[0] in WITHOUT_DATA else ["--data", str(tmp_path)])]
        process = Process.start(tmp_path, *command, env=environment(database))
        return process.wait(60), process.out.read_text(), process.err.read_text()

    return audit


def test_an_untouched_log_holds_and_a_forged_event_is_named(database: Database, audit: Audit) -> None:
    assert audit("head") == (0, "0 - -\n", "")
    _, head, _ = audit("head", "--json")
    assert json.loads(head) == {"position": 0, "hash": None, "at": None}
    write(database)
    status, said, _ = audit("verify")
    assert (status, said) == (0, f"{HOLDS}{TABLES}")
    tamper(database, change("topic = 'Tag.Forged'"))
    status, said, warned = audit("verify")
    assert (status, said) == (1, "")
    assert f"FAILED: {DIGEST}\n" in warned


@pytest.mark.timeout(900)
def test_a_checkpoint_kept_outside_finds_a_rewritten_tail(database: Database, audit: Audit, tmp_path: Path) -> None:
    write(database)
    status, text, said = audit("checkpoint")
    key = json.loads(text)["key"]
    assert (status, said) == (0, f"Signed with the key whose public half is {key}\n")
    kept = tmp_path / "kept.json"
    kept.write_text(text)
    held = f"{HOLDS}OK: the checkpoint at 9, signed with {key}.\n{TABLES}"
    assert audit("verify", "--checkpoint", str(kept), "--key", key)[:2] == (0, held)

    rewrite(database, 7)
    assert audit("verify")[0] == 0, "nothing else can tell"
    status, _, warned = audit("verify", "--checkpoint", str(kept))
    assert status == 1
    assert "FAILED: checkpoint: the log up to position 9 is not what was signed\n" in warned

    tamper(database, *CUT)
    status, _, warned = audit("verify", "--checkpoint", str(kept))
    assert status == 1
    assert "FAILED: checkpoint: the log has no seal at position 9\n" in warned

    status, _, anew = audit("checkpoint", "--key-file", str(tmp_path / "other.pem"))
    assert status == 0
    assert key not in anew


@pytest.mark.timeout(900)
def test_two_checkpoints_are_compared_and_events_proven(database: Database, audit: Audit, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    older, newer = kept / "1.json", kept / "2.json"
    write(database, (2, 1))
    older.write_text(audit("checkpoint")[1])
    write(database, (3, 2, 1))
    newer.write_text(audit("checkpoint")[1])
    said = json.loads(newer.read_text())
    key = said["key"]
    status, listed, _ = audit("checkpoints", str(kept), "--key", key)
    assert (status, [line.split()[0] for line in listed.splitlines()]) == (0, ["3", "9"])
    held = "OK: the log up to 9 continues that up to 3, by 5 hashes.\n"
    assert audit("compare", str(older), str(newer), "--key", key)[:2] == (0, held)
    status, proof, _ = audit("proof", "0.2", "--checkpoint", str(newer), "--key", key)
    assert (status, json.loads(proof)["tree"]) == (0, {"position": "0.9", "root": said["root"]})
    assert audit("proof", "0.4711")[::2] == (1, "The log ends at 0.9, before 0.4711.\n")
    assert json.loads(audit("consistency", "3", "9")[1])["to"]["root"] == said["root"]

    rewrite(database, 2)
    for command in (("compare", str(older), str(newer)), ("proof", "0.5", "--checkpoint", str(newer))):
        status, _, warned = audit(*command)
        assert (status, warned.startswith("FAILED: the log up to position")) == (1, True), warned
    tamper(database, change("topic = 'Tag.Forged'"))
    status, said_, warned = audit("checkpoint")
    assert (status, said_) == (1, "")
    assert "Nothing was signed." in warned
    tamper(database, "DELETE FROM log.stored_events WHERE notification_id = 2")
    for command in (("compare", str(older), str(newer)), ("proof", "0.5"), ("consistency", "3", "9")):
        assert audit(*command) == (1, "", "FAILED: event 2: it is missing, or was changed\n")


def test_what_can_not_be_believed_is_said_in_one_line(database: Database, audit: Audit, tmp_path: Path) -> None:
    status, text, _ = audit("checkpoint")
    forged = tmp_path / "forged.json"
    forged.write_text(json.dumps(json.loads(text) | {"position": 1}))
    assert audit("verify", "--checkpoint", str(forged)) == (
        1,
        "",
        f"{forged}: This is no genuine checkpoint.\n",
    )
    forged.write_text(text)
    status, _, warned = audit("verify", "--checkpoint", str(forged), "--key", "another")
    assert (status, warned) == (1, f"{forged}: The checkpoint was signed with another key.\n")
    missing = tmp_path / "nothing.json"
    assert audit("verify", "--checkpoint", str(missing))[::2] == (
        1, f"Cannot read checkpoint {missing}: no such file.\n",
    )  # fmt: skip
    (tmp_path / "audit_key.pem").write_text("garbage")
    status, said, warned = audit("checkpoint")
    assert (status, said) == (1, "")
    assert warned == f"{tmp_path / 'audit_key.pem'} holds no Ed25519 key.\n"


def test_a_database_that_is_not_there_is_said_in_one_line(database: Database) -> None:
    with a_folder() as folder:
        nowhere = environment(database) | {"DB_NAME": "nowhere"}
        process = Process.start(folder, "audit", "verify", env=nowhere)
        assert process.wait(60) == 1
        place = conninfo_to_dict(database.application)
        assert process.said == (
            f'PostgreSQL at {place["host"]}:{place["port"]} refuses the connection: database "nowhere" does not exist.'
            " Check DB_NAME, DB_USER and DB_PASS.\n"
        )


async def test_what_people_have_done_over_http_holds(shared: Instance, town: Town) -> None:
    ada, shop = town.somebody(), await town.a_shop()
    before = await _look(shared, heads_of)
    good(await ada.book(shop, at("09:00")), 201)
    process = await asyncio.to_thread(Process.start, shared.data, "audit", "verify", "--data", str(shared.data))
    assert await asyncio.to_thread(process.wait, 60) == 0
    assert process.out.read_text().startswith("OK: ")

    async def against(connection: psycopg.AsyncConnection) -> bool:
        return (await verify(connection, checkpoint=before)).holds

    assert await _look(shared, against)


async def test_it_finds_what_runs_in_the_folder_and_leaves_its_key_there(shared: Instance) -> None:
    process = await asyncio.to_thread(Process.start, shared.data, "audit", "checkpoint", "--data", str(shared.data))
    assert await asyncio.to_thread(process.wait, 60) == 0
    said: dict[str, Any] = json.loads(process.out.read_text())
    heads: LedgerHeads = await _look(shared, heads_of)
    assert (said["position"], said["hash"]) == (heads.log.position, heads.log.hash.hex())
    for name, head in (("security", heads.security), ("views", heads.views)):
        assert head is not None
        assert (said[name]["position"], said[name]["hash"]) == (head.position, head.hash.hex())
    assert signing_key(shared.data / "audit_key.pem")


async def _look(instance: Instance, look: Callable[[psycopg.AsyncConnection], Any]) -> Any:
    connecting = psycopg.AsyncConnection.connect(instance.database, autocommit=True)
    async with await connecting as connection:
        found: LedgerHeads | bool = await look(connection)
        return found


def test_the_past_is_printed(database: Database, audit: Audit) -> None:
    tag = str(asyncio.run(_renamed_tag(database)))
    status, said, _ = audit("state", tag, "--at", "0.1")
    then = json.loads(said)
    assert (status, then["kind"], then["version"], then["state"]["name"]) == (0, "Tag", 1, "hair")
    assert audit("position", then["at"])[1] == f"0.1 {then['at']} {then['until']}\n"
    assert audit("diff", tag, "--from", "0.1")[1] == '/version: 1 -> 2\n/name: "hair" -> "Hair"\n'
    lines = audit("history", tag)[1].splitlines()
    assert [line.split()[2] for line in lines] == ["Tag.Coined", "Tag.Renamed"]
    assert [each["via"] for each in json.loads(audit("history", tag, "--json")[1])] == ["cli", "cli"]
    for when, why in (("yesterday", "Use RFC 3339"), ("0.4711", "The log ends at 0.2"), ("0.0", "There is no stream")):
        status, said, warned = audit("state", tag, "--at", when)
        assert (status, said) == (1, "")
        assert warned.startswith(why)


async def _renamed_tag(database: Database) -> UUID:
    store = postgres_store(database.application, MASTERS)
    await store.open()
    try:
        tag = (await create_tag(CreateTag(by=OPERATOR, slug="hair"), store)).aggregate
        await rename_tag(RenameTag(by=OPERATOR, tag_id=tag.id, name="Hair"), store)
        return tag.id
    finally:
        await store.close()
