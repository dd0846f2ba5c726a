"""Move an appointment to the wall-clock time and the provider where it was dropped."""

from collections.abc import Mapping
from typing import Any

from domain.errors import Stale
from domain.scheduling.wallclock import zone
from interfaces.admin.booking.appointment import APPOINTMENTS
from interfaces.admin.calendar.clock import read, wall, written
from interfaces.admin.operations import Call, run
from interfaces.admin.page import View
from interfaces.admin.request import PanelRequest
from interfaces.admin.sections.change import meanwhile
from interfaces.admin.sections.inputs import instant_text
from interfaces.http.framework.errors import status_of

_OPERATION = "reschedule_appointment"


async def move(asked: PanelRequest) -> View:
    """Run the operation. Whoever was late is told what happened meanwhile, and by whom."""
    id, form = str(asked.request.path_params["id"]), asked.form
    timezone = await zone_of(asked, form.get("provider_id", ""))
    body = {
        "start": _start(form, timezone),
        "provider_id": form.get("provider_id"),
        "reason": form.get("reason", "").strip(),
        **override_of(form),
    }
    call = Call(_OPERATION, {"appointment_id": id}, body=body, version=form.get("version", ""), key=form.get("key", ""))
    try:
        answer = await run(asked, call)
    except Stale as error:
        told = await meanwhile(asked, APPOINTMENTS, {"id": id, "timezone": timezone}, form.get("version", ""))
        values = {"meanwhile": told, "version": error.facts["current_version"]}
        return View("calendar", values, status_of(Stale), error)
    return View("calendar", {"position": answer.position, "done": asked.language.say(f"done.{_OPERATION}")})


async def zone_of(asked: PanelRequest, provider_id: str) -> str:
    """The zone of the provider's wall clock; raises NotFound for a provider of others."""
    schedule: Mapping[str, Any] = (await run(asked, Call("get_schedule", {"provider_id": provider_id}))).body
    return str(schedule["timezone"])


def override_of(form: Mapping[str, str]) -> Mapping[str, Any]:
    """The rules that are set aside, if any, and why."""
    rules = [each for each in form.get("rules", "").split(",") if each]
    return {"override": {"rules": rules, "reason": form.get("override_reason", "").strip()}} if rules else {}


def _start(form: Mapping[str, str], timezone: str) -> str:
    """The instant of the time on the wall. Of a time that happens twice, the one that the appointment has already."""
    text, kept = form.get("start", ""), form.get("moment", "")
    try:
        moment = read(kept)
    except ValueError:
        return instant_text(text, timezone)
    return written(moment) if wall(moment, zone(timezone)) == text else instant_text(text, timezone)
