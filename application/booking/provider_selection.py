"""The customer and the provider of a booking or a hold, chosen before the start is reserved."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from application.access import SYSTEM, Caller, Role, demand, permit
from application.booking.ports import BookingQueries, CustomerVisits, ProviderRanking, RankingRequest
from application.booking.refusals import OverrideByStaff, refusal
from application.booking.reservation import ReservationRequest, take
from application.catalog.membership import acts, hosts, staff
from application.customer_record import record_of
from application.event_log import Command, ConcurrencyConflict, EventLog, EventReader
from application.scheduling.start_look import look_at_start
from domain.booking.appointment_fields import BookedTerms
from domain.booking.calendar_day import SlotTaken
from domain.booking.origin import Channel, Origin, OverridableRule, Override
from domain.booking.placement import Booking, Placement
from domain.catalog.provider import Provider, ProviderInactive
from domain.catalog.service import NotOfferedBy, Service
from domain.errors import Invalid, NotFound
from domain.kernel import Aggregate
from domain.people.customer import Customer, CustomerDeleted
from domain.personal_data import PersonalData
from domain.scheduling.availability import Rule, why_not
from domain.scheduling.schedule import Schedule
from domain.scheduling.wallclock import week_bounds, zone


class RuleOverride(NamedTuple):
    """What staff say to set rules aside."""

    rules: frozenset[OverridableRule]
    reason: str

    @property
    def aside(self) -> frozenset[Rule]:
        """The rules of availability that do not count."""
        return frozenset().union(*(rule.rules for rule in self.rules))

    def of(self, customer_id: UUID) -> Override:
        """As events record it."""
        return Override(self.rules, PersonalData(customer_id, self.reason))


@dataclass(frozen=True, kw_only=True)
class BookingRequest(Command):
    """A request for a start of a service. `provider_id`: None for any provider of the service."""

    id: UUID
    service_id: UUID
    start: datetime
    provider_id: UUID | None = None
    customer_id: UUID | None = None
    override: RuleOverride | None = None


class ProviderSelection(NamedTuple):
    """The customer, the service and the provider of a booking or a hold."""

    customer_id: UUID
    service: Service
    provider: Provider

    async def placement(self, start: datetime, log: EventLog) -> Placement:
        """The provider's time that the service takes at a start, on its present terms. Raises ProviderInactive."""
        self.provider.check_active()
        schedule = await log.load(Schedule, Schedule.id_of(self.provider.id))
        terms = self.service.terms
        return Placement(
            self.provider.id,
            start,
            terms["duration"],
            terms["buffer_before"],
            terms["buffer_after"],
            schedule.timezone,
        )

    async def booking(self, cmd: BookingRequest, log: EventLog) -> Booking:
        """The values that the first event of an appointment or a hold records."""
        placement = await self.placement(cmd.start, log)
        override = cmd.override and cmd.override.of(self.customer_id)
        return Booking(cmd.by.account, self.service.id, self.customer_id, placement, self.origin(cmd), override)

    def origin(self, cmd: Command) -> Origin:
        """How a booking, a hold or a move comes about. Staff are the people who are no customers."""
        by_staff = cmd.channel is Channel.API and not cmd.by.is_customer
        id = self.provider.profile.get("organization_id")
        return Origin(Channel.STAFF if by_staff else cmd.channel, cmd.demo, None if id is None else UUID(id))

    def terms(self) -> BookedTerms:
        """The terms that an appointment keeps from its booking."""
        terms = self.service.terms
        return BookedTerms(terms["price"], terms["currency"], self.service.policy())


async def select_provider(
    cmd: BookingRequest, operation: str, log: EventLog, now: datetime, queries: BookingQueries
) -> ProviderSelection:
    """The provider of the request, or the first free one. Checks that the caller may book for the customer."""
    permit(cmd.by, operation)
    if cmd.override is not None and cmd.by.is_customer:
        raise OverrideByStaff
    customer_id = await whom(cmd.by, cmd.customer_id, log, queries)
    service = await log.load(Service, cmd.service_id)
    service.check_offered(cmd.provider_id)
    provider_id = cmd.provider_id or await _first_free(cmd, service, log, now, queries)
    provider = await log.load(Provider, provider_id)
    owners = {cmd.by.account} if cmd.by.is_customer else await staff(cmd.by, provider, log)
    demand(cmd.by, operation, "provider", provider_id, *owners)
    return ProviderSelection(customer_id, service, provider)


