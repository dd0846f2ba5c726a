"""Book by a click on a free time: for a customer who is known, or for a new guest."""

from typing import Any

from domain.errors import Refusal
from interfaces.admin.calendar.moving import override_of, zone_of
from interfaces.admin.catalog.managed import check_provider
from interfaces.admin.operations import Call, run
from interfaces.admin.page import View
from interfaces.admin.request import PanelRequest
from interfaces.admin.sections.inputs import instant_text
from interfaces.http.framework.errors import status_of
from interfaces.http.framework.middleware import SECURITY_EVENTS

_OPERATION = "book_appointment"
_WALK_IN = ("grid", "notice")
"""The rules that do not bind somebody who stands at the desk: the appointment begins at the next full minute."""
MOST_CUSTOMERS, MOST_SERVICES, SHORTEST = 8, 200, 2


async def book(asked: PanelRequest) -> View:
    """Enter the guest, if it is a new one, and book. A refusal names the guest, who is not entered twice."""
    provider_id = asked.form.get("provider_id", "")
    timezone = await zone_of(asked, provider_id)
    customer_id = asked.form.get("customer_id", "") or await _guest(asked, provider_id)
    body = {
        "provider_id": provider_id,
        "service_id": asked.form.get("service_id", ""),
        "customer_id": customer_id,
        "note": asked.form.get("note", "").strip(),
        **_when(asked, timezone),
    }
    try:
        answer = await run(asked, Call(_OPERATION, body=body, key=asked.form.get("key", "")))
    except SECURITY_EVENTS:
        raise
    except Refusal as error:
        return View("calendar", {"customer_id": customer_id}, status_of(type(error)), error)
    return View("calendar", {"position": answer.position, "done": asked.language.say(f"done.{_OPERATION}")})


async def _guest(asked: PanelRequest, provider_id: str) -> str:
    """The id of a new guest, known to the members of the provider's organization."""
    provider = (await run(asked, Call("get_provider", {"provider_id": provider_id}))).body
    given = {name: asked.form.get(f"guest_{name}", "").strip() for name in ("email", "phone")}
    body = {"name": asked.form.get("guest_name", "").strip(), **{name: text for name, text in given.items() if text}}
    if provider["organization_id"]:
        body["organization_id"] = provider["organization_id"]
    key = asked.form.get("key", "")
    answer = await run(asked, Call("create_customer", body=body, key=f"{key}-guest" if key else ""))
    return answer.made


def _when(asked: PanelRequest, timezone: str) -> dict[str, Any]:
    """The start with the rules that are set aside. A walk-in has no start."""
    form = asked.form
    if not form.get("walk_in"):
        return {"start": instant_text(form.get("start", ""), timezone), **override_of(form)}
    rules = dict.fromkeys((*_WALK_IN, *(each for each in form.get("rules", "").split(",") if each)))
    reason = form.get("override_reason", "").strip() or asked.language.say("calendar.walk_in")
    return {"override": {"rules": list(rules), "reason": reason}}


async def find_customers(asked: PanelRequest) -> View:
    """Customers whose name, address or phone has these words."""
    words = asked.query.get("q", "").strip()
    if len(words) < SHORTEST:
        return View("calendar", {"items": []})
    found = (await run(asked, Call("list_customers", query={"q": words, "limit": str(MOST_CUSTOMERS)}))).body
    items = [
        {"id": each["id"], "name": each["name"], "hint": each["email"] or each["phone"] or ""}
        for each in found["items"]
        if not each["deleted"]
    ]
    return View("calendar", {"items": items})


async def find_services(asked: PanelRequest) -> View:
    """The services that can be booked with a provider; raises NotFound for a provider of others."""
    provider_id = asked.query.get("provider_id", "")
    await check_provider(asked, (await run(asked, Call("get_provider", {"provider_id": provider_id}))).body)
    query = {"managed": "true", "provider_id": provider_id, "limit": str(MOST_SERVICES)}
    found = (await run(asked, Call("list_services", query=query))).body
    items = [
        {"id": each["id"], "name": each["name"], "minutes": each["duration"]}
        for each in found["items"]
        if each["status"] == "active"
    ]
    return View("calendar", {"items": items})
