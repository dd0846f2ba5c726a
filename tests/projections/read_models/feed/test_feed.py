"""Whom does each event of the feed concern, and what does each account read of it?"""

import random
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from domain.booking.appointment import Appointment
from domain.booking.appointment_fields import Reason
from domain.booking.origin import Origin, Party
from domain.booking.placement import Move
from domain.catalog.organization import Rank
from domain.catalog.provider import Provider
from domain.scheduling.schedule import Schedule
from projections.query.ownership import Owner
from projections.query.snapshot import Snapshots
from projections.read_models.feed import reading
from projections.read_models.feed.entry import entry
from projections.read_models.feed.reading import ListedMessage
from tests.projections.story import NOW, a_customer, a_place, a_provider, an_appointment, an_organization, at


async def entries(look) -> set[tuple[UUID, int]]:
    async with look("feed") as read:
        return {(row.scope, row.position) for row in await read.connection.execute(select(entry))}


async def test_events_are_published_in_order_with_the_version_of_their_subject(write, catch_up, look) -> None:
    ada = a_provider()
    schedule = Schedule(id=Schedule.id_of(ada.id), calendar_id=ada.id, timezone="UTC", timestamp=NOW)
    appointment = an_appointment(ada.id)
    await write(ada, schedule, appointment)
    schedule.set_weekly(uuid4(), "UTC", {"0": [[540, 600]]}, NOW)
    appointment.annotate(uuid4(), "tall", {}, NOW)
    appointment.cancel(uuid4(), Reason("ill"), Party.STAFF, NOW)
    await write(schedule, appointment)
    await catch_up()
    async with look("feed") as read:
        page = await reading.page(read, 0, 50)
    assert [(each.type, each.subject, each.version) for each in page.messages] == [
        ("appointment.booked", appointment.id, 1),
        ("schedule.changed", schedule.id, 2),
        ("appointment.cancelled", appointment.id, 3),
    ]


async def test_a_move_is_told_to_both_sides(write, catch_up, look) -> None:
    """An appointment that moves to another provider, and a provider who moves to another organization."""
    here, there = an_organization(), an_organization()
    ada, eve = a_provider(organization_id=str(here.id)), a_provider(organization_id=str(there.id))
    appointment = an_appointment(ada.id, organization_id=here.id)
    booked = await write(here, there, ada, eve, appointment)
    move, terms = a_place(eve.id, at(9, day=9))
    appointment.reschedule(
        uuid4(), Move(move.placement, Origin(organization_id=there.id)), terms, by_customer=False, now=NOW
    )
    moved = await write(appointment)
    ada.change(uuid4(), {"organization_id": str(there.id)}, NOW)
    left = await write(ada)
    await catch_up()
    found = await entries(look)
    assert found == {
        *((scope, booked) for scope in (ada.id, here.id, appointment.customer_id)),
        *((scope, moved) for scope in (ada.id, eve.id, here.id, there.id, appointment.customer_id)),
        *((scope, left) for scope in (ada.id, here.id, there.id)),
    }


async def test_an_appointment_stays_with_the_organization_that_made_it(write, catch_up, look) -> None:
    here, there = an_organization(), an_organization()
    ada = a_provider(organization_id=str(here.id))
    appointment = an_appointment(ada.id, organization_id=here.id)
    await write(here, there, ada, appointment)
    ada.change(uuid4(), {"organization_id": str(there.id)}, NOW)
    await write(ada)
    appointment.cancel(uuid4(), Reason("ill"), Party.STAFF, NOW)
    cancelled = await write(appointment)
    await catch_up()
    assert {scope for scope, position in await entries(look) if position == cancelled} == {
        ada.id,
        here.id,
        appointment.customer_id,
    }


