"""No page of the panel asks the database for rows without a bound: each query has a limit, or names what it is of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import psycopg
import pytest

from interfaces.admin.main import panel_of
from interfaces.admin.routes import panel_routes
from tests.interfaces.admin.browser import ORIGIN
from tests.interfaces.admin.people import People
from tests.interfaces.admin.test_panel_matrix import FORMS, TABLE, _place

pytestmark = pytest.mark.asyncio(loop_scope="module")
PAGE = 200
"""Rows of a page, at most. One more is read, to know whether there is another page."""
_LIMIT = re.compile(r"\bLIMIT (?:%\((\w+)\)s(?:::\w+)?|(\d+)|(%s))$", re.IGNORECASE)
# An id, or ids that a query before has found, of the thing itself or of what it belongs to.
_OF = re.compile(
    r"\b(?:id|key|reader|subject|originator_id|notification_id|correlation|position|calendar|calendar_id|schedule_id|"
    r"customer_id|webhook_id|account_id|browser|person)\"? (?:= |IN \()",
    re.IGNORECASE,
)
_ONE_ROW = re.compile(r"^SELECT (?:\(SELECT|coalesce\(max\()")
CONTROL = "FROM read.live JOIN read.bookmark"
"""A row for each projection."""
BACKGROUND = "pg_snapshot_xmin"
"""Which tokens are void: a process looks each second, whatever pages are asked for."""
VERIFIED = "SELECT 'event ' ||"
"""What a ledger must not have: the first of each kind."""
FIGURES, AS_OF = "FROM analysis.", "FROM analysis.as_of"
"""Sums over a period of dates, which is bounded, as is the number of rows: a chart has one for each day."""
_READS_TABLES = re.compile(r"\bFROM (?:read_\d+|work|auth|audit|log|webhooks?)\.", re.IGNORECASE)
ELSEWHERE = {"/admin/static/{name}", "/admin/language/{name}", "/admin/sign-in", "/admin/{path:path}", "/admin"}
"""Routes that read no rows of the page's own."""


class Asked(NamedTuple):
    statement: str
    values: Any


def limit_of(asked: Asked) -> int | None:
    """The LIMIT of a whole statement; None without one."""
    found = _LIMIT.search(asked.statement)
    if found is None:
        return None
    name, number, _ = found.groups()
    return int(number or (asked.values[name] if name else asked.values[-1]))


@pytest.fixture
def heard() -> Iterator[list[Asked]]:
    """Every statement that this process sends meanwhile."""
    found: list[Asked] = []
    execute = psycopg.AsyncCursor.execute

    async def listening(self: Any, query: Any, params: Any = None, **more: Any) -> Any:
        text = query.decode() if isinstance(query, bytes) else str(query)
        found.append(Asked(" ".join(text.split()), params))
        return await execute(self, query, params, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.AsyncCursor, "execute", listening)
        yield found


async def pages(people: People) -> Mapping[str, str]:
    """An address for each route of the panel that reads rows."""
    names, customer = people.it.names, people.it.callers["customer"]
    provider = f"/admin/providers/{names['provider_id']}"
    found = {
        "/admin/today": "/admin/today",
        "/admin/reports": "/admin/reports",
        "/admin/reports/{metric}/csv": "/admin/reports/value/csv",
        "/admin/system": "/admin/system?verify=1",
        "/admin/calendar": "/admin/calendar",
        "/admin/calendar/data": "/admin/calendar/data",
        "/admin/calendar/customers": "/admin/calendar/customers?q=guest",
        "/admin/calendar/services": f"/admin/calendar/services?provider_id={names['provider_id']}",
        "/admin/providers/{id:uuid}/hours": f"{provider}/hours",
        "/admin/accounts/{id:uuid}/see-as": f"/admin/accounts/{customer.account}/see-as",
        "/admin/timeline/{id:uuid}/{position}": await _place(people, "timeline", "admin"),
    }
    for row in TABLE:
        kind, _, name = row.partition(" ")
        if kind in {"list", "card"}:
            found[f"/admin/{name}" + ("/{id:uuid}" if kind == "card" else "")] = await _place(people, row, "admin")
    for section, form in FORMS.values():
        if form is section.create:
            found[f"{section.path}/{form.path}"] = f"{section.path}/{form.path}"
        else:
            card = found[f"{section.path}/{{id:uuid}}"]
            found[f"{section.path}/{{id:uuid}}/{form.path}"] = f"{card}/{form.path}"
    return found


async def test_every_query_of_every_page_is_bounded(people: People, heard: list[Asked]) -> None:
    asked, wrong = await pages(people), set[str]()
    routes = {route.path for route in panel_routes(panel_of(ORIGIN)) if "GET" in (route.methods or ())}
    assert routes - ELSEWHERE == set(asked), "say at which address these pages are"
    await people.it.api.catch_up()
    for route, path in asked.items():
        heard.clear()
        answer = await people.it.api.client.get(path, headers=people.browsers["admin"]._headers({}))
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        assert heard, f"{route} asked nothing"
        wrong |= {f"{route}: {each.statement}" for each in heard if not is_bounded(each)}
    assert not wrong, "\n".join(sorted(wrong))


def is_bounded(asked: Asked) -> bool:
    text = asked.statement
    if _ONE_ROW.search(text) or any(each in text for each in (CONTROL, BACKGROUND, VERIFIED)):
        return True
    limit = limit_of(asked)
    if FIGURES in text:
        return AS_OF in text or (limit is not None and " BETWEEN " in text)
    return (limit is not None and limit <= PAGE + 1) or not _READS_TABLES.search(text) or bool(_OF.search(text))


@pytest.mark.parametrize(
    ("statement", "values", "bounded"),
    [
        ("SELECT name FROM read_1.customer", None, False),
        ("SELECT name FROM read_1.customer WHERE name > %(n)s LIMIT %(p)s", {"p": 51}, True),
        ("SELECT name FROM read_1.customer WHERE name > %(n)s LIMIT %(p)s", {"p": 5000}, False),
        ("SELECT name FROM read_1.customer WHERE read_1.customer.id = %(id)s", {}, True),
        ("SELECT id FROM audit.view ORDER BY id DESC LIMIT %s", [51], True),
        ("SELECT count(*) FROM analysis.hold v WHERE v.placed_date BETWEEN %(a)s AND %(b)s LIMIT 5001", {}, True),
        ("SELECT count(*) FROM analysis.hold v LIMIT 5001", {}, False),
    ],
)
async def test_the_check_can_fail(statement: str, values: Any, bounded: bool) -> None:
    assert is_bounded(Asked(statement, values)) is bounded
