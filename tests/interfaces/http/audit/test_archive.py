"""Archives: what an auditor holds shows every change, and nothing that must stay."""

import os
from base64 import b64encode
from collections.abc import Collection
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from application.access import Role
from domain.errors import NotFound
from domain.scheduling.schedule import Schedule
from infrastructure.event_log.event_codec import digest
from infrastructure.ledger.archive.lines import DamagedArchive
from infrastructure.ledger.archive.making import ArchiveMaker, ArchiveRequest
from infrastructure.ledger.archive.replay import ArchiveReplay
from infrastructure.ledger.chain import Broken
from infrastructure.ledger.checkpoint import public_text, read
from infrastructure.privacy.master_keys import WrappedKey
from interfaces.http.audit.state import state_of
from tests.conftest import Database
from tests.interfaces.http.audit.archived import (
    KEY,
    PUBLIC,
    a_checkpoint,
    an_archive,
    fault,
    lines,
    signed,
    source,
    verifier,
)
from tests.interfaces.http.sign_in import an_account
from tests.interfaces.http.town import Town
from tests.support.builders import somebody
from tests.support.sealed import MASTERS

AUDITOR = somebody(Role.AUDITOR)
SAID = "a towel for Grace"
VERIFIER = verifier()


@pytest.fixture
async def booked(town: Town) -> dict[str, Any]:
    """An appointment with a note, which was moved."""
    told = await town.booked("09:00", note=SAID)
    path = f"/v1/appointments/{told['id']}/reschedule"
    moved = await town.api.post(path, {"start": town.at("11:00")}, town.customer, if_match="*", idempotency_key="m")
    assert moved.status_code == 200, moved.text
    return told


@pytest.fixture
async def content(booked: dict[str, Any], database: Database, tmp_path: Path) -> bytes:
    """The archive of that appointment, as `--told` makes it."""
    return await an_archive(database, tmp_path, ArchiveRequest(stream=UUID(booked["id"]), told=True))


def test_the_verifier_is_short() -> None:
    assert len(source().splitlines()) <= 60
    imported = {line.split()[1].split(".")[0].strip(",") for line in source().splitlines() if "import " in line}
    assert imported <= {"struct", "sys", "base64", "hashlib", "json", "uuid", "cryptography"}


async def test_an_archive_holds(content: bytes) -> None:
    counts = VERIFIER.archive(content, PUBLIC)
    assert (counts["header"], counts["event"], counts["told"], counts["end"]) == (1, 2, 1, 1)
    assert SAID in content.decode()


@pytest.mark.parametrize("values", [3, pytest.param(255, marks=pytest.mark.long)])
@pytest.mark.timeout(3000)
async def test_every_byte_of_an_archive_counts(content: bytes, values: int) -> None:
    """Each byte is changed to each other value (the quick part: to some), and the line is named."""
    chance, number = Random(7), 1
    for at, byte in enumerate(content):
        for other in chance.sample([n for n in range(256) if n != byte], values):
            found = fault(VERIFIER.archive, content[:at] + bytes([other]) + content[at + 1 :])
            assert found.startswith(f"line {number}: "), (at, byte, other, found)
        number += byte == 10


@pytest.mark.parametrize("values", [16, pytest.param(255, marks=pytest.mark.long)])
async def test_every_byte_of_a_checkpoint_counts(town: Town, database: Database, values: int) -> None:
    assert town
    chance, text = Random(7), (await a_checkpoint(database)).encode() + b"\n"
    assert VERIFIER.checkpoint(text, PUBLIC)["version"] == 2
    for at, byte in enumerate(text):
        for other in chance.sample([n for n in range(256) if n != byte], values):
            assert fault(VERIFIER.checkpoint, text[:at] + bytes([other]) + text[at + 1 :]), (at, byte, other)


async def test_lines_exchanged_doubled_cut_or_of_another_system_are_found(content: bytes) -> None:
    each = content.splitlines(keepends=True)
    for n in range(len(each)):
        assert fault(VERIFIER.archive, b"".join([*each[:n], *each[n + 1 :]])), f"line {n + 1} cut"
        assert fault(VERIFIER.archive, b"".join([*each[: n + 1], *each[n:]])), f"line {n + 1} doubled"
        for m in range(n):
            others = each.copy()
            others[n], others[m] = each[m], each[n]
            assert fault(VERIFIER.archive, b"".join(others)), f"lines {m + 1} and {n + 1} exchanged"
        crlf = b"".join([*each[:n], each[n].replace(b"\n", b"\r\n"), *each[n + 1 :]])
        assert fault(VERIFIER.archive, crlf).startswith(f"line {n + 1}: ")
        assert fault(VERIFIER.archive, b"".join(each[:n]))
    assert fault(VERIFIER.archive, content + b"\n")
    assert fault(VERIFIER.archive, content + content)
    assert fault(VERIFIER.archive, b"")


