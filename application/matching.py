"""Who in the line gets what has become free? The first whose wish it fits; the others wait on."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.access import SYSTEM
from application.hold import ChangeHold, find_hold
from application.log import Store
from application.waitlist import ChangeWaiting, OfferPlace, lapse_offer, offer_place
from domain.errors import Refusal
from domain.hold import HoldExpired
from domain.kernel import derived_id
from domain.waitlist import Wish


class Line(Protocol):
    """Reads who waits, and what is free; no older than a position."""

    async def wishes(
        self, provider_id: UUID, since: datetime, until: datetime, at_least: int | None
    ) -> Sequence[Wish]:
        """Of those who wait for something with this provider on these days, who came first before."""
        ...

    async def starts(
        self,
        service_id: UUID,
        provider_id: UUID,
        since: datetime,
        until: datetime,
        now: datetime,
        at_least: int | None,
    ) -> Sequence[datetime]:
        """The starts offered that would occupy a part of [since, until)."""
        ...


async def match(
    provider_id: UUID,
    since: datetime,
    until: datetime,
    *,
    line: Line,
    store: Store,
    at_least: int | None = None,
    correlation: str = "",
) -> int:
    """Offer what is free of the stretch to those in line whom it fits; how many got an offer."""
    offered, seen = 0, at_least
    for wish in await line.wishes(provider_id, since, until, at_least):
        # Asked anew after each offer: what the one before has got is no longer free.
        found = await line.starts(wish.service_id, provider_id, since, until, store.now(), seen)
        for start in found:
            if not wish.fits(provider_id, start):
                continue
            position = await _offer(wish, provider_id, start, store, correlation)
            if position is not None:
                offered, seen = offered + 1, position
                break
    return offered


async def _offer(
    wish: Wish, provider_id: UUID, start: datetime, store: Store, correlation: str
) -> int | None:
    """The position of the offer; None if somebody else has it, or they wait no longer."""
    offer = OfferPlace(
        by=SYSTEM,
        waiting_id=wish.waiting_id,
        hold_id=derived_id("offer", wish.waiting_id, provider_id, start.isoformat()),
        provider_id=provider_id,
        start=start,
        correlation=correlation,
    )
    try:
        return (await offer_place(offer, store)).position
    except Refusal:
        return None


async def lapse(waiting_id: UUID, *, store: Store, correlation: str = "") -> datetime | None:
    """Put them back in line if their offer is over; None, or until when it is kept: ask again then."""
    asking = ChangeWaiting(by=SYSTEM, waiting_id=waiting_id, correlation=correlation)
    waiting = (await lapse_offer(asking, store)).aggregate
    if waiting.offer is None:
        return None
    try:
        kept = await find_hold(ChangeHold(by=SYSTEM, hold_id=waiting.offer.hold_id), store)
    except HoldExpired:
        return store.now()
    return kept.aggregate.expires_at
