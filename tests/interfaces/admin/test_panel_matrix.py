"""Who sees and does what in the panel: every route under /admin, asked by everybody about the first organization."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from interfaces.admin.cookies import form_token
from interfaces.admin.main import panel_of
from interfaces.admin.operations import OPERATIONS
from interfaces.admin.routes import MENU, panel_routes
from interfaces.admin.sections.section import InputKind, PanelForm, Section
from tests.interfaces.admin.browser import ORIGIN, Browser
from tests.interfaces.admin.people import People
from tests.interfaces.http import test_matrix as api_matrix
from tests.interfaces.http.asked import asked
from tests.interfaces.http.tenants import CALLERS

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Written by hand, from what people are promised. + it is shown; . forbidden; - no such thing, as far as they know;
# > to the sign-in page; ? signed out, and told so. People of other roles are forbidden everything but signing in.
_TABLE = """
                              anon cust stra | owne chie mana staf | fore lone form | admi audi anal
GET /admin                     >    .    .   |   >    >    >    >  |   >    >    >  |   >    >    .
GET /admin/sign-in             +    +    +   |   +    +    +    +  |   +    +    +  |   +    +    +
POST /admin/sign-in            ?    ?    ?   |   ?    ?    ?    ?  |   ?    ?    ?  |   ?    ?    ?
POST /admin/sign-out           ?    .    .   |   >    >    >    >  |   >    >    >  |   >    >    .
GET /admin/language/{name}     >    >    >   |   >    >    >    >  |   >    >    >  |   >    >    >
GET /admin/static/{name}       +    +    +   |   +    +    +    +  |   +    +    +  |   +    +    +
* /admin/{path:path}           -    -    -   |   -    -    -    -  |   -    -    -  |   -    -    -

GET /admin/today               >    .    .   |   +    +    +    +  |   +    +    +  |   +    +    .
GET /admin/calendar            >    .    .   |   +    +    +    +  |   +    +    +  |   +    +    .
GET /admin/calendar/data       >    .    .   |   +    +    +    +  |   +    +    +  |   +    +    .
GET /admin/calendar/customers  >    .    .   |   +    +    +    +  |   +    +    +  |   +    +    .
GET /admin/calendar/services   >    .    .   |   +    +    +    +  |   -    -    -  |   +    +    .
POST /admin/calendar/{id:uuid}/move   ?    .    .   |   +    +    +    +  |   -    -    -  |   +    .    .
POST /admin/calendar/book      ?    .    .   |   +    +    +    +  |   -    -    -  |   +    .    .

GET /admin/providers/{id:uuid}/hours            >    .    .   |   +    +    +    +  |   -    -    -  |   +    +    .
POST /admin/providers/{id:uuid}/hours/preview   ?    .    .   |   +    +    +    +  |   -    -    -  |   +    .    .
POST /admin/providers/{id:uuid}/hours/save      ?    .    .   |   +    +    +    +  |   -    -    -  |   +    .    .

GET /admin/accounts/{id:uuid}/see-as            >    .    .   |   .    .    .    .  |   .    .    .  |   +    .    .
GET /admin/reports                   >    .    .   |   .    +    +    .  |   -    -    -  |   +    .    .
GET /admin/reports/{metric}/csv      >    .    .   |   .    +    +    .  |   -    -    -  |   +    .    .

