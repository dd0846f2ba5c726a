"""Besides the owner of the provider, those are told who want to know of it, or whose time is free again."""

from dataclasses import dataclass, field, replace
from uuid import UUID

import pytest

from application.access import Caller, LinkPurpose, Role
from application.booking.appointment import (
    CancelAppointment,
    RescheduleAppointment,
    cancel_appointment,
    reschedule_appointment,
)
from application.catalog.organization import RemoveMember, remove_member
from application.jobs.job import Job, JobRequest
from application.notifications.link_holder import holder_of
from application.notifications.links import Capability, Links, LinkVoid
from application.notifications.notice_jobs import NoticeServices, notify
from application.people.contact import ChangeContact, change_contact
from domain.booking.appointment import Appointment
from domain.kernel import Aggregate
from tests.application.conftest import Clocked
from tests.application.notifications.test_notice import Held, Told, a_guest, a_job, an_account
from tests.infrastructure.mail.gallery import LETTERS, letter
from tests.infrastructure.mail.test_email_channel import text
from tests.support.builders import (
    OpenWeek,
    a_booked_appointment,
    a_provider,
    a_service,
    an_organization,
    monday_after,
    somebody,
)


@dataclass
class Enqueued:
    """The jobs that were enqueued, each key once, as the table does."""

    by_key: dict[UUID, JobRequest] = field(default_factory=dict)

    async def enqueue(self, request: JobRequest, correlation: str = "") -> None:
        self.by_key.setdefault(request.key, request)


@dataclass
class Salon:
    """An organization of Ada, whose are its first provider and the service; Bo, whose is the second; and Cleo."""

    id: UUID
    week: OpenWeek
    second: UUID
    people: dict[str, Caller]
    me: Caller
    told: Told = field(default_factory=Told)
    jobs: Enqueued = field(default_factory=Enqueued)

    @property
    def store(self) -> Clocked:
        assert isinstance(self.week.store, Clocked)
        return self.week.store

    async def tells(self, about: Aggregate, slot: str, by: Caller) -> dict[str, str]:
        """What becomes of the notice to the owner, and of those to the others: outcome by address."""
        means = NoticeServices(self.store, channels=[self.told], jobs=self.jobs)
        before, job = set(self.jobs.by_key), a_job(about, slot, by=str(by.account))
        outcomes = {"owner": await notify(job, Held(), means)}
        for key in self.jobs.by_key.keys() - before:
            outcomes[self.name(self.jobs.by_key[key])] = await self.run(self.jobs.by_key[key], means, job)
        return outcomes

    async def run(self, asked: JobRequest, means: NoticeServices, job: Job) -> str:
        assert asked.subject is not None
        other = Job(asked.key, asked.kind, asked.subject, asked.slot, job.due_at, asked.payload, "", 1)
        return await notify(other, Held(), means)

    def name(self, asked: JobRequest) -> str:
        return next(name for name, who in self.people.items() if str(who.account) == asked.payload["to"])

    async def choose(self, name: str, **notifications: bool) -> None:
        await change_contact(ChangeContact(by=self.people[name], contact={"notifications": notifications}), self.store)

    async def leaves(self, name: str) -> None:
        leaving = RemoveMember(by=self.people["ada"], organization_id=self.id, account_id=self.people[name].account)
        await remove_member(leaving, self.store)

    async def book(self, by: Caller, **more: object) -> Appointment:
        return await a_booked_appointment(self.store, self.week, by=by, **more)


@pytest.fixture
def store() -> Clocked:
    return Clocked()


@pytest.fixture
async def salon(store: Clocked) -> Salon:
    people = {name: somebody(Role.PROVIDER) for name in ("ada", "bo", "cleo")}
    for name, who in people.items():
        await an_account(store, Role.PROVIDER, who.account, name=name.title(), language="en", timezone="UTC")
    id = await an_organization(store, people["ada"], manager=people["bo"], staff=people["cleo"])
    first = await a_provider(store, people["ada"], name="Ada", organization_id=str(id))
    second = await a_provider(store, people["bo"], name="Bo", organization_id=str(id))
    service = await a_service(store, people["ada"], first, second, organization_id=str(id))
    week = OpenWeek(store, people["ada"], first, service, monday_after(store.now()))
    return Salon(id, week, second, people, await an_account(store, language="en", timezone="UTC"))


