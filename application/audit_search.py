"""Events of the log by their positions, and the time that a search covers."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from application.past import PastEvent, PastLog, When
from application.stream_history import HistoryItem, account_of
from domain.people.account import Account

_TICK = timedelta(microseconds=1)


async def span(since: When | None, until: When | None, past: PastLog) -> tuple[int | None, int | None]:
    """The first and the last position between two positions or instants, both included."""
    first = (await past.moment(since - _TICK)).position + 1 if isinstance(since, datetime) else since
    last = (await past.moment(until)).position if isinstance(until, datetime) else until
    return first, last


async def events_at(positions: Sequence[int], past: PastLog) -> Sequence[HistoryItem]:
    """The events at these positions, in that order, with the accounts of their actors as they were then."""
    found = {each.position: each for each in await past.recorded(positions)}
    return await with_accounts([found[position] for position in positions], past)


async def with_accounts(events: Sequence[PastEvent], past: PastLog) -> Sequence[HistoryItem]:
    """The events with the accounts of their actors, as they were then."""
    log = past.at(max((each.position for each in events), default=0))
    await log.read_ahead({Account.id_of(UUID(actor)) for each in events if (actor := each.metadata.get("actor"))})
    return [HistoryItem(each, await account_of(each, log)) for each in events]