async def test_another_key_is_found(content: bytes) -> None:
    other = Ed25519PrivateKey.generate()
    assert fault(VERIFIER.archive, content, public_text(other)).startswith("line 1: another key")
    last = content.count(b"\n")
    assert fault(VERIFIER.archive, signed(lines(content), other)).startswith(f"line {last}: ")
    assert fault(VERIFIER.archive, signed(lines(content))) == "", "the same lines, signed by the same key"


async def test_even_the_signer_can_not_put_in_what_the_log_did_not_have(content: bytes) -> None:
    """An event of another log at the same position, another time, a gap, a subtree left out: signed, and found."""
    good = lines(content)
    (n, event), *_ = [(n, each) for n, each in enumerate(good) if each["kind"] == "event"]

    def put(**fields: Any) -> str:
        changed = {**event, **fields}
        parts = changed["version"], changed["topic"], changed["state"].encode(), changed["metadata"]
        sealed = digest(UUID(changed["id"]), UUID(changed["stream"]), *parts)
        return fault(VERIFIER.archive, signed([*good[:n], {**changed, "digest": sealed.hex()}, *good[n + 1 :]]))

    assert put() == ""
    assert "not those of the root" in put(metadata="{}")
    assert "not those of the root" in put(at=event["at"] + 1)
    assert "gap" in put(version=2)
    assert "digest" in fault(VERIFIER.archive, signed([*good[:n], {**event, "state": "{}"}, *good[n + 1 :]]))
    for m, each in enumerate(good):
        if each["kind"] in {"event", "node"}:
            assert fault(VERIFIER.archive, signed([*good[:m], *good[m + 1 :]])), each


async def test_no_archive_has_a_key_of_a_person(content: bytes, database: Database) -> None:
    with psycopg.connect(database.owner) as connection:
        rows = connection.execute("SELECT subject, key, master FROM keyring.person").fetchall()
    assert rows
    for subject, key, master in rows:
        for secret in (bytes(key), MASTERS.unwrap(subject, WrappedKey(key, master))):
            for written in (
                secret,
                secret.hex().encode(),
                secret.hex().upper().encode(),
                b64encode(secret).rstrip(b"="),
            ):
                assert written not in content


async def test_nothing_is_told_unless_asked_and_whoever_is_told_of_is_recorded(
    booked: dict[str, Any], town: Town, database: Database, tmp_path: Path
) -> None:
    seen: set[UUID] = set()

    async def viewed(persons: Collection[UUID]) -> None:
        seen.update(persons)

    quiet = await an_archive(database, tmp_path, ArchiveRequest(stream=UUID(booked["id"])), viewed=viewed)
    assert (VERIFIER.archive(quiet, PUBLIC).get("told"), SAID in quiet.decode(), seen) == (None, False, set())
    await an_archive(database, tmp_path, ArchiveRequest(stream=UUID(booked["id"]), told=True), viewed=viewed)
    assert seen == {town.customer.account}


async def test_an_archive_outlives_a_person_and_a_new_one_tells_nothing(
    town: Town, followed: None, database: Database, tmp_path: Path
) -> None:
    admin = await an_account(town.api, "root@example.org", Role.ADMIN)
    guest = (await town.api.post("/v1/customers", {"name": "Grace Hopper"}, town.owner)).json()["id"]
    old = await an_archive(database, tmp_path, ArchiveRequest(stream=UUID(guest), told=True))
    assert "Grace Hopper" in old.decode()
    await town.api.catch_up()
    gone = await town.api.post(f"/v1/customers/{guest}/forget", {"cancel_appointments": True}, admin)
    assert gone.status_code == 204, gone.text
    assert VERIFIER.archive(old, PUBLIC)["told"] == 1
    new = await an_archive(database, tmp_path, ArchiveRequest(stream=UUID(guest), told=True))
    assert "told" not in VERIFIER.archive(new, PUBLIC)
    assert "Grace Hopper" not in new.decode()


