"""Proofs over HTTP: the hashes that they answer lead to the root of the log's own leaves."""

from base64 import b64decode
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from application.access import Role
from domain.log_position import position_of, position_text
from infrastructure.ledger.tree import TreeRoot, leaf_hash, verify_consistency, verify_inclusion
from tests.conftest import Database
from tests.interfaces.http.openapi.committed import DOCUMENT
from tests.interfaces.http.town import Api, Town, pointers, problem
from tests.support.builders import somebody

AUDITOR = somebody(Role.AUDITOR)
PROOFS, CONSISTENCY = "/v1/audit/proofs", "/v1/audit/consistency"
LEAVES = """SELECT digest, notification_id, (extract(epoch FROM recorded_at) * 1000000)::bigint
    FROM log.stored_events ORDER BY notification_id"""


def leaves(database: Database) -> list[bytes]:
    with psycopg.connect(database.owner) as connection:
        return [leaf_hash(*found) for found in connection.execute(LEAVES)]


def root(database: Database, size: int) -> bytes:
    tree = TreeRoot()
    for leaf in leaves(database)[:size]:
        tree.add(leaf)
    return tree.root()


def path(body: dict[str, Any]) -> list[bytes]:
    return [b64decode(each) for each in body["path"]]


async def test_every_event_is_proven_against_every_later_root(town: Town, database: Database) -> None:
    await town.booked()
    known = leaves(database)
    for position in range(1, len(known) + 1):
        for upto in {position, len(known)}:
            asked = f"{PROOFS}/{position_text(position)}?upto={position_text(upto)}"
            answer = await town.api.ask("GET", asked, AUDITOR)
            body = answer.json()
            assert (body["position"], body["tree"]["position"]) == (position_text(position), position_text(upto))
            assert answer.headers["daybook-position"] == position_text(upto)
            assert bytes.fromhex(body["tree"]["root"]) == root(database, upto)
            assert verify_inclusion(known[position - 1], position - 1, upto, path(body), root(database, upto))


async def test_a_stream_names_its_last_event_or_that_of_a_version(town: Town) -> None:
    booked = await town.booked()
    cancel = f"/v1/appointments/{booked['id']}/cancel"
    await town.api.post(cancel, {"reason": "ill"}, town.customer, if_match="*")
    last = (await town.api.ask("GET", f"{PROOFS}/{booked['id']}", AUDITOR)).json()
    assert (last["stream"], last["version"]) == (booked["id"], 2)
    first = (await town.api.ask("GET", f"{PROOFS}/{booked['id']}?version=1", AUDITOR)).json()
    assert first["version"] == 1
    then = (await town.api.ask("GET", f"{PROOFS}/{booked['id']}?upto={first['position']}", AUDITOR)).json()
    assert then["version"] == 1
    assert problem(await town.api.ask("GET", f"{PROOFS}/{booked['id']}?version=3", AUDITOR)) == (404, "not-found")
    assert problem(await town.api.ask("GET", f"{PROOFS}/{uuid4()}", AUDITOR)) == (404, "not-found")


async def test_one_root_continues_another(town: Town, database: Database) -> None:
    await town.booked()
    end = len(leaves(database))
    for first in range(1, end + 1):
        body = (await town.api.ask("GET", f"{CONSISTENCY}?from={position_text(first)}", AUDITOR)).json()
        assert (body["from"]["position"], body["to"]["position"]) == (position_text(first), position_text(end))
        roots = root(database, first), root(database, end)
        assert (body["from"]["root"], body["to"]["root"]) == (roots[0].hex(), roots[1].hex())
        assert verify_consistency(first, end, roots, path(body))
    same = await town.api.ask("GET", f"{CONSISTENCY}?from=0.2&to=0.2", AUDITOR)
    assert same.json()["path"] == []


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        (f"{PROOFS}/never", "/event"),
        (f"{PROOFS}/0.0", "/event"),
        (f"{PROOFS}/0.3?upto=0.2", "/upto"),
        (f"{PROOFS}/0.3?version=1", "/version"),
        (f"{PROOFS}/{UUID(int=7)}?version=0", "/version"),
        (f"{PROOFS}/0.3?upto=0.0", "/upto"),
        (f"{CONSISTENCY}?from=0.3&to=0.2", "/from"),
        (f"{CONSISTENCY}?from=0.0", "/from"),
        (CONSISTENCY, "/from"),
    ],
)
async def test_what_means_nothing_is_refused(town: Town, asked: str, pointer: str) -> None:
    answer = await town.api.ask("GET", asked, AUDITOR)
    assert pointers(answer) == [pointer], answer.text


async def test_a_position_beyond_the_end_is_said(town: Town, database: Database) -> None:
    beyond = position_text(len(leaves(database)) + 1)
    assert position_of(beyond)
    for asked in (f"{PROOFS}/{beyond}", f"{PROOFS}/0.1?upto={beyond}", f"{CONSISTENCY}?from=0.1&to={beyond}"):
        assert problem(await town.api.ask("GET", asked, AUDITOR)) == (400, "beyond-head")
    late = await town.api.ask("GET", f"{PROOFS}/0.1", AUDITOR, daybook_position=beyond)
    assert problem(late) == (400, "beyond-head")


async def test_an_empty_log_proves_nothing(api: Api) -> None:
    for asked in (f"{PROOFS}/0.1", f"{CONSISTENCY}?from=0.1"):
        assert problem(await api.ask("GET", asked, AUDITOR)) == (400, "beyond-head")


async def test_of_a_log_with_a_missing_event_nothing_is_proven_and_the_event_is_named(
    town: Town, database: Database
) -> None:
    await town.booked()
    last = len(leaves(database))
    with psycopg.connect(database.owner, autocommit=True) as attacker:
        attacker.execute("SET session_replication_role = replica")
        attacker.execute("DELETE FROM log.stored_events WHERE notification_id = 2")
    for asked in (f"{PROOFS}/{position_text(last)}", f"{CONSISTENCY}?from=0.1"):
        answer = await town.api.ask("GET", asked, AUDITOR)
        assert problem(answer) == (409, "ledger-broken")
        assert answer.json()["detail"] == "event 2: it is missing, or was changed"
    for path in (f"{PROOFS}/{{event}}", CONSISTENCY):
        assert "409" in DOCUMENT["paths"][path]["get"]["responses"]
