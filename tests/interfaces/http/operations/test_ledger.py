"""The ledger over HTTP."""

import psycopg
import pytest

from application.access import Role
from domain.log_position import position_of, position_text
from tests.conftest import Database
from tests.interfaces.http.town import Api, Town, pointers, problem
from tests.support.builders import somebody

LEDGER = "/v1/audit/ledger"
VERIFY = f"{LEDGER}/verify"
AUDITOR = somebody(Role.AUDITOR)
OTHERS = sorted(set(Role) - {Role.AUDITOR, Role.ADMIN, Role.ANONYMOUS})


def tamper(database: Database, statement: str) -> None:
    """As the superuser."""
    with psycopg.connect(database.owner) as connection:
        connection.execute(statement.encode())


def seals(database: Database) -> list[tuple[int, int, bytes]]:
    with psycopg.connect(database.owner) as connection:
        return connection.execute("SELECT since, upto, hash FROM log.seal ORDER BY upto").fetchall()


class TestGetLedger:
    async def test_anonymous_callers_are_asked_who_they_are(self, door: Api):
        assert problem(await door.get(LEDGER)) == (401, "unauthenticated")

    @pytest.mark.parametrize("role", OTHERS)
    async def test_it_is_for_auditors_and_admins(self, door: Api, role: Role):
        assert problem(await door.get(LEDGER, somebody(role))) == (403, "forbidden")

    @pytest.mark.parametrize("role", [Role.AUDITOR, Role.ADMIN])
    async def test_it_is_the_last_seal(self, town: Town, database: Database, role: Role):
        answer = await town.api.get(LEDGER, somebody(role))
        _, upto, last = seals(database)[-1]
        assert answer.status_code == 200
        assert (answer.json()["position"], answer.json()["hash"]) == (position_text(upto), last.hex())
        assert answer.json()["at"].endswith("Z")
        assert answer.headers["daybook-position"] == position_text(upto)

    async def test_an_empty_log_is_at_0(self, api: Api):
        answer = await api.get(LEDGER, AUDITOR)
        assert answer.json() == {"position": "0.0", "hash": "", "at": None}

    async def test_it_follows_every_write(self, town: Town):
        made = await town.api.post("/v1/tags", {"slug": "hair"}, town.owner)
        position = made.headers["daybook-position"]
        answer = await town.api.ask("GET", LEDGER, AUDITOR, daybook_position=position)
        assert answer.json()["position"] == position
        beyond = await town.api.ask("GET", LEDGER, AUDITOR, daybook_position=str(position_of(position) + 1))
        assert problem(beyond) == (400, "beyond-head")

    async def test_it_takes_no_parameters(self, api: Api):
        assert pointers(await api.get(f"{LEDGER}?from=1", AUDITOR)) == ["/from"]


