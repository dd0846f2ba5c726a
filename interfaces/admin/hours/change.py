"""The changes of opening hours that the forms of the page send, as the preview and the operations take them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.errors import Invalid
from interfaces.admin.request import PanelRequest
from interfaces.admin.sections.inputs import instant_text
from interfaces.http.scheduling.opening_hours import DAYS

_WINDOW = re.compile(r"([0-9]{1,2}):([0-9]{2}) ?[-–] ?([0-9]{1,2}):([0-9]{2})")  # noqa: RUF001  as people write it
Form = Mapping[str, str]


@dataclass(frozen=True)
class HoursChange:
    """An operation with its arguments. `preview`: the same change in the body of `preview_schedule`.

    `fields`: of the form, to send it again. `in_query`: the choice for orphans goes into the query, not the body.
    """

    operation: str
    path: Mapping[str, str]
    preview: Mapping[str, Any]
    fields: Form
    body: Mapping[str, Any] = field(default_factory=dict)
    in_query: bool = False


def windows(text: str, pointer: str) -> list[dict[str, str]]:
    """`09:00-12:00, 13:00-17:00` as the API takes it; raises Invalid for anything else."""
    found = []
    for part in filter(None, (each.strip() for each in text.split(","))):
        match = _WINDOW.fullmatch(part)
        if match is None:
            raise Invalid(f"Write hours as 09:00-12:00, 13:00-17:00, not as `{part[:40]}`.", pointer)
        found.append({"from": f"{match[1]:0>2}:{match[2]}", "to": f"{match[3]:0>2}:{match[4]}"})
    return found


def text_of(hours: Sequence[Mapping[str, str]]) -> str:
    """The reverse of `windows`."""
    return ", ".join(f"{each['from']}-{each['to']}" for each in hours)


def change_of(asked: PanelRequest, timezone: str) -> HoursChange:
    """The change that the form asks for. `timezone`: of the schedule. Raises Invalid."""
    provider, form = str(asked.request.path_params["id"]), asked.form
    kind = _KINDS.get(form.get("what", ""))
    if kind is None:
        raise Invalid("Choose what to change.", "/what")
    return kind({"provider_id": provider}, form, timezone)


def _week(path: Form, form: Form, timezone: str) -> HoursChange:
    weekly = [{"day": day, **each} for day in DAYS for each in windows(form.get(day, ""), f"/{day}")]
    body = {"timezone": form.get("timezone", "").strip() or timezone, "weekly": weekly}
    return HoursChange("replace_schedule", path, body, _kept(form, "timezone", *DAYS), body)


def _date(path: Form, form: Form, _: str) -> HoursChange:
    day, fields = form.get("date", ""), _kept(form, "date", "how", "hours")
    there = {**path, "date": day}
    preview: Mapping[str, Any]
    if form.get("how") == "weekly":
        preview = {"overrides": [{"date": day, "hours": None}]}
        return HoursChange("delete_override", there, preview, fields, in_query=True)
    hours = [] if form.get("how") == "closed" else windows(form.get("hours", ""), "/hours")
    if form.get("how") == "hours" and not hours:
        raise Invalid("Write the hours of this date, or choose that it is closed.", "/hours")
    preview = {"overrides": [{"date": day, "hours": hours}]}
    return HoursChange("replace_override", there, preview, fields, {"hours": hours})


def _time_off(path: Form, form: Form, timezone: str) -> HoursChange:
    span = {name: instant_text(form.get(name, ""), timezone) for name in ("start", "end")}
    body = {**span, "reason": form.get("off_reason", "").strip()}
    return HoursChange("create_time_off", path, {"time_off": [span]}, _kept(form, "start", "end", "off_reason"), body)


def _no_time_off(path: Form, form: Form, _: str) -> HoursChange:
    id = form.get("time_off_id", "")
    preview = {"cancelled_time_off": [id]}
    return HoursChange("delete_time_off", {**path, "time_off_id": id}, preview, _kept(form, "time_off_id"))


def _kept(form: Form, *names: str) -> Form:
    return {name: form.get(name, "") for name in ("what", *names)}


_KINDS: Mapping[str, Callable[[Form, Form, str], HoursChange]] = {
    "week": _week,
    "date": _date,
    "time_off": _time_off,
    "no_time_off": _no_time_off,
}
