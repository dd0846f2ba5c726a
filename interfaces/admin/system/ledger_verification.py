"""The verification of the whole ledger: started with a click, done by a worker, shown with a bar."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from application.ledger import VerificationState
from domain.errors import NotFound
from interfaces.admin.operations import Call, run
from interfaces.admin.page import see_other
from interfaces.admin.request import PanelRequest
from interfaces.admin.sections.cells import actor_name
from interfaces.admin.sections.names import names_of

_PAGE = "/admin/system"
_TONES: Mapping[str, str] = {VerificationState.RUNNING: "checked_in", VerificationState.INTACT: "done"}


async def start_verification(asked: PanelRequest) -> Response:
    await run(asked, Call("start_ledger_verification", body={}))
    return see_other(f"{_PAGE}?done=start_ledger_verification")


async def last_verification(asked: PanelRequest) -> Mapping[str, Any] | None:
    """The one that was started last, as the page shows it."""
    try:
        found = (await run(asked, Call("get_ledger_verification"))).body
    except NotFound:
        return None
    names = await names_of(asked, [("accounts", found["started_by"])])
    moment = asked.language.moment
    return {
        **found,
        "by": actor_name(found["started_by"], asked.language, names),
        "started_at": moment(found["started_at"]),
        "finished_at": moment(found["finished_at"]) if found["finished_at"] else "",
        "percent": 100 * found["checked"] // max(1, found["total"]),
        "tone": _TONES.get(found["state"], "failed"),
    }
