"""`application.booking.ports.BookingQueries` over the read models, and what this process has chosen since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeVar
from uuid import UUID

from application.booking.ports import RankingRequest
from application.event_log import CommandResult
from domain.kernel import Aggregate
from domain.scheduling.interval import Interval
from projections.query.gathered_calls import GatheredCalls
from projections.query.ownership import Owner
from projections.query.snapshot import EVERYTHING, Snapshots
from projections.read_models import appointment, customer

RANKED = "agenda"  # the projection whose appointments count
RANKINGS, RANKINGS_AT_ONCE = 64, 2  # so many commands share a look at the read model, and so many looks at once
MOST_CHOICES = 1_000  # remembered at once: more than one process makes while a read model is a moment behind

A = TypeVar("A", bound=Aggregate)


class BookingReadModels:
    """Asked while a command decides; what they answer is a preference or a permission, never a free time."""

    def __init__(self, reads: Snapshots, head: Callable[[], Awaitable[int]]) -> None:
        """`head`: the log's last position."""
        self._reads = reads
        self._head = head
        self._choices = _RecentChoices()
        self._rankings = GatheredCalls(self._ranked, "rankings of providers", most=RANKINGS, at_once=RANKINGS_AT_ONCE)
        self._latest: dict[RankingRequest, _ProviderCounts] = {}  # all of one position, none before it

    async def rank(self, request: RankingRequest, start: datetime, taker: UUID) -> Iterable[UUID]:
        """The providers with the fewest appointments in the week first.

        What this process has chosen and the read model does not show yet counts too. Of equals, the least recently
        booked comes first; while bookings come at once, another one for each `taker`, here and in other processes.
        """
        found = self._latest.get(request)
        if found is None or not self._reads.is_latest(RANKED, found.position):
            found = (await self._rankings.add(request))[request]
        return self._choices.in_turn(_RankingAsked(taker, start, request.week, found.position), found.booked)

    async def _ranked(self, wanted: Sequence[RankingRequest]) -> Mapping[RankingRequest, _ProviderCounts]:
        """Of several commands: each week of the same providers is counted once."""
        async with self._reads.open(RANKED, sees=EVERYTHING) as read:
            found = {
                each: _ProviderCounts(read.position, await appointment.fewest(read, each.provider_ids, *each.week))
                for each in set(wanted)
            }
            self._keep(read.position, found)
        return found

    def _keep(self, position: int, found: Mapping[RankingRequest, _ProviderCounts]) -> None:
        """Keep rankings of the latest position: choices that all of them show are forgotten."""
        kept = max((each.position for each in self._latest.values()), default=0)
        if kept < position or len(self._latest) >= RANKINGS:
            self._latest = {}
        if kept <= position:
            self._latest |= found

    async def settled(self, taker: UUID, done: Awaitable[CommandResult[A]]) -> CommandResult[A]:
        """What the command answers that chooses a provider for `taker`: remembered until the read model shows it."""
        position = None
        try:
            result = await done
            position = None if result.replayed else result.position
        finally:
            self._choices.settle(taker, position)
        return result

    async def has_visited(self, account_id: UUID, customer_id: UUID) -> bool:
        """Whether the account may know the customer: as a guest, or from appointments with its providers.

        Nobody is refused by rows that are behind the log. Raises Behind if they do not catch up.
        """
        return await self._shows(account_id, customer_id) or await self._shows(
            account_id, customer_id, await self._head()
        )

    async def _shows(self, account_id: UUID, customer_id: UUID, position: int | None = None) -> bool:
        async with self._reads.open("customer", position, sees=account_id) as read:
            return await customer.get(read, customer_id, owner=Owner(account_id, acts=True)) is not None


class _ProviderCounts(NamedTuple):
    """Providers with their appointments in the week, as ranked at a position."""

    position: int
    booked: Mapping[UUID, int]


class _RankingAsked(NamedTuple):
    """Who wants a provider, and as of which position the read model has answered."""

    taker: UUID
    start: datetime
    week: Interval
    position: int


@dataclass(slots=True)
class _Choice:
    """`position`: where the log has it; None while the command runs. `seen`: the position that it was ranked as of."""

    provider_id: UUID
    start: datetime
    seen: int
    position: int | None = None

    def shown_at(self, position: int) -> bool:
        return self.position is not None and self.position <= position


class _RecentChoices:
    """The providers that this process has chosen, by taker, until every ranking under way shows them."""

    def __init__(self) -> None:
        self._by_taker: dict[UUID, _Choice] = {}
        self._changes = 0

    def in_turn(self, asked: _RankingAsked, booked: Mapping[UUID, int]) -> Iterator[UUID]:
        """The providers, each as of when it is asked for. `booked`: their appointments in the week, as ranked."""
        again = asked.taker in self._by_taker  # somebody else was first
        rest, ranked_at = list(booked), -1
        while rest:
            if self._changes != ranked_at:
                rest.sort(key=self._rank(asked, booked, again=again), reverse=True)
            self._choose(asked, chosen := rest.pop())
            ranked_at = self._changes
            yield chosen

    def settle(self, taker: UUID, position: int | None) -> None:
        """The taker is recorded at the position. None: it is not."""
        choice = self._by_taker.pop(taker, None)
        if choice is None:
            return  # named its provider
        self._changes += 1
        if position is not None:
            choice.position = position
            self._by_taker[taker] = choice

    def _rank(
        self, asked: _RankingAsked, booked: Mapping[UUID, int], *, again: bool
    ) -> Callable[[UUID], tuple[int, int]]:
        others = [
            each
            for taker, each in self._by_taker.items()
            if taker != asked.taker and each.provider_id in booked and not each.shown_at(asked.position)
        ]
        since, until = asked.week
        given = Counter(each.provider_id for each in others if since <= each.start < until)
        if again or others:
            return lambda id: (booked[id] + given[id], hash((asked.taker, id)))
        places = {id: place for place, id in enumerate(booked)}
        return lambda id: (booked[id], places[id])

    def _choose(self, asked: _RankingAsked, provider_id: UUID) -> None:
        self._by_taker.pop(asked.taker, None)
        self._by_taker[asked.taker] = _Choice(provider_id, asked.start, asked.position)
        self._changes += 1
        self._drop()

    def _drop(self) -> None:
        """Drop what all rankings under way show, and the oldest where there are too many."""
        shown = min(each.seen for each in self._by_taker.values() if each.position is None)
        self._by_taker = {taker: each for taker, each in self._by_taker.items() if not each.shown_at(shown)}
        while len(self._by_taker) > MOST_CHOICES:
            del self._by_taker[next(iter(self._by_taker))]
