"""Random logs for the search: things that change hands, and everything that happens to them meanwhile."""

import json
import secrets
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

from domain.booking.appointment import Appointment
from domain.booking.appointment_fields import Reason
from domain.booking.origin import Party
from domain.booking.quota import Quota
from domain.catalog.organization import Rank
from domain.kernel import Aggregate
from domain.people.customer import Customer
from domain.scheduling.schedule import Schedule
from infrastructure.event_log.journal import Appended, LogEntry
from infrastructure.event_log.postgres_journal import PostgresJournal
from tests.projections.owned_things import a_client, a_wait, a_webhook, an_account, an_invitation
from tests.projections.read_models.test_hold import a_hold
from tests.projections.story import (
    NOW,
    a_customer,
    a_place,
    a_provider,
    a_seat,
    a_service,
    an_appointment,
    an_organization,
    at,
    days,
    seat_all,
)
from tests.support.sealed import rows_of

Record = Callable[..., Awaitable[None]]


async def record(journal: PostgresJournal, chance: Random, actors: list[UUID], *changed: Aggregate) -> None:
    """The pending events of aggregates as one command of some actor, or of Daybook, and some request."""
    pending = [event for aggregate in changed for event in aggregate.collect_events()]
    for event in pending:
        if chance.random() < 0.3 and getattr(event, "organization_recorded", False):
            event.__dict__["organization_recorded"] = False  # as release 0.1.0 recorded it
    if not pending:
        return
    said = {"actor": chance.choice([None, *map(str, actors)]), "correlation": f"request-{chance.randrange(9)}"}
    rows = await rows_of(journal, pending, json.dumps(said))
    answer = changed[0].id, changed[0].version
    result = await journal.append(LogEntry(secrets.token_bytes(32), b"", answer, {}, rows))
    assert isinstance(result, Appended)


class World:
    """Two organizations with owners, three providers, and what belongs to them. `step` changes something."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.owners = [uuid4(), uuid4()]
        self.organizations = [an_organization(owner_id=each) for each in self.owners]
        self.providers = [a_provider(organization_id=self._home()) for _ in range(3)]
        self.services = [a_service(each, organization_id=self._home()) for each in self.providers]
        self.guests: list[Customer] = [a_customer() for _ in range(2)]
        self.clients = [uuid4() for _ in range(2)]
        self.appointments: list[Appointment] = []
        self._day = 8

    def _home(self) -> str | None:
        return self.chance.choice([None, *(str(each.id) for each in self.organizations)])

    def opening(self) -> list[Aggregate]:
        people = [made(id) for id in self.clients for made in (an_account, a_client)]
        things = [*self.organizations, *self.providers, *self.services, *self.guests, *people]
        self.chance.shuffle(things)
        return things

    def step(self) -> list[Aggregate]:
        """Some change; the aggregates with its events."""
        do = self.chance.choice([*self._new(), self._new_appointment, *[self._moved] * 4, self._answered])
        made = do()
        return made if isinstance(made, list) else [made]

    def _new(self) -> Iterator[Callable[[], Any]]:
        provider, service = self.chance.choice(self.providers), self.chance.choice(self.services)
        who, organization = self._customer(), self.chance.choice(self.organizations)
        yield lambda: a_hold(provider.id, customer_id=who)
        yield lambda: a_wait(who, service.id, self.chance.choice([None, provider.id]))
        yield lambda: a_webhook(provider.id, self.chance.choice([None, organization.id]))
        yield lambda: a_webhook(None, organization.id)
        yield lambda: an_invitation(an_organization().id)
        yield lambda: Quota(id=uuid4(), customer_id=who, timestamp=NOW)
        yield lambda: self._schedule(provider.id)

    def _customer(self) -> UUID:
        return self.chance.choice([*(each.id for each in self.guests), *self.clients])

    def _schedule(self, provider_id: UUID) -> Schedule:
        schedule = Schedule(id=uuid4(), calendar_id=provider_id, timezone="UTC", timestamp=NOW)
        schedule.override(uuid4(), NOW.date(), [], NOW)
        return schedule

    def _new_appointment(self) -> list[Aggregate]:
        self._day += 1
        provider, start = self.chance.choice(self.providers), at(10) + timedelta(days=self._day)
        named = self._home()
        made = an_appointment(provider.id, start, customer_id=self._customer(), organization_id=named and UUID(named))
        self.appointments.append(made)
        seats = days(provider.id, start, start + timedelta(minutes=30))
        seat_all(seats, a_seat(start))
        return [*seats, made]

    def _moved(self) -> Aggregate:
        """Something belongs to another organization from now on, or to the same."""
        organization, by = self.chance.choice(self.organizations), uuid4()
        if not self.appointments or self.chance.random() < 0.4:
            provider, service = self.chance.choice(self.providers), self.chance.choice(self.services)
            if self.chance.random() < 0.5:
                provider.change(by, {"organization_id": self._home(), "bio": str(by)}, NOW)
                return provider
            more = {"organization_id": self._home(), "provider_ids": [str(provider.id)]}
            service.change(by, {**more, "name": str(by)}, NOW)
            return service
        appointment = self.chance.choice(self.appointments)
        match self.chance.randrange(3):
            case 0:
                appointment.transfer(by, self.chance.choice([None, organization.id]), NOW)
            case 1:
                self._day += 1
                start = at(11) + timedelta(days=self._day)
                there = a_place(self.chance.choice(self.providers).id, start)
                appointment.reschedule(by, *there, by_customer=False, now=NOW)
            case _:
                guest = self.chance.choice(self.guests)
                if guest.organization_id is None:
                    guest.share(by, organization.id, NOW)
                return guest
        return appointment

    def _answered(self) -> Aggregate:
        organization = self.chance.choice(self.organizations)
        if not self.appointments or self.chance.random() < 0.5:
            organization.add_member(organization.id, uuid4(), Rank.STAFF, Rank.OWNER, NOW)
            return organization
        appointment = self.appointments.pop()
        appointment.cancel(uuid4(), Reason("ill"), Party.STAFF, NOW)
        return appointment
