"""The state of the system: its parts, what runs, and the ledger, whose last events can be verified."""

from collections.abc import Mapping
from typing import Any

from domain.log_position import position_of, position_text
from interfaces.admin.operations import Call, run
from interfaces.admin.page import View
from interfaces.admin.request import PanelRequest
from interfaces.admin.system.ledger_verification import last_verification
from interfaces.admin.system.running import running

PATH = "/admin/system"
OPERATION = "get_ledger"
AT_ONCE = 10_000
"""Events that are verified within a request. A job verifies them all."""


async def show_overview(asked: PanelRequest) -> View:
    ledger = (await run(asked, Call(OPERATION))).body
    ready = (await run(asked, Call("get_readiness"))).body
    verified = await _verified(asked, ledger["position"]) if asked.query.get("verify") else None
    values = {
        "state": ready["status"],
        "checks": [_check(name, each) for name, each in sorted(ready["checks"].items())],
        **await running(asked, OPERATION),
        "settings": asked.panel.settings,
        "ledger": ledger,
        "at": asked.language.moment(ledger["at"]) if ledger["at"] else "",
        "verified": verified,
        "verification": await last_verification(asked),
        "may_verify": asked.may("start_ledger_verification"),
        "may_resume": asked.may("resume_projection"),
        "most": AT_ONCE,
    }
    return View("system", values)


def _check(name: str, told: Mapping[str, Any]) -> Mapping[str, Any]:
    facts = "; ".join(f"{key}: {_fact(value)}" for key, value in told.items() if key != "ok")
    return {"name": name, "ok": told["ok"], "facts": facts}


def _fact(value: Any) -> str:
    """A value of JSON without its brackets."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {each}" for key, each in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


async def _verified(asked: PanelRequest, head: str) -> Mapping[str, Any]:
    """The result for the last events."""
    first = max(1, (position_of(head) or 0) - AT_ONCE + 1)
    found: Mapping[str, Any] = (await run(asked, Call("verify_ledger", query={"from": position_text(first)}))).body
    return found
