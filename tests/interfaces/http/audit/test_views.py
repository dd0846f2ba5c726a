"""The views log: opening a person's card is recorded before it is shown, once a viewer, person and hour."""

import asyncio
from typing import Any
from uuid import UUID

import psycopg
import pytest

from application.access import Caller, Role
from application.view_log import PersonView
from domain.kernel import new_id
from domain.people.account import Account
from infrastructure.database.row_pool import RowPool
from infrastructure.ledger.view_log import ViewLog
from tests.conftest import Database
from tests.interfaces.http.audit.test_past import AUDITOR
from tests.interfaces.http.sign_in import an_account
from tests.interfaces.http.town import Town, pointers, problem
from tests.support.builders import somebody
from tests.support.instances import ask
from tests.support.waiting import PATIENCE

ROWS = "SELECT viewer, person, operation FROM audit.view ORDER BY id"


@pytest.fixture
async def guest(town: Town) -> str:
    """The id of a guest of the town's owner."""
    said = {"name": "Guest Guestson", "email": "guest@example.org", "phone": "+1 555 0100"}
    made = await town.api.post("/v1/customers", said, town.owner)
    assert made.status_code == 201, made.text
    id: str = made.json()["id"]
    return id


def rows(database: Database) -> list[tuple[str, str, str]]:
    return [(str(viewer), str(person), operation) for viewer, person, operation in ask(database.owner, ROWS)]


async def views(town: Town, **query: str) -> list[dict[str, Any]]:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    answer = await town.api.ask("GET", f"/v1/audit/views?{asked}", AUDITOR)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


class TestCards:
    async def test_every_way_to_open_a_card_is_recorded(self, town: Town, guest: str, database: Database) -> None:
        booked = await town.booked("09:00", town.owner, customer_id=guest, note="a towel")
        grace = await an_account(town.api, "grace@example.org")
        account, appointment = Account.id_of(grace.account), f"/v1/appointments/{booked['id']}"
        history = f"/v1/audit/streams/{booked['id']}"
        cards = [
            ("GET", f"/v1/customers/{guest}", guest, "get_customer"),
            ("GET", f"/v1/customers/{guest}/duplicates", guest, "list_customer_duplicates"),
            ("GET", appointment, guest, "get_appointment"),
            ("GET", f"{appointment}/history", guest, "get_appointment_history"),
            ("GET", f"/v1/users/{grace.id}", str(grace.id), "get_user"),
            ("GET", history, guest, "get_past_state"),
            ("GET", f"{history}/diff?from=0.1", guest, "get_state_difference"),
            ("GET", f"{history}/history", guest, "get_stream_history"),
            ("GET", f"/v1/audit/streams/{account}", str(grace.id), "get_past_state"),
            ("HEAD", f"/v1/customers/{guest}", guest, "get_customer"),
            ("PATCH", f"/v1/customers/{guest}", guest, "change_customer"),
            ("PATCH", appointment, guest, "change_appointment"),
            ("PATCH", f"/v1/users/{grace.id}", str(grace.id), "change_user"),
        ]
        await town.api.catch_up()
        for method, path, person, operation in cards:
            admin = somebody(Role.ADMIN)
            if method == "PATCH":
                admin = await an_account(town.api, f"{operation}@example.org".replace("_", "-"), Role.ADMIN)
            said = {"if_match": "*"} if method == "PATCH" else {}
            answer = await town.api.ask(method, path, admin, {} if said else None, **said)
            assert answer.status_code == 200, (path, answer.text)
            assert rows(database)[-1] == (str(admin.id), person, operation)
        assert len(rows(database)) == len(cards)

    async def test_nobody_views_themselves(self, town: Town, database: Database) -> None:
        ada = await an_account(town.api, "ada@example.org", Role.ADMIN)
        booked = await town.booked("09:00")
        own = [
            (f"/v1/users/{ada.id}", ada),
            ("/v1/me", ada),
            (f"/v1/appointments/{booked['id']}", town.customer),
            (f"/v1/customers/{town.customer.id}", town.customer),
            (f"/v1/appointments/{booked['id']}/history", town.customer),
            ("/v1/me/export", ada),
        ]
        for path, by in own:
            assert (await town.api.get(path, by)).status_code in {200, 404}, path
        assert rows(database) == []

    async def test_what_shows_nobody_is_no_view(self, town: Town, guest: str, database: Database) -> None:
        paths = [
            f"/v1/providers/{town.provider_id}",
            f"/v1/services/{town.service_id}",
            f"/v1/customers/{new_id()}",
            f"/v1/audit/streams/{town.provider_id}",
        ]
        for path in paths:
            await town.api.get(path, somebody(Role.ADMIN))
        assert problem(await town.api.get(f"/v1/customers/{guest}", town.stranger)) == (404, "not-found")
        assert rows(database) == []

    async def test_it_is_recorded_once_in_an_hour(self, town: Town, guest: str, database: Database) -> None:
        """By the process, which remembers it, and by another, which does not."""
        for _ in range(3):
            assert (await town.api.get(f"/v1/customers/{guest}", town.owner)).status_code == 200
        assert rows(database) == [(str(town.owner.id), guest, "get_customer")]
        town.api.ports.views._known.clear()  # type: ignore[attr-defined]
        assert (await town.api.get(f"/v1/customers/{guest}", town.owner)).status_code == 200
        assert len(rows(database)) == 1
        with psycopg.connect(database.owner) as owner:
            owner.execute("UPDATE audit.view SET at = at - interval '1 hour'")
        town.api.ports.views._known.clear()  # type: ignore[attr-defined]
        assert (await town.api.get(f"/v1/customers/{guest}", town.owner)).status_code == 200
        assert len(rows(database)) == 2

    async def test_the_export_of_a_person_says_when_and_in_which_role_and_not_who(
        self, town: Town, database: Database
    ) -> None:
        grace = await an_account(town.api, "grace@example.org")
        admin = somebody(Role.ADMIN)
        await town.api.get(f"/v1/users/{grace.id}", admin)
        assert len(rows(database)) == 1
        exported = await town.api.get("/v1/me/export", grace)
        assert exported.status_code == 200, exported.text
        (view,) = exported.json()["views"]
        assert view == {"at": view["at"], "role": "admin", "operation": "get_user", "organizations": []}
        assert str(admin.id) not in exported.text