list appointments              >    .    .   |   +    +    +    +  |   +    +    +  |   +    +    .
card appointments              >    .    .   |   +    +    +    +  |   -    -    -  |   +    +    .
list waitlist                  >    .    .   |   +    +    +    +  |   +    +    +  |   +    +    .
card waitlist                  >    .    .   |   +    +    +    +  |   -    -    -  |   +    +    .
list customers                 >    .    .   |   +    +    +    +  |   +    +    +  |   +    +    .
card customers                 >    .    .   |   +    +    +    +  |   -    -    -  |   +    +    .
list accounts                  >    .    .   |   .    .    .    .  |   .    .    .  |   +    .    .
card accounts                  >    .    .   |   .    .    .    .  |   .    .    .  |   +    .    .
list providers                 >    .    .   |   +    +    +    +  |   +    +    +  |   +    +    .
card providers                 >    .    .   |   +    +    +    +  |   -    -    -  |   +    +    .
list services                  >    .    .   |   +    +    +    +  |   +    +    +  |   +    +    .
card services                  >    .    .   |   +    +    +    +  |   -    -    -  |   +    +    .
list organizations             >    .    .   |   +    +    +    +  |   +    +    +  |   +    +    .
card organizations             >    .    .   |   +    +    +    +  |   -    -    -  |   +    +    .
list tags                      >    .    .   |   +    +    +    +  |   +    +    +  |   +    +    .
card tags                      >    .    .   |   +    +    +    +  |   +    +    +  |   +    +    .
list jobs                      >    .    .   |   .    .    .    .  |   .    .    .  |   +    +    .
card jobs                      >    .    .   |   .    .    .    .  |   .    .    .  |   +    +    .
list webhooks                  >    .    .   |   +    +    +    +  |   +    +    +  |   +    .    .
card webhooks                  >    .    .   |   +    -    -    -  |   -    -    -  |   +    .    .
timeline                       >    .    .   |   -    +    -    -  |   -    -    -  |   +    +    .
GET /admin/system              >    .    .   |   .    .    .    .  |   .    .    .  |   +    +    .
POST /admin/system/verification      ?    .    .   |   .    .    .    .  |   .    .    .  |   >    .    .
POST /admin/system/projections/{name}/resume   ?    .    .   |   .    .    .    .  |   .    .    .  |   >    .    .
list security-log              >    .    .   |   .    .    .    .  |   .    .    .  |   +    +    .
list views                     >    .    .   |   .    .    .    .  |   .    .    .  |   +    +    .
"""
STATUS = {"+": 200, ".": 403, "-": 404, ">": 303, "?": 401, "c": 409, "!": 422}
PLACES = {
    "appointments": "get_appointment",
    "waitlist": "get_waitlist_entry",
    "customers": "get_customer:guest",
    "accounts": "get_user",
    "providers": "get_provider",
    "services": "get_service",
    "organizations": "get_organization",
    "tags": "get_tag",
    "jobs": "get_job",
    "webhooks": "get_webhook",
}
"""A row of the API's matrix for each section: it makes the thing that the card is of."""
OF_GUESTS = ("change_customer", "delete_customer", "give_consent", "withdraw_consent")
VARIANTS = {operation: f"{operation}:guest" for operation in OF_GUESTS}
SECTIONS = {section.name: section for _, sections in MENU for section in sections}
FORMS = {
    f"{section.name}/{form.path}": (section, form)
    for section in SECTIONS.values()
    for form in (*section.all_forms, *([section.create] if section.create else []))
}


def _read(table: str) -> Mapping[str, Mapping[str, str]]:
    head, *rows = [line.replace("|", "") for line in table.splitlines() if line.strip()]
    assert head.split() == [name[:4] for name in CALLERS]
    words = [row.split() for row in rows]
    cells = {" ".join(row[: -len(CALLERS)]): row[-len(CALLERS) :] for row in words}
    return {name: dict(zip(CALLERS, row, strict=True)) for name, row in cells.items()}


TABLE = _read(_TABLE)


def rows_of() -> dict[str, str]:
    """Every route of the mounted panel, by the row that says who may use it."""
    found = {}
    for route in panel_routes(panel_of(ORIGIN)):
        (method,) = set(route.methods or ()) - {"HEAD"}
        section, _, rest = route.path.removeprefix("/admin/").partition("/")
        if f"{method} {route.path}" in TABLE:
            row = f"{method} {route.path}"
        elif section in SECTIONS and not rest:
            row = f"list {section}"
        elif section in SECTIONS and rest == "{id:uuid}":
            row = f"card {section}"
        elif section == "timeline":
            row = section
        elif section in SECTIONS:
            row = f"{method} form {section}/{rest.rpartition('/')[2]}"
        else:
            row = f"{'*' if route.path.endswith(':path}') else method} {route.path}"
        found[f"{method} {route.path}"] = row
    return found


async def test_every_route_has_an_entry() -> None:
    rows = set(rows_of().values())
    known = set(TABLE) | {f"{method} form {name}" for name in FORMS for method in ("GET", "POST")}
    assert sorted(rows - known) == [], "say who may use these routes, a line each"
    assert sorted(known - rows) == [], "there are no such routes any more"
    assert all(VARIANTS.get(form.operation, form.operation) in api_matrix.TABLE for _, form in FORMS.values())


@pytest.mark.parametrize("caller", CALLERS)
async def test_everybody_sees_the_pages_that_the_table_says(people: People, caller: str) -> None:
    wrong, browser = [], people.browsers[caller]
    for row, cells in TABLE.items():
        if row.startswith(("list", "card", "timeline")):
            path = await _place(people, row, caller)
            answer = await browser.get(path)
            if answer.status_code != STATUS[cells[caller]]:
                wrong.append(f"{row}: {answer.status_code}")
    assert not wrong


