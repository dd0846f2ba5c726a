"""Whatever customers do in a month, they keep little; and nothing happens while nobody acts."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import pytest

from application.access import Caller
from application.booking.appointment import CancelAppointment, cancel_appointment
from application.booking.hold import ChangeHold, extend_hold, place_hold, release_hold
from application.booking.waitlist import (
    AcceptOffer,
    ChangeWaiting,
    JoinWaitlist,
    accept_offer,
    join_waitlist,
    leave_waitlist,
)
from application.booking.waitlist_matching import FreedTime, lapse, match
from domain.booking.appointment import Appointment
from domain.booking.hold import Hold, HoldStatus
from domain.booking.quota import ENTRIES, HOLDS, AlreadyWaiting, TooManyHolds
from domain.booking.waitlist import LAPSES, Waiting, WaitingStatus, WaitlistDates
from domain.errors import Refusal
from domain.kernel import Aggregate, new_id
from tests.application.booking.test_hold import placing
from tests.application.booking.test_waitlist import Queue, wish
from tests.application.conftest import Clocked
from tests.support.builders import OpenWeek, a_service, somebody

A = TypeVar("A", bound=Aggregate)
DAYS, CLOCKS = 2, [f"{hour:02}:00" for hour in range(9, 17)]


class Month:
    """Two customers who do anything, at any time, with one provider; and Daybook's own jobs, done at once."""

    def __init__(self, week: OpenWeek, services: Sequence[UUID], seed: int) -> None:
        self.week, self.store, self.dice = week, week.store, random.Random(seed)
        self.services = services
        self.customers = [somebody(), somebody()]

    async def all(self, kind: type[A]) -> list[A]:
        streams = dict.fromkeys(row.stream for row in self.store.memory.rows)
        found, _ = await self.store.fetch(list(streams))
        return [each for each in found.values() if isinstance(each, kind)]

    async def act(self, by: Caller) -> None:
        """One thing that a customer may do, whether it is refused or not."""
        start = self.week.at(self.dice.choice(CLOCKS), self.dice.randrange(DAYS))
        dates: WaitlistDates = {"from": start.date().isoformat(), "to": start.date().isoformat()}
        joining = JoinWaitlist(by=by, id=new_id(), service_id=self.dice.choice(self.services), dates=dates)
        may: list[Any] = [partial(place_hold, placing(self.week, by, start))] * 20
        may += [partial(join_waitlist, joining)] * 30
        for each in (await self.all(Hold))[-6:]:
            may += [partial(change, ChangeHold(by=by, hold_id=each.id)) for change in (extend_hold, release_hold)]
        for each in (await self.all(Waiting))[-6:]:
            may.append(partial(leave_waitlist, ChangeWaiting(by=by, waiting_id=each.id)))
            may.append(partial(accept_offer, AcceptOffer(by=by, id=new_id(), waiting_id=each.id)))
        for each in (await self.all(Appointment))[-3:]:
            may.append(partial(cancel_appointment, CancelAppointment(by=by, appointment_id=each.id)))
        with suppress(Refusal):  # that of another customer is not there for this one
            await self.dice.choice(may)(self.store)

    async def jobs(self) -> None:
        """What falls due: offers lapse, and free starts are offered to those who wait, the last to lapse last."""
        for each in await self.all(Waiting):
            if each.status is WaitingStatus.OFFERED:
                await lapse(each.id, store=self.store)
        waiting = [each for each in await self.all(Waiting) if each.status is WaitingStatus.WAITING]
        for day in range(DAYS):
            starts = [self.week.at(clock, day) for clock in CLOCKS]
            line = Queue([wish(each) for each in waiting], starts)
            await match(FreedTime(self.week.provider_id, starts[0], starts[-1]), line, self.store)

    async def check(self) -> None:
        """What is kept now, by the holds and entries themselves."""
        now = self.store.now()
        offers = {each.offer.hold_id for each in await self.all(Waiting) if each.offer is not None}
        live = [h for h in await self.all(Hold) if h.status is HoldStatus.HELD and h.expires_at > now]
        held = Counter((h.customer_id, h.starts_at.date()) for h in live if h.id not in offers)
        offered = Counter(h.customer_id for h in live if h.id in offers)
        open_ones = (WaitingStatus.WAITING, WaitingStatus.OFFERED)
        wanted = Counter((e.customer_id, e.dates["from"]) for e in await self.all(Waiting) if e.status in open_ones)
        assert max(held.values(), default=0) <= HOLDS
        assert max(offered.values(), default=0) <= 1
        assert max(wanted.values(), default=0) <= ENTRIES


@pytest.mark.parametrize("seed", range(5))
async def test_a_month_of_anything(store: Clocked, week: OpenWeek, seed: int) -> None:
    services = [await a_service(store, week.owner, week.provider_id) for _ in range(ENTRIES + 1)]
    month = Month(week, services, seed)
    for _ in range(40):
        for _ in range(month.dice.randint(1, 12)):
            await month.act(month.dice.choice(month.customers))
            await month.check()
        await month.jobs()
        await month.check()
        store.set_clock(store.now() + timedelta(minutes=month.dice.choice((0, 1, 4, 20, 120))))
    # Nobody acts any more: offers lapse, three times at most for each entry, and then nothing happens for a month.
    entries = len([each for each in await month.all(Waiting) if each.status in ("waiting", "offered")])
    for _ in range(LAPSES * entries + 2):
        store.set_clock(store.now() + timedelta(minutes=20))
        await month.jobs()
    before = store.position
    for _ in range(30):
        store.set_clock(store.now() + timedelta(days=1))
        await month.jobs()
    assert store.recorded(before) == []


async def test_twins_at_once_have_no_more(store: Clocked, week: OpenWeek) -> None:
    """Each attempt decides on the quota as it is: many requests at the same moment get no more than one by one."""
    ada = somebody()
    day = week.monday.date().isoformat()
    joining = [
        JoinWaitlist(by=ada, id=new_id(), service_id=week.service_id, dates={"from": day, "to": day}) for _ in range(8)
    ]
    holding = [placing(week, ada, week.at(f"{hour:02}:00")) for hour in range(9, 17)]
    answers = await asyncio.gather(
        *(join_waitlist(each, store) for each in joining),
        *(place_hold(each, store) for each in holding),
        return_exceptions=True,
    )
    kinds = Counter(map(type, answers))
    assert (kinds[AlreadyWaiting], kinds[TooManyHolds]) == (len(joining) - 1, len(holding) - HOLDS)