class TestVerifyLedger:
    async def test_anonymous_callers_are_asked_who_they_are(self, door: Api):
        assert problem(await door.get(f"{VERIFY}?from=never")) == (401, "unauthenticated")

    @pytest.mark.parametrize("role", OTHERS)
    async def test_it_is_for_auditors_and_admins(self, door: Api, role: Role):
        assert problem(await door.get(VERIFY, somebody(role))) == (403, "forbidden")

    @pytest.mark.parametrize("role", [Role.AUDITOR, Role.ADMIN])
    async def test_an_untouched_log_holds(self, town: Town, database: Database, role: Role):
        there = seals(database)
        answer = await town.api.get(VERIFY, somebody(role))
        head = there[-1][1]
        assert answer.status_code == 200
        assert answer.json() == {
            "holds": True,
            "from": "0.1",
            "to": position_text(head),
            "seals": len(there),
            "broken": None,
        }
        assert answer.headers["daybook-position"] == position_text(head)

    async def test_an_empty_log_holds(self, api: Api):
        answer = await api.get(VERIFY, AUDITOR)
        assert answer.json() == {"holds": True, "from": "0.1", "to": "0.0", "seals": 0, "broken": None}

    async def test_the_first_thing_that_does_not_hold_is_named(self, town: Town, database: Database):
        tamper(database, "UPDATE log.stored_events SET topic = 'Tag.Forged' WHERE notification_id = 3")
        told = (await town.api.ask("GET", VERIFY, AUDITOR)).json()
        assert (told["holds"], told["broken"]) == (False, "event 3: its digest does not hold")
        assert told["to"] == "0.2"

    async def test_an_event_after_the_last_seal_is_named(self, town: Town, database: Database):
        head = seals(database)[-1][1]
        tamper(database, f"DELETE FROM log.seal WHERE upto = {head}")
        told = (await town.api.ask("GET", VERIFY, AUDITOR)).json()
        assert told["broken"].endswith(": it is under no seal")

    async def test_only_the_batches_asked_for_are_looked_at(self, town: Town, database: Database):
        (first, *_, last) = seals(database)
        tamper(database, "UPDATE log.stored_events SET topic = 'Tag.Forged' WHERE notification_id = 1")
        said = f"{VERIFY}?from={last[0]}&to={last[0]}"
        told = (await town.api.ask("GET", said, AUDITOR)).json()
        begins, ends = position_text(last[0]), position_text(last[1])
        assert told == {"holds": True, "from": begins, "to": ends, "seals": 1, "broken": None}
        assert (await town.api.ask("GET", f"{VERIFY}?from={begins}&to={begins}", AUDITOR)).json() == told
        told = (await town.api.ask("GET", f"{VERIFY}?to=1", AUDITOR)).json()
        assert (told["holds"], told["from"], told["seals"]) == (False, position_text(first[0]), 0)

    @pytest.mark.parametrize(
        ("query", "wrong"),
        [
            ("from=0", "/from"),
            ("from=-1", "/from"),
            ("from=1.5", "/from"),
            ("from=x", "/from"),
            ("to=0", "/to"),
            ("from=", "/from"),
            (f"from={2**63}", "/from"),
            ("since=1", "/since"),
            ("from=3&to=2", "/from"),
            (f"from={2**63 - 1}", "/from"),
        ],
    )
    async def test_a_stretch_is_of_positions_in_order(self, town: Town, query: str, wrong: str):
        answer = await town.api.ask("GET", f"{VERIFY}?{query}", AUDITOR)
        assert pointers(answer) == [wrong]

    async def test_a_position_beyond_the_head_is_malformed(self, town: Town, database: Database):
        head = seals(database)[-1][1]
        assert (await town.api.ask("GET", f"{VERIFY}?to={head}", AUDITOR)).status_code == 200
        beyond = await town.api.ask("GET", f"{VERIFY}?to={head + 1}", AUDITOR)
        assert problem(beyond) == (400, "beyond-head")

    async def test_a_request_looks_at_200000_positions_at_most_and_100000_unless_said(
        self, api: Api, database: Database
    ):
        far = 1_000_000
        tamper(
            database,
            f"INSERT INTO log.seal SELECT n * 1000, n * 1000 - 999, now(), '' FROM generate_series(1, {far // 1000}) n",
        )
        assert pointers(await api.ask("GET", f"{VERIFY}?from=1", AUDITOR)) == ["/from"]
        assert pointers(await api.ask("GET", f"{VERIFY}?from=1&to=200001", AUDITOR)) == ["/from"]
        told = (await api.ask("GET", f"{VERIFY}?from=1&to=200000", AUDITOR)).json()
        assert told["broken"] == "event 1: it is missing"
        told = (await api.ask("GET", VERIFY, AUDITOR)).json()
        assert (told["from"], told["broken"]) == (position_text(far - 100_000 + 1), "event 900001: it is missing")
        told = (await api.ask("GET", f"{VERIFY}?to=500000", AUDITOR)).json()
        assert told["from"] == "0.400001"

    async def test_personal_data_is_not_shown(self, town: Town, database: Database):
        tamper(database, 'UPDATE log.stored_events SET state = \'{"name": "Ada"}\' WHERE notification_id = 2')
        assert "Ada" not in (await town.api.ask("GET", VERIFY, AUDITOR)).text
