"""Ports of booking: what it asks of read models, whose answers may lag behind the log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID


class ProviderRanking(Protocol):
    """The order in which to try a service's providers when the caller names none."""

    async def rank(self, provider_ids: Sequence[UUID], start: datetime) -> Sequence[UUID]:
        """The fewest appointments in the week of `start` first. A preference alone: the log decides who is free."""
        ...


class CustomerVisits(Protocol):
    """Customers whom staff know from appointments."""

    async def has_visited(self, account_id: UUID, customer_id: UUID) -> bool:
        """Whether the customer has been with a provider that the account owns or works for."""
        ...


class BookingQueries(ProviderRanking, CustomerVisits, Protocol):
    """Both."""


class NoBookingQueries:
    """Without read models: providers by id, and no customer known from appointments."""

    async def rank(self, provider_ids: Sequence[UUID], start: datetime) -> Sequence[UUID]:  # noqa: ARG002
        """By id."""
        return sorted(provider_ids)

    async def has_visited(self, account_id: UUID, customer_id: UUID) -> bool:  # noqa: ARG002
        """Never."""
        return False


class CustomerKnown(NoBookingQueries):
    """For a customer who was checked before, as those on the waitlist were when they joined."""

    async def has_visited(self, account_id: UUID, customer_id: UUID) -> bool:  # noqa: ARG002
        """Always."""
        return True


NO_QUERIES = NoBookingQueries()
CUSTOMER_KNOWN = CustomerKnown()
