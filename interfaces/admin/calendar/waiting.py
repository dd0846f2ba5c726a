"""What waits besides appointments: offers of the waitlist that run out, and jobs that have failed for good."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from domain.scheduling.wallclock import zone
from interfaces.admin.booking.waitlist import WAITLIST
from interfaces.admin.calendar.clock import clock, read
from interfaces.admin.calendar.one_click import one_click
from interfaces.admin.operations import Call, run
from interfaces.admin.request import PanelRequest
from interfaces.admin.sections.names import names_of
from interfaces.admin.system.job import JOBS

MOST = "50"
OFFER_ACTIONS = ("accept_offer", "leave_waitlist")
"""Accept for the customer, who has said so on the telephone or at the desk, or has changed their mind."""
_FORMS = {form.operation: form for form in WAITLIST.forms}


async def offers(asked: PanelRequest, now: datetime) -> Sequence[Mapping[str, Any]]:
    """Offers that stand, the one that runs out first first."""
    query = {"status": "offered", "limit": MOST}
    found = (await run(asked, Call("list_waitlist", query=query, after=asked.query.get("after", "")))).body["items"]
    standing = sorted((each for each in found if each["offer"]), key=lambda each: str(each["offer"]["expires_at"]))
    wanted = [(name, each[f"{name[:-1]}_id"]) for each in standing for name in ("customers", "services")]
    names = await names_of(asked, wanted)
    return [_offer(asked, each, names, now) for each in standing]


def _offer(
    asked: PanelRequest, row: Mapping[str, Any], names: Mapping[tuple[str, str], str], now: datetime
) -> Mapping[str, Any]:
    tz, start, language = zone(row["timezone"]), read(row["offer"]["start"]), asked.language
    left = max(0, int((read(row["offer"]["expires_at"]) - now).total_seconds() // 60))
    return {
        "heading": names.get(("customers", row["customer_id"])) or language.say("nameless"),
        "href": f"{WAITLIST.path}/{row['id']}",
        "when": f"{language.short_day(start.astimezone(tz).date())}, {clock(start, tz)}",
        "zone": row["timezone"],
        "about": names.get(("services", row["service_id"]), ""),
        "urgent": language.say("today.offers_in", time=language.lasting(left)),
        "forms": [one_click(WAITLIST, _FORMS[each], row) for each in OFFER_ACTIONS if asked.may(each)],
    }


async def failures(asked: PanelRequest) -> Sequence[Mapping[str, Any]]:
    """Jobs that nobody tries again, such as mails that could not be sent."""
    found = (await run(asked, Call("list_jobs", query={"status": "dead", "limit": MOST}))).body["items"]
    return [
        {
            "heading": asked.language.value("value", each["kind"]),
            "href": f"{JOBS.path}/{each['id']}",
            "when": asked.language.moment(each["planned_at"]),
            "zone": "UTC",
            "about": (each["error"] or "")[:200],
            "urgent": "",
            "forms": [one_click(JOBS, form, each) for form in JOBS.forms if asked.may(form.operation)],
        }
        for each in found
    ]
