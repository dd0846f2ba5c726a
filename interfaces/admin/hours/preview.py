"""The preview of a change of opening hours, the choice for the appointments that it leaves outside, and its saving."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from domain.booking.origin import ReasonCode
from domain.booking.orphan import OrphanChoice
from domain.errors import Forbidden, NotFound, Refusal, Unauthenticated
from domain.kernel import new_id
from interfaces.admin.hours.change import HoursChange, change_of
from interfaces.admin.hours.page import here, hours_view, path_of, provider_of, schedule_of
from interfaces.admin.operations import Call, run
from interfaces.admin.page import View, see_other
from interfaces.admin.request import PanelRequest
from interfaces.admin.sections.names import names_of
from interfaces.http.framework.errors import status_of

_SHOWN_STARTS = 12
_FINAL = (Forbidden, NotFound, Unauthenticated)


async def show_preview(asked: PanelRequest) -> View:
    """What the change would do, and the choice for the appointments that it would leave outside."""
    schedule = await schedule_of(asked)
    try:
        change = change_of(asked, schedule["timezone"])
        found = await run(asked, Call("preview_schedule", path_of(asked), body=change.preview))
    except _FINAL:
        raise
    except Refusal as error:
        return await hours_view(asked, error)
    return await _preview(asked, change, found.body, schedule)


async def save(asked: PanelRequest) -> View | Response:
    """Run the operation with the choice. After a refusal, the preview is shown again as it is by then."""
    schedule = await schedule_of(asked)
    change = change_of(asked, schedule["timezone"])
    chosen = _chosen(asked.form)
    call = Call(
        change.operation,
        change.path,
        query=_in_query(chosen) if change.in_query else None,
        body=None if change.in_query or not change.body else {**change.body, **({"orphans": chosen} if chosen else {})},
        version=asked.form.get("version", ""),
        key=asked.form.get("key", ""),
    )
    try:
        answer = await run(asked, call)
    except _FINAL:
        raise
    except Refusal as error:
        found = await run(asked, Call("preview_schedule", path_of(asked), body=change.preview))
        view = await _preview(asked, change, found.body, schedule)
        return View(view.template, view.values, status_of(type(error)), error)
    said = {"done": "hours", **({"after": answer.position} if answer.position else {})}
    month = {"month": asked.form["month"]} if asked.form.get("month") else {}
    return see_other(f"{here(asked)}?{urlencode({**said, **month})}")


async def _preview(
    asked: PanelRequest, change: HoursChange, found: Mapping[str, Any], schedule: Mapping[str, Any]
) -> View:
    language, timezone = asked.language, schedule["timezone"]
    values = {
        "provider": await provider_of(asked),
        "here": here(asked),
        "change": change,
        "found": found,
        "services": await _services(asked, found["services"], timezone),
        "orphans": await _orphans(asked, found["orphans"], timezone),
        "choices": [("", language.say("hours.later")), *((str(each), _choice(asked, each)) for each in OrphanChoice)],
        "codes": [("", "–"), *((str(each), language.value("value", str(each))) for each in ReasonCode)],  # noqa: RUF001
        "typed": asked.form,
        "key": asked.form.get("key", "") or str(new_id()),
    }
    return View("hours_preview", values)


async def _services(
    asked: PanelRequest, found: Sequence[Mapping[str, Any]], timezone: str
) -> Sequence[Mapping[str, Any]]:
    names = await names_of(asked, [("services", each["service_id"]) for each in found])
    return [
        {
            "name": names.get(("services", each["service_id"])) or each["service_id"],
            "gained": each["gained"],
            "lost": each["lost"],
            "first": [asked.language.moment(start, timezone) for start in each["lost_starts"][:_SHOWN_STARTS]],
        }
        for each in found
    ]


async def _orphans(
    asked: PanelRequest, found: Sequence[Mapping[str, Any]], timezone: str
) -> Sequence[Mapping[str, Any]]:
    """Each with its customer and service, as far as one page of the list has them."""
    if not found:
        return ()
    last = datetime.fromisoformat(found[-1]["start"]) + timedelta(seconds=1)
    query = {
        "provider_id": str(asked.request.path_params["id"]),
        "from": found[0]["start"],
        "to": f"{last:%Y-%m-%dT%H:%M:%SZ}",
        "limit": "200",
    }
    rows = {each["id"]: each for each in (await run(asked, Call("list_appointments", query=query))).body["items"]}
    return [_orphan(asked, each, rows.get(each["appointment_id"], {}), timezone) for each in found]


def _orphan(asked: PanelRequest, each: Mapping[str, Any], row: Mapping[str, Any], timezone: str) -> Mapping[str, Any]:
    customer, service = row.get("customer") or {}, row.get("service") or {}
    return {
        "id": each["appointment_id"],
        "when": asked.language.moment(each["start"], timezone),
        "customer": customer.get("name") or asked.language.say("nameless"),
        "service": service.get("name", ""),
        "status": row.get("status", ""),
        "listed": each["listed"],
    }


def _choice(asked: PanelRequest, choice: OrphanChoice) -> str:
    return asked.language.say(f"hours.choice.{choice}")


def _chosen(form: Mapping[str, str]) -> dict[str, Any]:
    """The choice for all, and for single appointments; empty if there is nothing to choose."""
    single = {name.removeprefix("orphan-"): value for name, value in form.items() if name.startswith("orphan-")}
    each = [{"appointment_id": id, "choice": value} for id, value in single.items() if value]
    found: dict[str, Any] = {name: form[name] for name in ("choice", "reason", "reason_code") if form.get(name)}
    return {**found, **({"each": each} if each else {})}


def _in_query(chosen: Mapping[str, Any]) -> Mapping[str, str]:
    query = {"orphans": chosen.get("choice", ""), "reason": chosen.get("reason", "")}
    return {**query, "reason_code": chosen.get("reason_code", "")}
