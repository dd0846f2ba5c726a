"""The page of a provider's hours: the week, a month of dates, time off."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from domain.errors import Refusal
from domain.scheduling.wallclock import local_date, zone
from interfaces.admin.catalog.managed import check_provider
from interfaces.admin.hours.change import text_of
from interfaces.admin.hours.month import first_of, month_of
from interfaces.admin.operations import Call, run
from interfaces.admin.page import View
from interfaces.admin.request import PanelRequest
from interfaces.admin.sections.inputs import errors_of
from interfaces.http.framework.errors import status_of
from interfaces.http.scheduling.opening_hours import DAYS

_MOST = "200"


async def show_hours(asked: PanelRequest) -> View:
    return await hours_view(asked)


async def hours_view(asked: PanelRequest, error: Refusal | None = None) -> View:
    provider, schedule = await provider_of(asked), await schedule_of(asked)
    today = local_date(asked.ports.store.now(), zone(schedule["timezone"]))
    first = first_of(asked.query.get("month", "") or asked.form.get("month", ""), today)
    chosen = asked.query.get("date", "") or asked.form.get("date", "")
    holidays = await _holidays(asked, provider)
    values = {
        "provider": provider,
        "here": here(asked),
        "schedule": schedule,
        "week": [_weekday(asked, schedule, day) for day in DAYS],
        "month": {"weeks": month_of(first, schedule, holidays, chosen), **_months(asked, first)},
        "chosen": _chosen_date(asked, schedule, chosen),
        "time_off": [_off(asked, each, schedule["timezone"]) for each in schedule["time_off"] if _lasts(asked, each)],
        "typed": asked.form,
        "errors": {str(each["pointer"]).strip("/").split("/")[0]: each["detail"] for each in errors_of(error)},
        "may": asked.may("replace_schedule"),
        "orphans": await _orphans(asked),
    }
    return View("hours", values, 200 if error is None else status_of(type(error)), error)


def here(asked: PanelRequest) -> str:
    """The address of the page."""
    return f"/admin/providers/{asked.request.path_params['id']}/hours"


def path_of(asked: PanelRequest) -> Mapping[str, str]:
    return {"provider_id": str(asked.request.path_params["id"])}


async def provider_of(asked: PanelRequest) -> Mapping[str, Any]:
    """The provider; raises NotFound unless the person acts for it."""
    after = asked.query.get("after", "")
    found: Mapping[str, Any] = (await run(asked, Call("get_provider", path_of(asked), after=after))).body
    await check_provider(asked, found)
    return found


async def schedule_of(asked: PanelRequest) -> Mapping[str, Any]:
    after = asked.query.get("after", "")
    found: Mapping[str, Any] = (await run(asked, Call("get_schedule", path_of(asked), after=after))).body
    return found


async def _holidays(asked: PanelRequest, provider: Mapping[str, Any]) -> Mapping[str, str]:
    """The holidays of the provider's organization, by date."""
    if not provider["organization_id"]:
        return {}
    call = Call("list_holidays", {"organization_id": provider["organization_id"]}, query={"limit": _MOST})
    return {each["date"]: each["name"] for each in (await run(asked, call)).body["items"]}


async def _orphans(asked: PanelRequest) -> int:
    """How many appointments wait for a decision, up to 200."""
    query = {**path_of(asked), "orphaned": "true", "limit": _MOST}
    return len((await run(asked, Call("list_appointments", query=query))).body["items"])


def _weekday(asked: PanelRequest, schedule: Mapping[str, Any], day: str) -> Mapping[str, Any]:
    hours = [each for each in schedule["weekly"] if each["day"] == day]
    text = asked.form.get(day, "") if asked.form.get("what") == "week" else text_of(hours)
    return {"day": day, "label": asked.language.say(f"hours.{day}"), "text": text}


def _months(asked: PanelRequest, first: date) -> Mapping[str, str]:
    before, after = first - timedelta(days=1), first + timedelta(days=31)
    title = asked.language.month(first)
    return {"title": title, "this": f"{first:%Y-%m}", "before": f"{before:%Y-%m}", "after": f"{after:%Y-%m}"}


def _chosen_date(asked: PanelRequest, schedule: Mapping[str, Any], text: str) -> Mapping[str, Any] | None:
    """The date whose hours are edited; None if none is chosen, or it is no date."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    override = next((each["hours"] for each in schedule["overrides"] if each["date"] == text), None)
    how = "weekly" if override is None else "hours" if override else "closed"
    weekly = [each for each in schedule["weekly"] if each["day"] == DAYS[day.weekday()]]
    known = {"how": how, "hours": text_of(override or weekly)}
    typed = {name: asked.form[name] for name in known if asked.form.get("what") == "date" and name in asked.form}
    return {"date": text, "label": asked.language.day(day), "is_override": override is not None, **known, **typed}


def _lasts(asked: PanelRequest, each: Mapping[str, Any]) -> bool:
    """Whether time off has not ended: what is over is in the month alone."""
    return datetime.fromisoformat(each["end"]) > asked.ports.store.now()


def _off(asked: PanelRequest, each: Mapping[str, Any], timezone: str) -> Mapping[str, str]:
    moments = {name: asked.language.moment(each[name], timezone) for name in ("start", "end")}
    return {"id": each["id"], "reason": each["reason"], **moments}
