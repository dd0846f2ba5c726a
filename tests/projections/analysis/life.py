"""A business over some months, at random: every kind of event that figures are made of, and many that they are not."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.booking.appointment import Appointment
from domain.booking.appointment_fields import BookedTerms, Reason
from domain.booking.hold import Hold
from domain.booking.origin import Channel, Origin, Party, ReasonCode
from domain.booking.placement import Booking, Move, Placement
from domain.booking.policy import Policy
from domain.booking.waitlist import Offer, Waiting, WaitlistRequest
from domain.catalog.organization import Organization
from domain.errors import Refusal
from domain.kernel import Aggregate, new_id
from domain.people.account import Account
from domain.people.customer import Customer
from domain.personal_data import PersonalData
from domain.scheduling.interval import Interval
from domain.scheduling.schedule import Schedule
from tests.projections.story import NOW, a_customer, a_provider, a_service, an_organization

BEGIN = NOW + timedelta(weeks=5)
"""A Monday; what follows goes over the day on which clocks change in New York, and then in Berlin."""
ZONES = ("Europe/Berlin", "America/New_York", "UTC", "Europe/Berlin")
HOURS: Sequence[dict[str, list[list[int]]]] = (
    {str(day): [[540, 1020]] for day in range(5)},
    {str(day): [[480, 720], [780, 1200]] for day in range(6)},
    {str(day): [[1200, 1560]] for day in range(7)},  # past midnight
    {"6": [[60, 150], [155, 420]], "0": [[0, 1440]]},  # over the hours that clocks skip and repeat
)
POLICY: Policy = {
    "cancel_notice": 1440,
    "reschedule_notice": 0,
    "max_reschedules": None,
    "late_cancel": "fee",
    "late_fee": 500,
}


@dataclass
class Life:
    """`events`: all that was recorded, in order, with the time off and the rules as the domain keeps them."""

    seed: int
    now: datetime = BEGIN
    events: list[Any] = field(default_factory=list)
    _pending: list[Aggregate] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.by = UUID(int=self.random.getrandbits(128), version=4)
        self.salons = [self._kept(an_organization(f"Salon {n}")) for n in range(2)]
        self.providers = [
            self._kept(a_provider(f"Provider {n}", organization_id=str(self.salons[n].id) if n < 2 else None))
            for n in range(4)
        ]
        self.schedules = [
            self._kept(Schedule(id=Schedule.id_of(p.id), calendar_id=p.id, timezone=zone, timestamp=self.now))
            for p, zone in zip(
                self.providers, ("Europe/Berlin", "America/New_York", "UTC", "Europe/Berlin"), strict=True
            )
        ]
        for schedule, hours in zip(self.schedules, HOURS, strict=True):
            schedule.set_weekly(self.by, schedule.timezone, hours, self.now)
        self.services = [self._kept(a_service(*self.providers, capacity=capacity)) for capacity in (1, 3)]
        self.customers = [self._kept(a_customer(f"Customer {n}")) for n in range(6)]
        self.accounts = [self._kept(_account(self.by, self.now)) for _ in range(4)]
        self.appointments: list[Appointment] = []
        self.holds: list[Hold] = []
        self.entries: list[Waiting] = []
        self.off: list[tuple[Schedule, UUID]] = []

    def recorded(self) -> list[Aggregate]:
        """The aggregates with events that are not recorded yet, and forgets them."""
        found = list({id(each): each for each in self._pending if each.pending_events}.values())
        self.events += [event for each in found for event in each.pending_events]
        self._pending = []
        return found

    def step(self) -> None:
        """Some minutes or days pass, and somebody does something."""
        self.now += timedelta(minutes=self.random.choice((3, 40, 200, 600, 1500)))
        whats: Sequence[Callable[[], None]] = (
            *(self.book,) * 8,
            *(self.change_appointment,) * 14,
            self.hold,
            self.end_hold,
            self.wait,
            self.change_entry,
            self.change_hours,
            self.change_off,
            self.change_organization,
            self.change_person,
            self.change_service,
        )
        with suppress(Refusal, IndexError):  # IndexError: nothing is there yet to be changed
            self.random.choice(whats)()

    def book(self) -> None:
        channel = self.random.choice([*Channel])
        booking = self._booking(channel)
        terms = BookedTerms(self.random.choice((2500, 4000)), self.random.choice(("EUR", "USD")), POLICY)
        if self.random.random() < 0.4:
            made = Appointment.request(self._id(), booking, terms, None, self.now + timedelta(days=2), self.now)
        else:
            made = Appointment.book(self._id(), booking, terms, None, self.now)
        self.appointments.append(self._kept(made))

    def change_appointment(self) -> None:
        found = self._kept(
            self.random.choice([each for each in self.appointments if abs(each.starts_at - self.now) < WEEK])
        )
        move = Move(self._placement(), Origin(Channel.STAFF, organization_id=self._employer()))
        terms = BookedTerms(3000, found.currency, POLICY)
        by, now = self.by, self.now
        self.random.choice(
            (
                lambda: found.confirm(by, now),
                lambda: found.confirm(by, now),
                lambda: found.decline(by, Reason("no", ReasonCode.WEATHER), now),
                lambda: found.expire(now),
                lambda: found.cancel(by, Reason("", self._code()), self.random.choice([*Party]), now),
                lambda: found.reschedule(by, move, terms, by_customer=self.random.random() < 0.5, now=now),
                lambda: found.request_move(by, move, terms, now + timedelta(days=1), now),
                lambda: found.transfer(by, self._employer(), now),
                lambda: found.check_in(by, now),
                lambda: found.complete(by, now),
                lambda: found.complete(by, now),
                lambda: found.miss(by, now),
                lambda: found.miss(by, now),
                lambda: found.undo_no_show(by, now),
            )
        )()

    def hold(self) -> None:
        booking = self._booking(self.random.choice((Channel.API, Channel.WAITLIST)))
        self.holds.append(self._kept(Hold.place(self._id(), booking, self.now + timedelta(minutes=10), self.now)))

    def end_hold(self) -> None:
        found = self._kept(self.random.choice(self.holds))
        used = self.random.choice(self.appointments).id
        late = found.expires_at
        self.random.choice(
            (
                lambda: found.release(self.by, self.now),
                lambda: found.expire(max(late, self.now)),
                lambda: found.use(self.by, used, min(late - timedelta(minutes=1), self.now)),
            )
        )()

    def wait(self) -> None:
        dates = {"from": self.now.date().isoformat(), "to": (self.now.date() + timedelta(days=9)).isoformat()}
        service, person = self.random.choice(self.services).id, self._person()
        wish = WaitlistRequest(person, service, None, dates, [], "Europe/Berlin")  # type: ignore[arg-type]
        self.entries.append(self._kept(Waiting.join(self._id(), self.by, wish, self.now)))

    def change_entry(self) -> None:
        found = self._kept(self.random.choice(self.entries))
        place = self._placement()
        offer = Offer(self._id(), place.provider_id, place.starts_at, self.now + timedelta(hours=1))
        self.random.choice(
            (
                lambda: found.offer_place(offer, self.now),
                lambda: found.lapse(self.by, self.now),
                lambda: found.accept(self.by, self.random.choice(self.appointments).id, self.now),
                lambda: found.leave(self.by, self.now),
            )
        )()

    def change_hours(self) -> None:
        schedule = self._kept(self.random.choice(self.schedules))
        zone = self.random.choice((schedule.timezone, schedule.timezone, "Asia/Kolkata"))
        self.random.choice(
            (
                lambda: schedule.set_weekly(self.by, zone, self.random.choice(HOURS), self.now),
                lambda: schedule.override(self.by, self._day(), self.random.choice(([], [[600, 660]])), self.now),
                lambda: schedule.lift_override(self.by, self._day(schedule), self.now),
            )
        )()

    def change_off(self) -> None:
        schedule = self._kept(self.random.choice(self.schedules))
        start = self.now.replace(minute=0, second=0) + timedelta(hours=self.random.randrange(-300, 600))
        off = Interval(start, start + timedelta(hours=self.random.choice((2, 30, 100))))
        known = [id for of, id in self.off if of is schedule]
        new = self._id()

        def take() -> None:
            schedule.take_time_off(self.by, new, off, "", self.now)
            self.off.append((schedule, new))

        self.random.choice(
            (
                take,
                lambda: schedule.change_time_off(self.by, self.random.choice(known or [new]), off, "", self.now),
                lambda: schedule.cancel_time_off(self.by, self.random.choice(known or [new]), self.now),
            )
        )()

    def change_organization(self) -> None:
        salon, provider = self._kept(self.random.choice(self.salons)), self._kept(self.random.choice(self.providers))
        employer = self.random.choice([str(each.id) for each in self.salons] + [None])
        self.random.choice(
            (
                lambda: salon.set_holiday(self.by, self._day(), "Day off", self.now),
                lambda: salon.lift_holiday(self.by, self._day(salon), self.now),
                lambda: provider.change(self.by, {"organization_id": employer}, self.now),
                lambda: provider.change(self.by, {"tags": [f"t{self.random.randrange(9)}"]}, self.now),
            )
        )()

    def change_person(self) -> None:
        customer, other = (self._kept(each) for each in self.random.sample(self.customers, 2))
        account = self._kept(self.random.choice(self.accounts))
        what = self.random.random()
        if what < 0.4 and not customer.deleted:
            customer.claim(account.account_id, self.now)
        elif what < 0.6 and not customer.deleted and not other.deleted:
            customer.trigger_event(Customer.Merged, by=self.by, into=other.id, timestamp=self.now)
        elif what < 0.8:
            customer.trigger_event(Customer.Forgotten, by=self.by, timestamp=self.now)
        else:
            account.trigger_event(Account.Forgotten, by=self.by, account_id=account.account_id, timestamp=self.now)

    def change_service(self) -> None:
        changes = {"capacity": self.random.choice((2, 3, 5)), "tags": [self.random.choice(("hair", "care"))]}
        self._kept(self.services[1]).change(self.by, changes, self.now)

    def _booking(self, channel: Channel) -> Booking:
        placement = self._placement()
        origin = Origin(channel, organization_id=self._employer(placement.provider_id))
        return Booking(self.by, self.random.choice(self.services).id, self._person(), placement, origin)

    def _placement(self) -> Placement:
        schedule = self.random.choice(self.schedules)
        start = (self.now + timedelta(minutes=30 * self.random.randrange(-2, 800))).replace(second=0, microsecond=0)
        start -= timedelta(minutes=start.minute % 30)
        duration = self.random.choice((30, 45, 120))
        return Placement(schedule.calendar_id, start, duration, 10, 5, schedule.timezone)

    def _person(self) -> UUID:
        known = [each.id for each in self.customers if not each.deleted and not each.forgotten]
        return self.random.choice(known + [each.account_id for each in self.accounts if each.active])

    def _employer(self, provider_id: UUID | None = None) -> UUID | None:
        provider = next((each for each in self.providers if each.id == provider_id), self.providers[0])
        named = provider.profile["organization_id"]
        return None if named is None else UUID(named)

    def _day(self, of: Schedule | Organization | None = None) -> date:
        known = {Schedule: "overrides", Organization: "holidays"}
        days = sorted(getattr(of, known[type(of)])) if of is not None else []
        if days:
            return date.fromisoformat(self.random.choice(days))
        return (self.now + timedelta(days=self.random.randrange(-10, 30))).date()

    def _code(self) -> ReasonCode | None:
        return self.random.choice([None, *ReasonCode])

    def _id(self) -> UUID:
        return UUID(int=self.random.getrandbits(128), version=4)

    def _kept(self, aggregate: Any) -> Any:
        self._pending.append(aggregate)
        return aggregate


WEEK = timedelta(days=7)


def _account(by: UUID, now: datetime) -> Account:
    account_id = new_id()
    contact = PersonalData(account_id, {"email": f"{account_id.hex}@example.com", "name": "Somebody"})
    who = {"account_id": account_id, "role": "customer", "address": account_id, "contact": contact}
    return Account(id=Account.id_of(account_id), by=by, **who, timestamp=now)