async def whom(by: Caller, customer_id: UUID | None, log: EventLog, visits: CustomerVisits) -> UUID:
    """The customer of a request: the caller or a guest that the caller has claimed; for staff, a known customer."""
    if customer_id is None:
        if not by.is_customer:
            raise Invalid("Staff must send `customer_id`.", "/customer_id")
        customer_id = by.account
    customer = await record_of(customer_id, log)
    id = customer_id if customer is None else customer.id
    if by.is_customer and by.id not in {customer_id, *(customer.owners if customer else ())}:
        raise NotFound("customer", customer_id)
    staff_asks = not by.is_customer and by != SYSTEM
    if staff_asks and not await _knows(by, id, customer, log, visits):
        raise NotFound("customer", customer_id)
    if customer is not None and customer.deleted:
        raise CustomerDeleted
    return id


async def _knows(
    by: Caller, customer_id: UUID, customer: Customer | None, log: EventLog, visits: CustomerVisits
) -> bool:
    """Whether staff may book for the customer. An account that release 0.1.0 made may have no record as a customer."""
    if customer is not None and (by.role is Role.ADMIN or by.id in await hosts(by, customer, log)):
        return True
    return by.role is Role.PROVIDER and await visits.has_visited(by.account, customer_id)


async def take_start(
    cmd: BookingRequest, request: ReservationRequest, log: EventLog, now: datetime
) -> Sequence[Aggregate]:
    """As `take`. If the request names no provider and the chosen one was just booked, the command tries another."""
    if cmd.override is not None:
        request = request._replace(aside=cmd.override.aside)
    try:
        return await take(request, log, now)
    except SlotTaken:
        if cmd.provider_id is None:
            raise ConcurrencyConflict from None
        raise


async def _first_free(
    cmd: BookingRequest, service: Service, log: EventLog, now: datetime, ranking: ProviderRanking
) -> UUID:
    """The first provider in the ranking that offers the start.

    The providers before it are only consulted: what happens to their calendars meanwhile makes no booking of this one
    stale. The command looks at the chosen one again.
    """
    consulted = log.consult()
    refused: Rule | None = None
    acting = 0
    for provider_id in await _in_turn(cmd, service, consulted, ranking):
        provider = await consulted.load(Provider, provider_id)
        if not (cmd.by.is_customer or await acts(cmd.by, provider, consulted)):
            continue
        acting += 1
        try:
            rule = await _rule_against(cmd, service, provider, consulted, now)
        except (ProviderInactive, NotOfferedBy):
            continue
        if rule is None:
            return provider_id
        refused = rule if refused in {None, Rule.CLOSED} else refused
    if not acting:
        raise NotFound("service", service.id)
    raise refusal(refused, service.slot_terms()) if refused else ProviderInactive


async def _in_turn(cmd: BookingRequest, service: Service, log: EventReader, ranking: ProviderRanking) -> Iterator[UUID]:
    """The service's providers as they are ranked; those that the ranking does not know yet come last.

    The week is that of the first provider: the others' are near enough to rank by.
    """
    ids = service.provider_ids
    if len(ids) < 2:
        return iter(ids)
    first = await log.load(Schedule, Schedule.id_of(ids[0]))
    request = RankingRequest(tuple(ids), week_bounds(cmd.start, zone(first.timezone)))
    return _then_the_rest(await ranking.rank(request, cmd.start, cmd.id), set(ids))


def _then_the_rest(ranked: Iterable[UUID], ids: set[UUID]) -> Iterator[UUID]:
    for id in ranked:
        if id in ids:
            ids.remove(id)
            yield id
    yield from sorted(ids)


async def _rule_against(
    cmd: BookingRequest, service: Service, provider: Provider, log: EventReader, now: datetime
) -> Rule | None:
    """The rule that forbids the start with this provider; None if the provider offers it."""
    aside = cmd.override.aside if cmd.override else frozenset[Rule]()
    return why_not(*await look_at_start(service, provider, cmd.start, log, now), cmd.start, now, aside)
