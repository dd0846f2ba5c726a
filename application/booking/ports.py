"""Ports of booking to read models. Their answers may lag behind the log."""

from collections.abc import Awaitable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol, TypeVar
from uuid import UUID

from application.event_log import CommandResult
from domain.kernel import Aggregate
from domain.scheduling.interval import Interval

A = TypeVar("A", bound=Aggregate)


class RankingRequest(NamedTuple):
    """Providers to rank by their appointments in a week."""

    provider_ids: tuple[UUID, ...]
    week: Interval


class ProviderRanking(Protocol):
    """The order in which to try a service's providers when the caller names none."""

    async def rank(self, request: RankingRequest, start: datetime, taker: UUID) -> Iterable[UUID]:
        """The ids, fewest appointments in the week first. The log decides which provider is free.

        Whoever asks for the next one has passed the one before over. The last one asked for is `taker`'s choice: the
        ranking may count it for others who ask meanwhile.
        """
        ...


class CustomerVisits(Protocol):
    """The customers that staff know from appointments."""

    async def has_visited(self, account_id: UUID, customer_id: UUID) -> bool:
        """Whether the customer has been with a provider that the account owns or works for."""
        ...


class BookingQueries(ProviderRanking, CustomerVisits, Protocol):
    """Everything that booking asks of read models."""

    async def settled(self, taker: UUID, done: Awaitable[CommandResult[A]]) -> CommandResult[A]:
        """What a command answers that may choose a provider for `taker`. The ranking learns how it ended."""
        ...


class NoBookingQueries:
    """Answers without read models: providers in the order of their ids, no customer known from appointments."""

    async def rank(self, request: RankingRequest, start: datetime, taker: UUID) -> Sequence[UUID]:  # noqa: ARG002
        """In the order of the ids."""
        return sorted(request.provider_ids)

    async def has_visited(self, account_id: UUID, customer_id: UUID) -> bool:  # noqa: ARG002
        """Always False."""
        return False

    async def settled(self, taker: UUID, done: Awaitable[CommandResult[A]]) -> CommandResult[A]:  # noqa: ARG002
        """The answer."""
        return await done


class CustomerKnown(NoBookingQueries):
    """For customers that were checked before: an entry of the waitlist was checked when it was made."""

    async def has_visited(self, account_id: UUID, customer_id: UUID) -> bool:  # noqa: ARG002
        """Always True."""
        return True


NO_QUERIES = NoBookingQueries()
CUSTOMER_KNOWN = CustomerKnown()
