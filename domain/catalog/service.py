"""Service: something that customers book, on its terms."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.booking.policy import Policy
from domain.catalog.catalog_status import CatalogStatus, Pausable
from domain.catalog.service_terms import DEFAULTS, ServiceTerms, policy_of, replaced, slot_terms, term
from domain.errors import Conflict
from domain.kernel import Aggregate, event
from domain.scheduling.availability import SlotTerms


class ServiceWithdrawn(Conflict):
    """This service takes no new bookings."""


class ServicePaused(ServiceWithdrawn):
    """This service takes no new bookings for now."""


class NotOfferedBy(Conflict):
    """This provider does not offer this service."""


class Service(Pausable, Aggregate):
    """A service that customers book with one or more providers."""

    ended_refusal, paused_refusal = ServiceWithdrawn, ServicePaused

    class Offered(Aggregate.Created):
        by: UUID
        terms: ServiceTerms

    class Changed(Aggregate.Event):
        by: UUID
        terms: ServiceTerms

    class Withdrawn(Aggregate.Event):
        by: UUID

    class Paused(Aggregate.Event):
        by: UUID

        def apply(self, service: "Service") -> None:
            service.status = CatalogStatus.PAUSED

    class Resumed(Aggregate.Event):
        by: UUID

        def apply(self, service: "Service") -> None:
            service.status = CatalogStatus.ACTIVE

    @event(Offered)
    def __init__(self, id: UUID, by: UUID, terms: ServiceTerms, timestamp: datetime) -> None:
        self.terms = terms
        self._slot_terms: SlotTerms | None = None
        self.status = CatalogStatus.ACTIVE

    @property
    def provider_ids(self) -> list[UUID]:
        return [UUID(i) for i in self.terms["provider_ids"]]

    def slot_terms(self) -> SlotTerms:
        """The part of the terms that decides which starts are offered."""
        if self._slot_terms is None:
            self._slot_terms = slot_terms(self.id, self.terms)
        return self._slot_terms

    def policy(self) -> Policy:
        """The part of the terms that an appointment keeps from its booking."""
        return policy_of(self.terms)

    def term(self, name: str) -> Any:
        """A term, or its default where it is missing."""
        return term(self.terms, name)

    def lasts(self, ttl: str, now: datetime) -> datetime:
        """When something ends that begins `now` and lasts as long as the term `ttl` says. Whole seconds."""
        return (now + timedelta(minutes=self.term(ttl))).replace(microsecond=0)

    def change(self, by: UUID, changes: Mapping[str, Any], now: datetime) -> None:
        """Replace some of the terms for future bookings; unchanged terms are not an error."""
        self.check_not_ended()
        terms = replaced(self.terms, changes)
        if {**DEFAULTS, **terms} != {**DEFAULTS, **self.terms}:
            self._changed(by=by, terms=terms, timestamp=now)

    @event(Changed)
    def _changed(self, by: UUID, terms: ServiceTerms, timestamp: datetime) -> None:
        self.terms = terms
        self._slot_terms = None

    def withdraw(self, by: UUID, now: datetime) -> None:
        """End the service for new bookings; already withdrawn is not an error."""
        if self.status is not CatalogStatus.ENDED:
            self._withdrawn(by=by, timestamp=now)

    @event(Withdrawn)
    def _withdrawn(self, by: UUID, timestamp: datetime) -> None:
        self.status = CatalogStatus.ENDED

    @property
    def withdrawn(self) -> bool:
        """Whether it has ended."""
        return self.status is CatalogStatus.ENDED

    def check_offered(self, provider_id: UUID | None = None) -> None:
        """Raise ServiceWithdrawn unless it takes bookings, or NotOfferedBy for a provider who does not offer it."""
        self.check_active()
        if provider_id is not None and str(provider_id) not in self.terms["provider_ids"]:
            raise NotOfferedBy