async def test_a_former_member_reads_nothing(write, catch_up, reads: Snapshots) -> None:
    owner, member = uuid4(), uuid4()
    salon = an_organization(owner_id=owner)
    salon.add_member(owner, member, Rank.STAFF, Rank.OWNER, NOW)
    ada = a_provider(organization_id=str(salon.id))
    position = await write(salon, ada, an_appointment(ada.id, organization_id=salon.id))
    await catch_up()
    assert await positions(reads, member) == [position]
    salon.remove_member(owner, member, Rank.OWNER, NOW)
    head = await write(salon)
    await catch_up()
    async with reads.open("feed", sees=member) as read:
        assert await reading.page(read, 0, 50, owner=Owner(member)) == reading.FeedPage([], head), "and it advances"
        assert (await read.connection.execute(select(entry))).all() == [], "row-level security"
        assert await reading.changed_accounts(read, position) == {member}


async def test_a_page_of_some_types_says_how_far_it_looked(write, catch_up, reads: Snapshots, monkeypatch) -> None:
    monkeypatch.setattr(reading, "LOOKED", 3)
    ada = a_provider()
    booked = [await write(ada, an_appointment(ada.id))]
    booked += [await write(an_appointment(ada.id)) for _ in range(3)]
    late = an_appointment(ada.id)
    await write(late)
    late.cancel(uuid4(), Reason(), Party.STAFF, NOW)
    cancelled = await write(late)
    head = await write(an_organization())
    await catch_up()
    owner = Owner(ada.owner_id)
    async with reads.open("feed", sees=ada.owner_id) as read:
        found = [page := await reading.page(read, 0, 2, types={"appointment.cancelled"}, owner=owner)]
        while page.next < head:
            found.append(page := await reading.page(read, page.next, 2, types={"appointment.cancelled"}, owner=owner))
    assert found[0] == reading.FeedPage([], booked[2]), "an empty page advances"
    assert [each.position for page in found for each in page.messages] == [cancelled]


async def positions(reads: Snapshots, account: UUID, *, acts: bool = True, limit: int = 3) -> list[int]:
    """All that an account reads, page by page."""
    found: list[ListedMessage] = []
    async with reads.open("feed", sees=account) as read:
        after = 0
        while after < read.position:
            page = await reading.page(read, after, limit, owner=Owner(account, acts))
            assert page.next > after
            found += page.messages
            after = page.next
    return [each.position for each in found]


