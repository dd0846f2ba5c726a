"""The appointments of the demo town, from booking to end."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast
from uuid import UUID

from application.access import Caller
from application.booking.appointment import (
    BookAppointment,
    CancelAppointment,
    MarkAppointment,
    RescheduleAppointment,
    book_appointment,
    cancel_appointment,
    reschedule_appointment,
)
from application.booking.attendance import check_in_appointment, complete_appointment, mark_no_show, undo_no_show
from application.booking.ports import CustomerKnown, RankingRequest
from application.event_log import Command
from domain.catalog.service_terms import ServiceTerms, slot_terms
from domain.scheduling.availability import Occupied, Start, starts
from domain.scheduling.interval import Interval, overlaps
from interfaces.demo.charter import AHEAD, Act, Charter, Handler
from interfaces.demo.customer import Person
from interfaces.demo.shop import DemoCalendar
from interfaces.demo.trades import NOTES, REASONS

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_TRIES = 12

Promised = defaultdict[UUID, list[Interval]]


def appointments(charter: Charter, everybody: Sequence[DemoCalendar], people: Sequence[Person]) -> list[Act]:
    """Every appointment's life until today, all acts in the order of their time."""
    promised: Promised = defaultdict(list)
    acts = [act for calendar in everybody for act in Diary(charter, calendar, people, promised).filled()]
    return sorted(acts, key=lambda act: act.at)


class ThisProvider(CustomerKnown):
    """Answers for a small town: every customer is known, and a booking with any provider goes to this one."""

    def __init__(self, provider_id: UUID) -> None:
        self._provider_id = provider_id

    async def rank(self, request: RankingRequest, start: datetime, taker: UUID) -> Sequence[UUID]:  # noqa: ARG002
        """This provider alone."""
        return (self._provider_id,)


class Diary:
    """One calendar as it fills. `promised`: the intervals in which each customer is busy.

    Cancelled and moved times stay occupied here, so that acts can run in any order without a clash.
    """

    def __init__(self, charter: Charter, calendar: DemoCalendar, people: Sequence[Person], promised: Promised) -> None:
        self.charter = charter
        self.calendar = calendar
        self.dice = charter.random("diary", calendar.provider_id)
        self.offers = {id: slot_terms(id, cast("ServiceTerms", terms)) for id, terms in calendar.services.items()}
        self._people = people
        self._neighbours = [person for person in people if person.home == calendar.shop.place]
        self._promised = promised
        self._occupied: list[Occupied] = []

    def filled(self) -> list[Act]:
        """The acts of all appointments of this calendar."""
        acts: list[Act] = []
        for n in range(self.dice.randint(64, 90)):
            acts += self._appointment(self.charter.id("appointment", self.calendar.provider_id, n))
        return acts

    def _appointment(self, id: UUID) -> list[Act]:
        """The acts of one appointment; none if no start suits a customer."""
        for _ in range(_TRIES):
            service_id = self.dice.choice(list(self.offers))
            wish = self.between(self.charter.founded + 3 * _DAY, self.charter.today + AHEAD)
            latest = self.between(self.charter.today - 3 * _DAY, self.charter.today)
            asked = min(wish - self.dice.expovariate(1 / 7) * _DAY, latest)
            asked = max(asked, self.charter.founded + 2 * _DAY).replace(microsecond=0)
            start = self.chosen(service_id, Interval(wish, wish + 3 * _DAY), asked)
            customer = start and self._somebody_free(start)
            if start and customer:
                self.occupy(service_id, customer, start)
                return Life(self, id, service_id, customer, start).acts(asked)
        return []

    def chosen(self, service_id: UUID, within: Interval, now: datetime) -> Start | None:
        """One of the starts offered at `now`; people like to join a group that has begun to fill."""
        offer = self.offers[service_id]
        offered = starts(offer, self.calendar.hours, self._occupied, within, now)
        begun = [start for start in offered if start.seats_left < offer.capacity]
        if begun and self.dice.random() < 0.85:
            return self.dice.choice(begun)
        return self.dice.choice(offered) if offered else None

    def occupy(self, service_id: UUID, customer: Person, start: Start) -> None:
        """Mark the start as taken by the customer."""
        since, until = self.offers[service_id].stretch(start.start)
        self._occupied.append(Occupied(since, until, service_id, start.start))
        self._promised[customer.id].append(Interval(start.start, start.end))

    def free(self, customer: Person, start: Start) -> bool:
        """Whether the customer is free then."""
        wanted = Interval(start.start, start.end)
        return not any(overlaps(wanted, promise) for promise in self._promised[customer.id])

    def _somebody_free(self, start: Start) -> Person | None:
        for _ in range(_TRIES):
            someone = self.dice.choice(self._neighbours if self.dice.random() < 0.9 else self._people)
            if self.free(someone, start):
                return someone
        return None

    def between(self, since: datetime, until: datetime) -> datetime:
        """Some whole second."""
        return since + timedelta(seconds=int(self.dice.random() * (until - since).total_seconds()))


