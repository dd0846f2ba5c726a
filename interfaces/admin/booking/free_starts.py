"""The free starts that fit an entry of the waitlist, to choose from."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.booking.waitlist import WaitingStatus, Wish
from interfaces.admin.operations import Call, run
from interfaces.admin.request import PanelRequest
from interfaces.http.scheduling.opening_hours import DayWindow, minutes

MOST_STARTS = 50
LONGEST = timedelta(days=61)
"""How far free times are searched from the first wished date."""


async def fitting_starts(asked: PanelRequest, row: Mapping[str, Any]) -> Mapping[str, str]:
    """The first of them, as the entry's wall clock shows them; none for an entry that does not wait."""
    if row["status"] != WaitingStatus.WAITING:
        return {}
    wish = _wish(row)
    query = {
        "service_id": row["service_id"],
        "provider_id": row["provider_id"] or "",
        "from": wish.first.isoformat(),
        "to": min(wish.last, wish.first + LONGEST).isoformat(),
        "tz": wish.timezone,
    }
    starts = (await run(asked, Call("find_starts", query=query, after=asked.query.get("after", "")))).body["starts"]
    fitting = (
        each["start"] for each in starts if wish.fits(UUID(each["provider_id"]), datetime.fromisoformat(each["start"]))
    )
    found = list(dict.fromkeys(fitting))[:MOST_STARTS]
    return {start: asked.language.moment(start, wish.timezone) for start in found}


def _wish(row: Mapping[str, Any]) -> Wish:
    provider_id = row["provider_id"] and UUID(row["provider_id"])
    days = date.fromisoformat(row["dates"]["from"]), date.fromisoformat(row["dates"]["to"])
    hours = minutes([DayWindow.model_validate(each) for each in row["hours"]])
    ids = [UUID(row[name]) for name in ("id", "customer_id", "service_id")]
    return Wish(ids[0], ids[1], ids[2], provider_id, *days, hours, row["timezone"], frozenset())
