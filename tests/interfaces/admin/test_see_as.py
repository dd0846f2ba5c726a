"""An admin sees what a customer sees: nothing is done, nothing private is read, and the look is recorded."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from application.access import Caller, Role, permit
from application.event_log import Command, EventLog, command
from application.seen import SEEN
from domain.errors import Forbidden
from domain.kernel import new_id
from domain.people.customer import Customer
from interfaces.admin.operations import OPERATIONS
from interfaces.http.framework.request import RequestContext
from tests.conftest import Database
from tests.interfaces.admin.browser import Browser, with_account
from tests.interfaces.admin.people import People
from tests.interfaces.admin.test_panel_matrix import STATUS, TABLE
from tests.interfaces.admin.test_panel_pages import text
from tests.interfaces.http.asked import asked
from tests.interfaces.http.tenants import CALLERS
from tests.interfaces.http.town import Town
from tests.support.dump import TABLES

MODULE = pytest.mark.asyncio(loop_scope="module")
ROW = "GET /admin/accounts/{id:uuid}/see-as"
PRIVATE = {
    *("list_sessions", "list_api_keys", "get_api_key", "list_sent_mails", "export_account"),
    *("list_events", "stream_events", "list_customer_duplicates", "list_members", "get_member"),
    *("get_liveness", "get_readiness", "list_problem_types", "get_problem_type"),
}
"""Written by hand: what a customer may ask, and nobody who looks as one."""
_CHANGES = {"audit.view", "audit.view_seal", "auth.session"}
"""The look itself, and the use of the admin's own session."""


def seen_by(admin: Caller, customer: Caller) -> Caller:
    return Caller(customer.account, Role.CUSTOMER, seen_by=admin.account)


def page_of(customer: Caller) -> str:
    return f"/admin/accounts/{customer.account}/see-as"


def everything(database: Database) -> dict[str, str]:
    """A digest of the rows of each table."""
    with psycopg.connect(database.owner, autocommit=True) as connection:
        tables = [name for (name,) in connection.execute(TABLES).fetchall() if name not in _CHANGES]
        found = {}
        for name in tables:
            digest = f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {name} t"
            found[name] = str(connection.execute(digest.encode()).fetchone())
        return found


def test_every_operation_is_seen_or_refused() -> None:
    """Enumerated: commands are refused, and a query of customers that is new has to be decided on."""
    reads = {name for name, route in OPERATIONS.items() if route.methods == {"GET"}}
    assert reads >= SEEN, "a command is never seen"
    assert {name for name in reads - SEEN if name in _of_customers()} == PRIVATE


def _of_customers() -> set[str]:
    found = set()
    for name in OPERATIONS:
        try:
            permit(Caller(new_id(), Role.CUSTOMER), name)
        except Forbidden:
            continue
        found.add(name)
    return found


@MODULE
@pytest.mark.parametrize("operation", sorted(set(OPERATIONS) - SEEN))
async def test_who_looks_is_refused_what_the_customer_may_do(people: People, operation: str) -> None:
    """By the route of each operation, with a request that the customer succeeds with."""
    request = await asked(people.it, operation, "customer")
    route, before = OPERATIONS[operation], people.it.recorded()
    caller = seen_by(people.it.callers["admin"], people.it.callers["customer"])
    app: Any = people.it.api.client._transport
    scope = {"type": "http", "method": request.method, "path": request.path, "headers": [], "query_string": b""}
    scope |= {"app": app.app, "request_id": new_id().hex, "path_params": {}, "client": ("192.0.2.1", 1)}
    with pytest.raises(Forbidden):
        await route.answer_known(_context(scope, operation, caller))
    assert people.it.recorded() == before


def _context(scope: dict[str, Any], operation: str, caller: Caller) -> Any:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    return RequestContext(scope, receive, operation, caller=caller)


