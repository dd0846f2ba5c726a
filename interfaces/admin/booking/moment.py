"""An appointment as it was right after an event: the state, what changed, and what followed."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain.errors import NotFound
from domain.log_position import position_of, position_text
from interfaces.admin.booking.appointment import APPOINTMENTS
from interfaces.admin.booking.timeline import HISTORY, MOST_ENTRIES, actors_of, entry
from interfaces.admin.operations import Call, run
from interfaces.admin.page import View
from interfaces.admin.request import PanelRequest
from interfaces.admin.sections.cells import NOTHING, Row, cells, references
from interfaces.admin.sections.names import names_of
from interfaces.admin.sections.section import CellKind, Column

FACTS = (
    *APPOINTMENTS.facts,
    Column("rescheduled.reason"),
    Column("free_cancellation"),
    Column("overridden"),
    Column("external_id"),
    Column("metadata", CellKind.FACTS),
    Column("organization_id", CellKind.REFERENCE, "organizations"),
)


async def show_moment(asked: PanelRequest) -> View:
    """Raises NotFound for those to whom the appointment did not belong then."""
    id, position = str(asked.request.path_params["id"]), str(asked.request.path_params["position"])
    card = (await run(asked, Call("get_appointment", {"appointment_id": id}))).body
    answer = await run(asked, Call(HISTORY, {"stream_id": id}, {"limit": str(MOST_ENTRIES)}))
    events: Sequence[Row] = answer.body["items"]
    here = next((n for n, each in enumerate(events) if each["position"] == position), None)
    if here is None:
        raise NotFound("event", position[:40])
    event, names = events[here], await actors_of(asked, events)
    values = {
        "card": f"/admin/appointments/{id}",
        "entry": entry(asked, event, card, names),
        "before": _link(id, events[here - 1]) if here else "",
        "next": _link(id, events[here + 1]) if here + 1 < len(events) else "",
        "facts": await _facts(asked, id, position),
        "works": await _works(asked, event, card),
    }
    return View("moment", values)


def _link(id: str, event: Row) -> str:
    return f"/admin/timeline/{id}/{event['position']}"


async def _facts(asked: PanelRequest, id: str, position: str) -> Sequence[Mapping[str, Any]]:
    """The state right after the event, with what each field that the event changed was before."""
    state = await _state(asked, id, position)
    assert state is not None
    before = await _state(asked, id, position_text((position_of(position) or 1) - 1))
    names = await names_of(asked, references([state, before or state], FACTS))
    now, then = (cells(each, FACTS, asked.language, names) for each in (state, before or state))
    return [
        {"cell": cell, "before": former.text if cell.text != former.text else ""}
        for cell, former in zip(now, then, strict=True)
    ]


async def _state(asked: PanelRequest, id: str, position: str) -> Row | None:
    """None before its first event."""
    try:
        found = (await run(asked, Call("get_past_state", {"stream_id": id}, {"at": position}))).body
    except NotFound:
        return None
    state: Row = found["state"]
    return state


async def _works(asked: PanelRequest, event: Row, card: Mapping[str, Any]) -> Sequence[Mapping[str, str]]:
    """The mails, webhooks and other work that the event made, with how they ended."""
    chain = (await run(asked, Call("get_request_chain", {"request_id": event["request"]}))).body
    language = asked.language

    def work(what: str, each: Row) -> Mapping[str, str]:
        ended = language.moment(each["ended_at"], card["timezone"]) if each["ended_at"] else NOTHING
        return {"what": what, "status": language.value("value", each["status"]), "ended": ended}

    position = event["position"]
    jobs = [work(language.value("value", each["kind"]), each) for each in chain["jobs"] if each["event"] == position]
    hooks = [each for each in chain["deliveries"] if each["event"] == position]
    return [*jobs, *(work(f"{language.say('webhook')} {each['webhook_id'][:8]}", each) for each in hooks)]
