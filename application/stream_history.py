"""The history of a stream: each event with who recorded it, by what means and why."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from application.past import PastEvent, PastLog, PastReader, Shows, shows_everything
from domain.errors import NotFound
from domain.people.account import Account


class HistoryItem(NamedTuple):
    """An event. `account`: that of its actor, as it was then; None for Daybook itself."""

    event: PastEvent
    account: Account | None


async def history_of(
    stream: UUID, after: int, limit: int, past: PastLog, shows: Shows
) -> tuple[Sequence[HistoryItem], int | None]:
    """The events after a version that the caller may see, at most `limit`; and the version to go on from.

    An event is theirs whose thing belonged to them right after it. Raises NotFound if none is.
    """
    log = past.at((await past.moment(None)).position)
    found: list[PastEvent] = []
    version = after
    while len(found) <= limit:
        page = await past.following(stream, version, limit + 1)
        found += [each for each in page if await _is_shown(each, log, shows)]
        if len(page) <= limit:
            break
        version = page[-1].version
    if not found and not after:
        raise NotFound("stream", stream)
    items = [HistoryItem(each, await account_of(each, log)) for each in found[:limit]]
    return items, found[limit - 1].version if len(found) > limit else None


async def _is_shown(each: PastEvent, log: PastReader, shows: Shows) -> bool:
    if shows is shows_everything:
        return True
    then = log.earlier(each.position)
    aggregate = await then.state(each.stream)
    return aggregate is not None and await shows(aggregate, then)


async def account_of(each: PastEvent, log: PastReader) -> Account | None:
    """The actor's account, as it was then."""
    actor = each.metadata.get("actor")
    return await log.earlier(each.position).find(Account, Account.id_of(UUID(actor))) if actor else None