class Life:
    """One appointment from booking to end, as far as it has got until today."""

    def __init__(self, diary: Diary, id: UUID, service_id: UUID, customer: Person, start: Start) -> None:
        self._diary, self._dice, self._today = diary, diary.dice, diary.charter.today
        self._id, self._service_id, self._customer = id, service_id, customer
        self._terms = diary.calendar.services[service_id]
        self._start = start
        self._acts: list[Act] = []
        self._at = diary.charter.founded

    def acts(self, asked: datetime) -> list[Act]:
        """The acts of an appointment that is booked at `asked`."""
        self._booked(asked)
        if self._dice.random() < 0.11:
            self._moved()
        fate = self._dice.random()
        if fate < 0.11:
            self._cancelled()
        elif self._start.start <= self._today:
            self._come(missed=fate < 0.17)
        return self._acts

    def _do(self, at: datetime, by: Caller, handler: Handler, kind: type[Command], **fields: Any) -> None:
        """Add an act, not before the last one nor after today."""
        self._at = min(max(at, self._at), self._today)
        calendar = self._diary.calendar
        place = self._id, len(self._acts) + 1
        act = self._diary.charter.act(self._at, calendar.provider_id, place, (handler, kind), by, **fields)
        self._acts.append(act)

    def _mark(self, at: datetime, handler: Handler) -> None:
        self._do(at, self._diary.calendar.owner, handler, MarkAppointment, appointment_id=self._id)

    def _by_customer(self, likelihood: float) -> bool:
        return not self._customer.guest and self._dice.random() < likelihood

    def _booked(self, asked: datetime) -> None:
        provider_id = self._diary.calendar.provider_id
        by_customer = self._by_customer(0.8)
        any_will_do = by_customer and self._dice.random() < 0.3
        self._do(
            asked,
            self._customer.caller if by_customer else self._diary.calendar.owner,
            partial(book_appointment, queries=ThisProvider(provider_id)),
            BookAppointment,
            id=self._id,
            service_id=self._service_id,
            start=self._start.start,
            provider_id=None if any_will_do else provider_id,
            customer_id=self._customer.id,
            note=self._dice.choice(NOTES) if self._dice.random() < 0.08 else "",
        )

    def _moved(self) -> None:
        at = self._before_start(self._terms["reschedule_notice"])
        if at is None:
            return
        around = Interval(self._start.start - 3 * _DAY, self._start.start + 6 * _DAY)
        start = self._diary.chosen(self._service_id, around, at)
        if start is None or start.start == self._start.start or not self._diary.free(self._customer, start):
            return
        self._diary.occupy(self._service_id, self._customer, start)
        by = self._customer.caller if self._by_customer(0.7) else self._diary.calendar.owner
        fields = {"appointment_id": self._id, "start": start.start}
        self._do(at, by, reschedule_appointment, RescheduleAppointment, **fields)
        self._start = start

    def _cancelled(self) -> None:
        late = self._terms["late_cancel"] == "fee" and self._dice.random() < 0.25
        at = self._before_start(0 if late else self._terms["cancel_notice"])
        by, reason = self._customer.caller, self._dice.choice([None, *REASONS])
        if at is None or not self._by_customer(0.75):  # staff may at any time, with a reason
            at = self._before_start(0) or self._today
            by, reason = self._diary.calendar.owner, reason or REASONS[0]
        self._do(at, by, cancel_appointment, CancelAppointment, appointment_id=self._id, reason=reason)

    def _before_start(self, notice: int) -> datetime | None:
        """Some time after the last act and before the notice runs out; None if there is none until today."""
        latest = min(self._start.start - notice * _MINUTE, self._today)
        return self._diary.between(self._at, latest) if self._at < latest else None

    def _come(self, *, missed: bool) -> None:
        start, end, _ = self._start
        if end > self._today:
            return self._mark(start, check_in_appointment)
        if end > self._today - _DAY / 2 and self._dice.random() < 0.5:
            return None  # not marked yet
        if missed:
            self._mark(start + 15 * _MINUTE, mark_no_show)
            if self._dice.random() < 0.85:
                return None
            self._mark(start + 25 * _MINUTE, undo_no_show)
        elif self._dice.random() < 0.4:
            self._mark(start - self._dice.randint(0, 9) * _MINUTE, check_in_appointment)
        return self._mark(end + self._dice.randint(0, 20) * _MINUTE, complete_appointment)