@pytest.mark.parametrize("caller", CALLERS)
async def test_everybody_gets_from_other_routes_what_the_table_says(people: People, caller: str) -> None:
    browser = Browser(people.it.api, dict(people.browsers[caller].cookies))
    paths = {
        "GET /admin": "/admin",
        "GET /admin/today": "/admin/today",
        "GET /admin/calendar": "/admin/calendar",
        "GET /admin/calendar/data": "/admin/calendar/data",
        "GET /admin/calendar/customers": "/admin/calendar/customers?q=guest",
        "GET /admin/calendar/services": f"/admin/calendar/services?provider_id={people.it.names['provider_id']}",
        "GET /admin/reports": f"/admin/reports?organization_id={people.it.names['organization_id']}",
        "GET /admin/reports/{metric}/csv": (
            f"/admin/reports/value/csv?organization_id={people.it.names['organization_id']}"
        ),
        "GET /admin/sign-in": "/admin/sign-in",
        "POST /admin/sign-in": "/admin/sign-in",
        "GET /admin/language/{name}": "/admin/language/ru",
        "GET /admin/system": "/admin/system",
        "GET /admin/static/{name}": "/admin/static/panel.css",
        "* /admin/{path:path}": "/admin/appointments/_inline-edit",
    }
    for row, path in paths.items():
        method = "POST" if row.startswith("POST") else "GET"
        answer = await (browser.post(path, {}) if method == "POST" else browser.get(path))
        assert answer.status_code == STATUS[TABLE[row][caller]], row
    for name in ("import", "_import", "api/lookup", "appointments/import", "relation-lookup", "action", "row-action"):
        assert (await browser.get(f"/admin/{name}")).status_code == 404
        assert (await browser.post(f"/admin/{name}", {})).status_code == 404


@pytest.mark.parametrize("name", FORMS)
async def test_everybody_may_send_a_form_as_the_operations_of_the_api_say(people: People, name: str) -> None:
    section, form = FORMS[name]
    operation = VARIANTS.get(form.operation, form.operation)
    wrong = []
    for caller, cell in sorted(api_matrix.TABLE[operation].items(), key=lambda each: each[1] in "+c"):
        expected = await _expected(section, form, caller, cell)
        browser, before = people.browsers[caller], None
        path, fields = await _request(people, section, form, operation, caller)
        if cell not in "+c":
            before = people.it.recorded()
        answer = await browser.post(path, {**fields, "csrf": _token(browser)})
        if answer.status_code != expected:
            wrong.append(f"{caller}: {answer.status_code} instead of {expected}: {_told(answer)}")
        elif before is not None and people.it.recorded() != before:
            wrong.append(f"{caller}: it was refused, and done")
    assert not wrong, "\n".join(wrong)


async def _expected(section: Section, form: PanelForm, caller: str, cell: str) -> int:
    """By the API's own table, but that the panel is open to few, and shows to others no card that is not theirs."""
    if caller == "anonymous":
        return 401
    if CALLERS[caller].value not in {"provider", "admin", "auditor"}:
        return 403
    card = "+" if form is section.create else TABLE[f"card {section.name}"][caller]
    if card != "+":
        return STATUS[card]
    return 303 if cell == "+" else STATUS[cell]


async def _request(
    people: People, section: Section, form: PanelForm, operation: str, caller: str
) -> tuple[str, dict[str, str]]:
    """Path and fields of a form that is filled in as the API's own example."""
    request = await asked(people.it, operation, caller)
    said: Mapping[str, Any] = request.said or {}
    fields = {each.name: _text(each.kind, said[each.name]) for each in form.inputs if each.name in said}
    if form.operation == "redeliver_webhook":
        fields["after"] = "0.0"
    place = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", OPERATIONS[form.operation].path)
    named = re.fullmatch(place, request.path.partition("?")[0])
    assert named is not None
    fields |= {each.name: named[each.name] for each in form.inputs if each.in_path}
    if any(each.name == "reason" for each in form.inputs):
        fields["reason"] = "Nobody is there."
    path = f"{section.path}/{form.path}"
    if form is not section.create:
        assert request.whose is not None
        path = f"{section.path}/{request.whose}/{form.path}"
    return path, {**await people.browsers["admin"].filled_form(path), **fields}


def _text(kind: InputKind, value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    if kind is InputKind.WALL_CLOCK:
        return str(value)[:16]
    return "" if value is None or value is False else str(value)


async def _place(people: People, row: str, caller: str) -> str:
    kind, _, name = row.partition(" ")
    if kind == "timeline":
        id, admin = people.it.names["appointment_id"], people.it.callers["admin"]
        history = (await people.it.api.get(f"/v1/appointments/{id}/history", admin)).json()["items"]
        return f"/admin/timeline/{id}/{history[0]['position']}"
    if kind == "list":
        return f"/admin/{name}"
    request = await asked(people.it, PLACES[name], caller)
    return f"/admin/{name}/{request.whose}"


def _token(browser: Browser) -> str:
    return form_token(browser.cookies.get("daybook", ""))


def _told(answer: httpx.Response) -> str:
    """What the page says of the refusal."""
    return " ".join(answer.text.partition("<main")[2].split())[:300]
