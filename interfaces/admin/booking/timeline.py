"""The timeline of an appointment: who did what, when, why and by which means, and the mails that followed."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain.errors import Forbidden, NotFound
from interfaces.admin.operations import Call, run
from interfaces.admin.request import PanelRequest
from interfaces.admin.sections.cells import Row, actor_name
from interfaces.admin.sections.names import Names, names_of

MOST_ENTRIES = 200
HISTORY = "get_stream_history"
"""Says by which means, too. For those who may not ask it: the history of the appointment, without states."""
PATH = "/timeline/{id:uuid}/{position}"
_MOVES = {"Appointment.Rescheduled", "Appointment.MoveRequested"}
_REASONS = ("reason", "override_reason", "reason_code")
_MEANS = ("session", "key", "link", "token", "worker", "cli")


async def timeline_of(asked: PanelRequest, row: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The events and the mails in the order of their times. An event that has a page of its state links to it."""
    id = str(row["id"])
    events, audited = await events_of(asked, id)
    names = await actors_of(asked, events)
    entries = [
        {
            **entry(asked, each, row, names),
            "href": f"/admin/timeline/{id}/{each['position']}" if audited else "",
            "order": each["at"],
        }
        for each in events
    ]
    entries += [_mail(asked, each, row) for each in await _notices(asked, id)]
    return sorted(entries, key=lambda each: str(each["order"]))


async def events_of(asked: PanelRequest, id: str) -> tuple[Sequence[Row], bool]:
    """The first events of an appointment, and whether the person may see its states."""
    query, after = {"limit": str(MOST_ENTRIES)}, asked.query.get("after", "")
    if asked.may(HISTORY):
        try:
            return (await run(asked, Call(HISTORY, {"stream_id": id}, query, after=after))).body["items"], True
        except (Forbidden, NotFound):
            pass  # not an owner of the organization
    plain = Call("get_appointment_history", {"appointment_id": id}, query, after=after)
    return (await run(asked, plain)).body["items"], False


async def actors_of(asked: PanelRequest, events: Sequence[Row]) -> Names:
    """The names of those who did it, of which the person may know."""
    sections = ("accounts", "customers")
    return await names_of(asked, [(section, each["actor"]) for each in events for section in sections])


def entry(asked: PanelRequest, event: Row, row: Mapping[str, Any], names: Names) -> dict[str, Any]:
    """An event as people read it. `to`: the time that it moved the appointment to."""
    language, data = asked.language, event["data"]
    moved = event["type"] in _MOVES
    reason = next((str(data[name]) for name in _REASONS if data.get(name)), "")
    return {
        "mail": False,
        "when": language.moment(event["at"], row["timezone"]),
        "who": _who(asked, event, names),
        "what": language.value("value", event["type"]),
        "to": language.moment(data["starts_at"], row["timezone"]) if moved else "",
        "why": language.value("value", reason),
        "means": _means(asked, event),
    }


def _who(asked: PanelRequest, event: Row, names: Names) -> str:
    """By the name that the person may see, else by the one of then, which owners are told with the history."""
    known = {("accounts", str(event["actor"])): asked.language.value("value", event.get("actor_name") or "")}
    return actor_name(str(event["actor"] or ""), asked.language, {**known, **names})


def _means(asked: PanelRequest, event: Row) -> str:
    """How the request came, as far as it is known: by a session, a key, a link."""
    kind = str(event.get("via", "")).partition(":")[0]
    return asked.language.say(f"means.{kind}") if kind in _MEANS else ""


async def _notices(asked: PanelRequest, id: str) -> Sequence[Row]:
    if not asked.may("list_notices"):
        return ()
    call = Call("list_notices", {"appointment_id": id}, after=asked.query.get("after", ""))
    items: Sequence[Row] = (await run(asked, call)).body["items"]
    return items


def _mail(asked: PanelRequest, notice: Row, row: Mapping[str, Any]) -> dict[str, Any]:
    """A mail: sent, due, or why it is not sent."""
    language, at = asked.language, notice["sent_at"] or notice["due_at"]
    kind, to = language.value("mail", notice["kind"]), language.value("value", notice["to"])
    return {
        "mail": True,
        "when": language.moment(at, row["timezone"]),
        "who": language.say("daybook"),
        "what": language.say("timeline.mail", to=to, kind=kind),
        "to": "",
        "why": language.value("unsent", notice["reason"] or ""),
        "means": language.value("value", notice["status"]),
        "href": "",
        "order": at,
    }