async def test_a_range_accounts_for_every_position(booked: dict[str, Any], database: Database, tmp_path: Path) -> None:
    everything = lines(await an_archive(database, tmp_path, ArchiveRequest(since=1)))
    head = everything[0]["checkpoint"]["position"]
    kinds = [each["kind"] for each in everything]
    assert (kinds.count("event"), kinds.count("withheld"), kinds.count("node")) == (head, 0, 0)
    asked = ArchiveRequest(stream=UUID(booked["id"]), since=3, upto=head - 1)
    content = await an_archive(database, tmp_path, asked)
    counts = VERIFIER.archive(content, PUBLIC)
    seals = [each for each in lines(content) if each["kind"] == "seal"]
    assert counts["event"] + counts["withheld"] == seals[-1]["upto"] - seals[0]["since"] + 1
    assert seals[0]["since"] <= 3
    for n, each in enumerate(lines(content)):
        if each["kind"] == "withheld":
            assert fault(VERIFIER.archive, signed([*lines(content)[:n], *lines(content)[n + 1 :]]))


async def test_an_organization_has_what_belonged_to_it_then(town: Town, database: Database, tmp_path: Path) -> None:
    await town.booked("09:00")
    first = await town.an_organization(town.provider_id)
    inside = await town.booked("10:00")
    second = await town.an_organization(town.provider_id)
    after = await town.booked("12:00")
    tag = (await town.api.post("/v1/tags", {"slug": "hair"}, town.owner)).json()["id"]

    async def streams(organization: str) -> dict[str, int]:
        content = await an_archive(database, tmp_path, ArchiveRequest(organization=UUID(organization)))
        assert VERIFIER.archive(content, PUBLIC)["event"]
        return {each["stream"]: each["version"] for each in lines(content) if each["kind"] == "event"}

    one, other = await streams(first), await streams(second)
    provider, schedule = town.provider_id, str(Schedule.id_of(UUID(town.provider_id)))
    assert {first, provider, inside["id"], schedule, town.service_id} <= one.keys()
    assert {second, provider, after["id"], schedule, town.service_id} <= other.keys()
    assert one[provider] < other[provider], "up to the move, and on"
    assert after["id"] not in one
    assert not {tag, first} & other.keys()
    assert not {tag, second} & one.keys()


async def test_replay_is_what_the_api_answers(
    content: bytes, booked: dict[str, Any], town: Town, tmp_path: Path
) -> None:
    replay, seen = ArchiveReplay(), []
    (tmp_path / "copy").write_bytes(content)
    replay.read(tmp_path / "copy", PUBLIC, lambda line, _: seen.append(line["topic"]))
    assert seen == ["Appointment.Booked", "Appointment.Rescheduled"]
    answer = await town.api.get(f"/v1/audit/streams/{booked['id']}", AUDITOR)
    assert await state_of(replay.aggregates[UUID(booked["id"])], replay) == answer.json()["state"]


async def test_replay_names_the_damaged_line(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "damaged"
    for at in range(0, len(content), 97):
        file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises(DamagedArchive, match=r"^line \d+: "):
            ArchiveReplay().read(file, PUBLIC)


async def test_of_nothing_or_of_another_log_there_is_no_archive(
    booked: dict[str, Any], database: Database, tmp_path: Path
) -> None:
    with pytest.raises(NotFound):
        await an_archive(database, tmp_path, ArchiveRequest(stream=UUID(int=7)))
    with psycopg.connect(database.owner) as connection:
        change = "UPDATE log.stored_events SET metadata = '{}' WHERE originator_id = %s"
        text = await a_checkpoint(database)
        connection.execute(change, [booked["id"]])
        connection.commit()
    with pytest.raises(AssertionError, match="digest does not hold"):
        await a_checkpoint(database)
    file = tmp_path / "archive"
    maker = ArchiveMaker(database.application, MASTERS, KEY)
    for asked in (ArchiveRequest(stream=UUID(booked["id"])), ArchiveRequest(since=1)):
        with pytest.raises(Broken, match="digest does not hold"):
            await maker.make(file, asked, read(text.encode()), text)
    assert not os.listdir(tmp_path), "nothing is left of it"  # noqa: PTH208