async def test_a_command_is_refused_even_where_nobody_asks_for_a_permission(town: Town) -> None:
    @command
    async def unguarded(cmd: Command, log: EventLog, now: Any) -> Customer:
        raise AssertionError(f"{cmd}, {log}, {now}: it runs")

    with pytest.raises(Forbidden):
        await unguarded(Command(by=seen_by(town.admin, town.customer)), town.api.ports.store)


@MODULE
@pytest.mark.parametrize("caller", CALLERS)
async def test_admins_alone_look_as_others(people: People, caller: str) -> None:
    answer = await people.browsers[caller].get(page_of(people.it.callers["customer"]))
    assert answer.status_code == STATUS[TABLE[ROW][caller]]


@MODULE
async def test_of_accounts_of_other_roles_there_is_no_such_page(people: People) -> None:
    for name in ("owner", "auditor", "admin"):
        answer = await people.browsers["admin"].get(page_of(people.it.callers[name]))
        assert answer.status_code == 404
        card = await people.browsers["admin"].get(f"/admin/accounts/{people.it.callers[name].account}")
        assert "see-as" not in card.text


@pytest.fixture
async def customer(town: Town) -> Caller:
    """The town's customer, with an account, an appointment and a note that staff alone see."""
    await with_account(town.api, town.customer)
    booked = await town.booked("09:00", note="By the window")
    path = f"/v1/appointments/{booked['id']}"
    noted = await town.api.patch(path, {"staff_note": "Pays late"}, town.owner, if_match="*")
    assert noted.status_code == 200, noted.text
    return town.customer


async def test_the_page_shows_what_the_customer_sees_and_has_no_form(
    town: Town, customer: Caller, admin: Browser
) -> None:
    theirs = await town.api.post("/v1/customers", {"name": "Somebody Else"}, town.owner)
    await town.booked("11:00", town.owner, customer_id=theirs.json()["id"], note="Not hers")
    card = await admin.get(f"/admin/accounts/{customer.account}")
    assert f'href="{page_of(customer)}"' in card.text
    page = await admin.get(page_of(customer))
    shown = text(page.text)
    assert "By the window" in shown
    assert "Haircut" in shown
    for hidden in ("Pays late", "Not hers", "Somebody Else"):
        assert hidden not in shown
    assert "<form" not in page.text.partition("<main")[2]


async def test_to_look_writes_nothing_but_that_somebody_looked(
    town: Town, customer: Caller, admin: Browser, database: Database
) -> None:
    await admin.get("/admin/today")
    before = everything(database)
    assert (await admin.get(page_of(customer))).status_code == 200
    assert everything(database) == before
    with psycopg.connect(database.owner) as connection:
        viewed = connection.execute(
            "SELECT person, operation, facts->>'role' FROM audit.view WHERE viewer = %s", [town.admin.account]
        ).fetchall()
    assert viewed == [(customer.account, "see_as", "admin")]
    assert "see_as" in text((await admin.get("/admin/views")).text)


async def test_a_look_is_recorded_though_the_card_was_opened_in_the_same_hour(
    town: Town, customer: Caller, admin: Browser
) -> None:
    assert (await admin.get(f"/admin/accounts/{customer.account}")).status_code == 200
    assert (await admin.get(page_of(customer))).status_code == 200
    shown = (await town.api.get("/v1/me/export", customer)).json()["views"]
    assert [each["operation"] for each in shown if each["role"] == "admin"] == ["see_as", "get_user"]


async def test_the_export_of_the_customer_says_when_and_which_role_and_not_who(
    town: Town, customer: Caller, admin: Browser
) -> None:
    await admin.get(page_of(customer))
    answer = await town.api.get("/v1/me/export", customer)
    by_admin, by_owner = answer.json()["views"]
    assert (by_admin["role"], by_admin["operation"]) == ("admin", "see_as")
    assert (by_owner["role"], by_owner["operation"]) == ("provider", "change_appointment")
    assert set(by_admin) == {"at", "role", "operation", "organizations"}
    assert by_admin["organizations"] == []
    assert str(town.admin.account) not in answer.text
