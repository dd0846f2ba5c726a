"""The daily agenda: once a day, in the morning of the account's zone, to accounts that have chosen it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from application.access import Caller, Role
from application.jobs.job import Confirm, Job, NotDueYet
from application.notifications.agenda import AgendaEntry, AgendaServices, send_agenda
from application.notifications.links import Links
from application.notifications.mail import MailMessage
from application.people.contact import ChangeContact, change_contact
from domain.booking.appointment import Appointment
from domain.kernel import new_id
from domain.people.account import Account
from tests.application.conftest import Clocked
from tests.application.notifications.test_notice import Held, an_account
from tests.support.builders import a_booked_appointment

MORNING = datetime(2026, 6, 15, 5, tzinfo=UTC)
"""Seven in Berlin, on the first day of `week`."""


@dataclass
class Post:
    """A mailer that remembers, and the record of what it has sent."""

    sent: list[MailMessage] = field(default_factory=list)

    async def send(self, letter: MailMessage, confirm: Confirm) -> None:
        await confirm()
        self.sent.append(letter)

    async def has(self, id: UUID) -> bool:
        return any(each.id == id for each in self.sent)


@dataclass
class Days:
    """The appointments of all days."""

    entries: list[AgendaEntry] = field(default_factory=list)

    async def of(self, account_id: UUID, since: datetime, until: datetime) -> Sequence[AgendaEntry]:
        return [each for each in self.entries if since <= each.starts_at < until]


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
async def owner(store, week) -> Caller:
    me = await an_account(store, Role.PROVIDER, week.owner.account, name="Ada", language="en")
    await change_contact(ChangeContact(by=me, contact={"notifications": {"agenda": True}}), store)
    return me


@pytest.fixture
async def appointment(store, week) -> Appointment:
    return await a_booked_appointment(store, week, by=await an_account(store))


@pytest.fixture
def means(store: Clocked, post: Post, appointment: Appointment) -> AgendaServices:
    at = appointment
    entry = AgendaEntry(at.service_id, at.provider_id, at.customer_id, at.starts_at, at.ends_at)
    return AgendaServices(store, Days([entry]), post, post, Links("https://daybook.test", b"a key of links"))


async def run(owner: Caller, means: AgendaServices, store: Clocked, now: datetime) -> datetime:
    """When the job is due again."""
    store.set_clock(now)
    job = Job(new_id(), "agenda", Account.id_of(owner.account), "agenda", now, {}, "", 1)
    with pytest.raises(NotDueYet) as later:
        await send_agenda(job, Held(), means)
    return later.value.until


async def test_it_is_sent_in_the_morning_of_the_account_s_zone(store, owner, means, post) -> None:
    assert await run(owner, means, store, MORNING - timedelta(minutes=1)) == MORNING
    assert post.sent == []
    assert await run(owner, means, store, MORNING) == MORNING + timedelta(days=1)
    (mail,) = post.sent
    (line,) = mail.agenda
    assert mail.stop_link.endswith("&setting=agenda")
    assert (mail.kind, mail.at, mail.said["count"]) == ("agenda", MORNING, "1")
    assert (line.service, line.customer, line.provider) == ("Haircut", "Bea", "Ada")


async def test_it_is_sent_once_a_day_however_often_its_job_runs(store, owner, means, post) -> None:
    for minutes in (0, 1, 200):
        await run(owner, means, store, MORNING + timedelta(minutes=minutes))
    assert len(post.sent) == 1


async def test_a_late_worker_sends_it_until_noon(store, owner, means, post) -> None:
    await run(owner, means, store, MORNING + timedelta(hours=5))
    assert post.sent == []
    await run(owner, means, store, MORNING + timedelta(hours=5) - timedelta(seconds=1))
    assert len(post.sent) == 1


async def test_a_day_without_appointments_has_none(store, owner, means, post) -> None:
    await run(owner, means, store, MORNING + timedelta(days=1))
    assert post.sent == []


async def test_the_job_ends_once_it_is_switched_off(store, owner, means, post) -> None:
    await change_contact(ChangeContact(by=owner, contact={"notifications": {"agenda": False}}), store)
    store.set_clock(MORNING)
    job = Job(new_id(), "agenda", Account.id_of(owner.account), "agenda", MORNING, {}, "", 1)
    assert await send_agenda(job, Held(), means) == "unwanted"
    store.memory.keys.rows.pop(owner.account)
    assert await send_agenda(job, Held(), means) == "forgotten"
    assert post.sent == []
