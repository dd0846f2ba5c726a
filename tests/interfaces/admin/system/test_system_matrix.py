"""Who changes the system in the panel: every form of the overview, sent by everybody."""

from __future__ import annotations

import pytest

from interfaces.admin.cookies import form_token
from tests.interfaces.admin.people import People
from tests.interfaces.admin.test_panel_matrix import STATUS, TABLE
from tests.interfaces.http.tenants import CALLERS

pytestmark = pytest.mark.asyncio(loop_scope="module")
FORMS = {
    "POST /admin/system/verification": "/admin/system/verification",
    "POST /admin/system/projections/{name}/resume": "/admin/system/projections/agenda/resume",
}
NOTED = "SELECT count(*) FROM auth.security_log WHERE kind IN ('ledger_verification', 'projection_resumed')"
STOP = "UPDATE read.checkpoint SET stopped_at = position, error = 'LookupError' WHERE reader = 'agenda'"


@pytest.mark.parametrize("row", FORMS)
@pytest.mark.parametrize("caller", CALLERS)
async def test_everybody_does_what_the_table_says(people: People, row: str, caller: str) -> None:
    browser, rows = people.browsers[caller], people.it.api.people.rows
    await people.it.api.catch_up()
    await rows.all(STOP)
    before = (await rows.all(NOTED))[0][0]
    answer = await browser.post(FORMS[row], {"csrf": form_token(browser.cookies.get("daybook", ""))})
    await rows.all("UPDATE read.checkpoint SET stopped_at = NULL, error = NULL WHERE reader = 'agenda'")
    assert answer.status_code == STATUS[TABLE[row][caller]], answer.text
    assert ((await rows.all(NOTED))[0][0] == before + 1) is (TABLE[row][caller] == ">")


@pytest.mark.parametrize("path", FORMS.values())
async def test_a_form_of_another_session_is_refused(people: People, path: str) -> None:
    admin = people.browsers["admin"]
    for csrf in ("", form_token(people.browsers["owner"].cookies["daybook"])):
        answer = await admin.post(path, {"csrf": csrf})
        assert answer.status_code == 403
    foreign = await admin.post(path, {"csrf": form_token(admin.cookies["daybook"])}, origin="https://elsewhere.test")
    assert foreign.status_code == 403