class TestRecording:
    async def test_no_card_is_shown_that_cannot_be_recorded(self, town: Town, guest: str, database: Database) -> None:
        await town.api.catch_up()
        with psycopg.connect(database.owner, autocommit=True) as owner:
            owner.execute("REVOKE EXECUTE ON FUNCTION audit.record_views FROM daybook_app")
            refused = await town.api.ask("GET", f"/v1/customers/{guest}", town.owner)
            owner.execute("GRANT EXECUTE ON FUNCTION audit.record_views TO daybook_app")
        assert problem(refused) == (503, "unavailable")
        assert "retry-after" in refused.headers
        assert "Guestson" not in refused.text
        assert (await town.api.ask("GET", f"/v1/customers/{guest}", town.owner)).status_code == 200
        assert len(rows(database)) == 1

    async def test_the_answer_waits_until_it_is_recorded(self, town: Town, guest: str, database: Database) -> None:
        """The gate is locked by somebody else: the answer comes when it is free, and the row is there then."""
        await town.api.catch_up()
        async with await psycopg.AsyncConnection.connect(database.owner) as other:
            await other.execute("LOCK TABLE audit.view_gate IN EXCLUSIVE MODE")
            asked = asyncio.create_task(town.api.ask("GET", f"/v1/customers/{guest}", town.owner))
            waits = "SELECT count(*) FROM pg_locks WHERE relation = 'audit.view_gate'::regclass AND NOT granted"
            while ask(database.owner, waits) != [(1,)]:  # noqa: ASYNC110  the database tells nobody
                await asyncio.sleep(0.01)
            assert not asked.done()
            assert rows(database) == []
            await other.rollback()
        assert (await asked).status_code == 200
        assert len(rows(database)) == 1

    async def test_of_many_at_once_each_has_one_row_and_one_seal(
        self, town: Town, guest: str, database: Database
    ) -> None:
        viewers, views = [somebody(Role.ADMIN) for _ in range(200)], town.api.ports.views
        seen = [PersonView(each.account, UUID(guest), "get_customer", {}) for each in viewers]
        await asyncio.gather(*(views.record(view) for view in seen * 3))
        assert sorted(viewer for viewer, _, _ in rows(database)) == sorted(str(each.id) for each in viewers)
        seals = ask(database.owner, "SELECT count(*), sum(upto - since + 1) FROM audit.view_seal")
        assert seals == [(1, 200)], "all of them go with one call, and the others find their rows"

    async def test_of_two_processes_at_once_one_records_it(self, town: Town, guest: str, database: Database) -> None:
        """Each has a pool and a memory of its own."""
        now = town.api.ports.store.now
        view = PersonView(town.owner.account, UUID(guest), "get_customer", {})
        pools = [RowPool(database.application, patience=PATIENCE) for _ in range(2)]
        async with pools[0], pools[1]:
            await asyncio.gather(*(ViewLog(pool, now).record(view) for pool in pools * 5))
        assert len(rows(database)) == 1

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE audit.view SET operation = 'nothing'",
            "DELETE FROM audit.view",
            "TRUNCATE audit.view",
            "DROP TABLE audit.view",
            "INSERT INTO audit.view SELECT 9, at, viewer, person, operation, facts, digest FROM audit.view",
            "DELETE FROM audit.view_seal",
            "UPDATE audit.view_seal SET at = now()",
            "SELECT audit.view_digest(1, now(), NULL, NULL, '', '{}')",
            "LOCK TABLE audit.view_gate IN EXCLUSIVE MODE",
        ],
    )
    async def test_the_application_can_only_add_to_it(
        self, town: Town, guest: str, database: Database, statement: str
    ) -> None:
        await town.api.get(f"/v1/customers/{guest}", town.owner)
        with (
            psycopg.connect(database.application) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(statement.encode())


class TestErasure:
    async def test_ids_alone_are_left(self, town: Town, guest: str, database: Database, followed: None) -> None:
        await town.api.get(f"/v1/customers/{guest}", town.owner)
        admin = await an_account(town.api, "root@example.org", Role.ADMIN)
        path, body = f"/v1/customers/{guest}/forget", {"cancel_appointments": True}
        assert (await town.api.post(path, body, admin)).status_code == 204
        left = str(ask(database.owner, "SELECT t::text FROM audit.view t"))
        assert guest in left
        for word in ("Guestson", "guest@example.org", "555 0100"):
            assert word not in left
        (view,) = await views(town, person=guest)
        assert (view["viewer"], view["operation"]) == (str(town.owner.id), "get_customer")


class TestListing:
    async def test_it_tells_the_newest_first_by_person_viewer_and_time(self, town: Town, guest: str) -> None:
        grace, admin = await an_account(town.api, "grace@example.org"), somebody(Role.ADMIN)
        seen: list[tuple[str, Caller]] = [
            (f"/v1/customers/{guest}", town.owner),
            (f"/v1/customers/{guest}", admin),
            (f"/v1/users/{grace.id}", admin),
        ]
        for path, by in seen:
            assert (await town.api.get(path, by)).status_code == 200
        third, second, first = await views(town)
        assert (first["viewer"], first["person"]) == (str(town.owner.id), guest)
        assert (first["role"], first["via"], first["operation"]) == ("provider", "token", "get_customer")
        assert (third["person"], third["viewer"]) == (str(grace.id), str(admin.id))
        assert await views(town, person=guest) == [second, first]
        assert await views(town, viewer=str(admin.id)) == [third, second]
        assert await views(town, viewer=str(admin.id), person=guest) == [second]
        assert await views(town, **{"from": second["at"]}) == [third, second]
        assert await views(town, to=second["at"]) == [first]
        page = (await town.api.ask("GET", "/v1/audit/views?limit=2", AUDITOR)).json()
        rest = (await town.api.ask("GET", f"/v1/audit/views?limit=2&cursor={page['next']}", AUDITOR)).json()
        assert page["items"] + rest["items"] == [third, second, first]
        assert rest["next"] is None

    async def test_what_does_not_fit_is_refused(self, town: Town) -> None:
        for query, pointer in (("person=x", "/person"), ("from=monday", "/from"), ("to=2030-01-01", "/to")):
            assert pointers(await town.api.ask("GET", f"/v1/audit/views?{query}", AUDITOR)) == [pointer]

    async def test_auditors_and_admins_alone_may_ask(self, town: Town) -> None:
        for by in (town.owner, town.customer):
            assert problem(await town.api.ask("GET", "/v1/audit/views", by))[0] == 403