class Town:
    """Organizations, providers and customers to whom things happen at random. `told`: by brute force."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.people = [uuid4() for _ in range(4)]
        self.organizations = [an_organization(owner_id=self.people[n]) for n in range(2)]
        self.providers = [a_provider(owner_id=owner) for owner in self.people[1:]]
        self.customers = [a_customer() for _ in range(3)]
        self.appointments: list[Appointment] = []
        self.schedules = [
            Schedule(id=Schedule.id_of(each.id), calendar_id=each.id, timezone="UTC", timestamp=NOW)
            for each in self.providers
        ]
        self.told: dict[int, set[UUID]] = {}

    def employer(self, provider_id: UUID) -> UUID | None:
        (provider,) = (each for each in self.providers if each.id == provider_id)
        named = provider.profile.get("organization_id")
        return None if named is None else UUID(named)

    def parties(self, of: Appointment | Provider | Schedule) -> set[UUID | None]:
        match of:
            case Appointment():
                return {of.provider_id, of.customer_id, of.organization_id}
            case Provider():
                return {of.id, self.employer(of.id)}
            case _:
                return {of.calendar_id, self.employer(of.calendar_id)}

    async def step(self, write) -> None:
        happen: Callable[..., object] = self.random.choice(
            [
                self.book,
                self.book,
                self.move,
                self.cancel,
                self.transfer,
                self.change,
                self.hire,
                self.fire,
                self.claim,
                self.open,
            ]
        )
        await happen(write)

    async def told_of(self, write, of, act: Callable[[], None], *, published: bool = True) -> None:
        before = self.parties(of)
        version = of.version
        act()
        if of.version > version:
            position = await write(of)
            if published:
                self.told[position] = (before | self.parties(of)) - {None}

    async def book(self, write) -> None:
        provider, customer = self.random.choice(self.providers), self.random.choice(self.customers)
        made = an_appointment(provider.id, customer_id=customer.id, organization_id=self.employer(provider.id))
        self.told[await write(made)] = self.parties(made) - {None}
        self.appointments.append(made)

    async def move(self, write) -> None:
        if booked := [each for each in self.appointments if each.status == "booked"]:
            it, to = self.random.choice(booked), self.random.choice(self.providers)
            place, terms = a_place(to.id, at(self.random.randrange(8, 18), day=9))
            move = Move(place.placement, Origin(organization_id=self.employer(to.id)))
            await self.told_of(write, it, lambda: it.reschedule(uuid4(), move, terms, by_customer=False, now=NOW))

    async def cancel(self, write) -> None:
        if booked := [each for each in self.appointments if each.status == "booked"]:
            it = self.random.choice(booked)
            await self.told_of(write, it, lambda: it.cancel(uuid4(), Reason(), Party.STAFF, NOW))

    async def transfer(self, write) -> None:
        if booked := [each for each in self.appointments if each.status == "booked"]:
            it, to = self.random.choice(booked), self.random.choice([None, *self.organizations])
            await self.told_of(write, it, lambda: it.transfer(uuid4(), to and to.id, NOW), published=False)

    async def change(self, write) -> None:
        it, to = self.random.choice(self.providers), self.random.choice([None, *self.organizations])
        about = {"organization_id": to and str(to.id), "timezone": self.random.choice(["UTC", "Europe/Paris"])}
        await self.told_of(write, it, lambda: it.change(uuid4(), about, NOW))

    async def open(self, write) -> None:
        it = self.random.choice(self.schedules)
        hours = {"0": [[540, 600 + self.random.randrange(100)]]}
        await self.told_of(write, it, lambda: it.set_weekly(uuid4(), "UTC", hours, NOW))

    async def hire(self, write) -> None:
        it, who = self.random.choice(self.organizations), self.random.choice(self.people)
        if who not in it.members:
            it.add_member(uuid4(), who, self.random.choice([*Rank]), Rank.OWNER, NOW)
            await write(it)

    async def fire(self, write) -> None:
        it = self.random.choice(self.organizations)
        who = self.random.choice([*it.members])
        if list(it.members.values()).count(Rank.OWNER) > 1 or it.members[who] is not Rank.OWNER:
            it.remove_member(uuid4(), who, Rank.OWNER, NOW)
            await write(it)

    async def claim(self, write) -> None:
        if free := [each for each in self.customers if each.claimed_by is None]:
            it = self.random.choice(free)
            it.claim(self.random.choice(self.people), NOW)
            await write(it)

    def scopes(self, account: UUID, *, acts: bool) -> set[UUID]:
        mine = {account} | {each.id for each in self.customers if each.claimed_by == account}
        if acts:
            mine |= {each.id for each in self.providers if each.owner_id == account}
            mine |= {each.id for each in self.organizations if account in each.members}
        return mine


@pytest.mark.parametrize("seed", range(4))
async def test_merged_scopes_are_what_brute_force_over_the_log_finds(
    seed: int, write, catch_up, reads: Snapshots, look
) -> None:
    town = Town(seed)
    await write(*town.organizations, *town.providers, *town.customers, *town.schedules)
    for _ in range(80):
        await town.step(write)
        if town.random.random() < 0.1:
            await catch_up()  # pages of the projector of all sizes
    await catch_up()
    assert await entries(look) == {(scope, at) for at, scopes in town.told.items() for scope in scopes}
    for account in town.people:
        for acts in (True, False):
            mine = town.scopes(account, acts=acts)
            expected = [at for at, scopes in sorted(town.told.items()) if scopes & mine]
            assert await positions(reads, account, acts=acts, limit=town.random.randrange(1, 20)) == expected
        async with reads.open("feed", sees=account) as read:
            rows = (await read.connection.execute(select(entry))).all()
        mine = town.scopes(account, acts=True)
        assert {(row.scope, row.position) for row in rows} == {
            (scope, at) for at, scopes in town.told.items() for scope in scopes & mine
        }, "row-level security alone"
    async with look("feed") as read:
        assert {each.position for each in (await reading.page(read, 0, 10_000)).messages} == set(town.told)
        found = await reading.concerned(read, 0, read.position)
    assert {at: {*scopes} for at, scopes in found.items()} == town.told