async def test_members_are_told_if_they_want_to_be(salon: Salon) -> None:
    booked = await salon.book(salon.me)
    assert await salon.tells(booked, "staff-booked", salon.me) == {"owner": "done"}
    await salon.choose("cleo", team=True)
    assert await salon.tells(booked, "staff-booked", salon.me) == {"owner": "done", "cleo": "done"}
    await cancel_appointment(CancelAppointment(by=salon.me, appointment_id=booked.id), salon.store)
    assert await salon.tells(booked, "staff-cancelled", salon.me) == {"owner": "done", "cleo": "done"}
    await salon.choose("cleo", cancelled=False)
    assert await salon.tells(booked, "staff-cancelled", salon.me) == {"owner": "done", "cleo": "unwanted"}


async def test_who_booked_for_another_is_not_told_and_the_owner_and_the_team_are(salon: Salon) -> None:
    await salon.choose("bo", team=True)
    await salon.choose("cleo", team=True)
    guest = await a_guest(replace(salon.week, owner=salon.people["cleo"]))
    booked = await salon.book(salon.people["cleo"], customer_id=guest)
    told = await salon.tells(booked, "staff-booked", salon.people["cleo"])
    assert told == {"owner": "done", "bo": "done", "cleo": "own"}


async def test_who_has_left_meanwhile_is_not_told(salon: Salon) -> None:
    await salon.choose("cleo", team=True)
    booked = await salon.book(salon.me)
    job = a_job(booked, "staff-booked", by=str(salon.me.account))
    means = NoticeServices(salon.store, channels=[salon.told], jobs=salon.jobs)
    await notify(job, Held(), means)
    (asked,) = salon.jobs.by_key.values()
    await salon.leaves("cleo")
    assert await salon.run(asked, means, job) == "unwanted"


async def test_told_again_each_of_the_others_has_one_job(salon: Salon) -> None:
    await salon.choose("cleo", team=True)
    job = a_job(await salon.book(salon.me), "staff-booked", by=str(salon.me.account))
    means = NoticeServices(salon.store, channels=[salon.told], jobs=salon.jobs)
    for _ in range(2):  # the first worker died after it had enqueued them
        await notify(job, Held(), means)
    assert len(salon.jobs.by_key) == 1


@pytest.mark.parametrize("member", [True, False])
async def test_the_owner_of_the_provider_before_a_move_is_told_that_their_time_is_free(
    salon: Salon, member: bool
) -> None:
    """By default, as owners are of all changes, whether they act for the present provider or not."""
    booked = await a_booked_appointment(salon.store, replace(salon.week, provider_id=salon.second), by=salon.me)
    if not member:
        await salon.leaves("bo")
    moving = RescheduleAppointment(
        by=salon.me, appointment_id=booked.id, start=salon.week.at("09:00"), provider_id=salon.week.provider_id
    )
    moved = (await reschedule_appointment(moving, salon.store)).aggregate
    assert await salon.tells(moved, "staff-moved", salon.me) == {"owner": "done", "bo": "done"}
    assert [recipient.name for _, recipient in salon.told.sent] == ["Ada", "Bo"]
    mail = text(LETTERS.message(letter(*salon.told.last)))
    assert "It is now with Ada instead of Bo." in mail
    assert ("View appointment: https://" in mail) is member, "a link that would open nothing is not there"
    assert f"you manage the appointments of {'Ada' if member else 'Bo'}" in mail
    assert await salon.tells(moved, "staff-moved", salon.people["bo"]) == {"owner": "done", "bo": "own"}
    await salon.choose("bo", moved=False)
    assert await salon.tells(moved, "staff-moved", salon.me) == {"owner": "done", "bo": "unwanted"}


async def test_the_link_of_a_member_is_the_member_s(salon: Salon) -> None:
    booked = await salon.book(salon.me)
    links = Links("https://daybook.test", b"a key of links")
    for name in ("ada", "cleo"):
        who = salon.people[name]
        url = links.signed(LinkPurpose.STAFF, booked.id, f"{who.id}@example.org", salon.week.at("23:00"), "en")
        holder = await holder_of(_capability(links, url, booked.id, salon), links, salon.store)
        assert (holder.caller.id, holder.caller.role) == (who.id, Role.PROVIDER)
    stranger = await an_account(salon.store, Role.PROVIDER)
    url = links.signed(LinkPurpose.STAFF, booked.id, f"{stranger.id}@example.org", salon.week.at("23:00"), "en")
    with pytest.raises(LinkVoid):
        await holder_of(_capability(links, url, booked.id, salon), links, salon.store)


def _capability(links: Links, url: str, subject: UUID, salon: Salon) -> Capability:
    return links.open(url.partition("t=")[2].partition("&")[0], subject, salon.store.now())
