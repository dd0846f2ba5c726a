"""For whom, what and with whom: what is settled before the Days are looked at, by bookings and holds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from application.access import SYSTEM, Caller, Role, demand, permit
from application.booking.ports import BookingQueries, CustomerVisits, ProviderRanking
from application.booking.refusals import refusal
from application.booking.reservation import occupied
from application.catalog.membership import acts, hosts, staff
from application.event_log import Command, EventLog
from application.scheduling.opening_hours import hours
from domain.booking.calendar_day import Day, days_touched
from domain.catalog.provider import Provider, ProviderInactive
from domain.catalog.service import NotOfferedBy, Service
from domain.errors import Invalid, NotFound
from domain.people.customer import Customer, CustomerDeleted
from domain.scheduling.availability import Rule, why_not
from domain.scheduling.schedule import Schedule


@dataclass(frozen=True, kw_only=True)
class BookingRequest(Command):
    """A start of a service, with the provider named or any of the service's."""

    id: UUID
    service_id: UUID
    start: datetime
    provider_id: UUID | None = None
    customer_id: UUID | None = None


class ProviderSelection(NamedTuple):
    customer_id: UUID
    service: Service
    provider: Provider

    async def place(self, start: datetime, log: EventLog) -> dict[str, Any]:
        """Where and when, as the service's terms are now: the fields that a hold keeps of them."""
        self.provider.check_active()
        schedule = await log.load(Schedule, Schedule.id_of(self.provider.id))
        terms = self.service.terms
        return {
            "provider_id": self.provider.id,
            "starts_at": start,
            "duration": terms["duration"],
            "buffer_before": terms["buffer_before"],
            "buffer_after": terms["buffer_after"],
            "timezone": schedule.timezone,
        }

    def price(self) -> dict[str, Any]:
        """What an appointment keeps of the terms besides."""
        terms = self.service.terms
        return {"price": terms["price"], "currency": terms["currency"], "policy": self.service.policy()}


async def select_provider(
    cmd: BookingRequest, operation: str, log: EventLog, now: datetime, queries: BookingQueries
) -> ProviderSelection:
    """The caller may, for this customer, with this provider or the first free one of the service."""
    permit(cmd.by, operation)
    customer_id = await whom(cmd.by, cmd.customer_id, log, queries)
    service = await log.load(Service, cmd.service_id)
    service.check_offered(cmd.provider_id)
    provider_id = cmd.provider_id or await _first_free(cmd, service, log, now, queries)
    provider = await log.load(Provider, provider_id)
    owners = {cmd.by.account} if cmd.by.is_customer else await staff(cmd.by, provider, log)
    demand(cmd.by, operation, "provider", provider_id, *owners)
    return ProviderSelection(customer_id, service, provider)


async def whom(by: Caller, customer_id: UUID | None, log: EventLog, visits: CustomerVisits) -> UUID:
    """The customer it is for: customers themselves, also as the guests that they have claimed; of others
    those whom staff know, as their guests or from appointments.
    """
    if customer_id is None:
        if not by.is_customer:
            raise Invalid("Staff must say for which customer.", "/customer_id")
        customer_id = by.account
    customer = await log.find(Customer, customer_id)
    if by.is_customer and by.id not in {customer_id, *(customer.owners if customer else ())}:
        raise NotFound("customer", customer_id)
    staff_asks = not by.is_customer and by != SYSTEM
    if staff_asks and (customer is None or not await _knows(by, customer, log, visits)):
        raise NotFound("customer", customer_id)
    if customer is not None and customer.deleted:
        raise CustomerDeleted
    return customer_id


async def _knows(by: Caller, customer: Customer, log: EventLog, visits: CustomerVisits) -> bool:
    if by.role is Role.ADMIN or by.id in await hosts(by, customer, log):
        return True
    return by.role is Role.PROVIDER and await visits.has_visited(by.account, customer.id)


async def _first_free(
    cmd: BookingRequest, service: Service, log: EventLog, now: datetime, ranking: ProviderRanking
) -> UUID:
    """The first provider, in the order of the ranking, with whom the start is offered."""
    ranked = await ranking.rank(service.provider_ids, cmd.start) if len(service.provider_ids) > 1 else ()
    rank = {provider_id: n for n, provider_id in enumerate(ranked)}
    refused: Rule | None = None
    theirs = 0
    for provider_id in sorted(service.provider_ids, key=lambda id: (rank.get(id, len(rank)), id)):
        provider = await log.load(Provider, provider_id)
        if not (cmd.by.is_customer or await acts(cmd.by, provider, log)):
            continue
        theirs += 1
        try:
            opening = await hours(service, provider, log)
        except (ProviderInactive, NotOfferedBy):
            continue
        touched = days_touched(*service.offer().stretch(cmd.start))
        ids = [Day.id_of(provider_id, day) for day in touched]
        days = [day for day in await log.find_all(Day, ids) if day is not None]
        there = occupied(days, service.offer().stretch(cmd.start), now)
        rule = why_not(service.offer(), opening, there, cmd.start, now)
        if rule is None:
            return provider_id
        refused = rule if refused in {None, Rule.CLOSED} else refused
    if not theirs:
        raise NotFound("service", service.id)
    raise refusal(refused) if refused else ProviderInactive
