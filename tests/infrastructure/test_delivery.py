"""Deliveries to real servers, from the log on PostgreSQL: in order, until taken, and nothing lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import create_async_engine
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from application import delivery
from application.access import Caller, Role
from application.appointment import (
    CancelAppointment,
    RescheduleAppointment,
    book_appointment,
    cancel_appointment,
    reschedule_appointment,
)
from application.delivery import Courier, Ended
from application.handler import carry_out
from application.job import Idle, Job, Later, LeaseLost, Means
from application.look import at_present
from application.provider import ChangeProvider, change_provider
from application.subscription import Mark
from application.webhook import (
    ChangeWebhook,
    CreateWebhook,
    DeleteWebhook,
    ResumeWebhook,
    change_webhook,
    create_webhook,
    delete_webhook,
    resume_webhook,
)
from domain.kernel import new_id
from domain.webhook import TYPES, State, Webhook
from infrastructure import subscriptions as module
from infrastructure.eventstore import EventStore
from infrastructure.jobs import Jobs
from infrastructure.rowpool import RowPool
from infrastructure.subscriptions import Subscriptions
from infrastructure.webhooks import Post
from infrastructure.webhooksecrets import WebhookSecrets
from projections.projector import Projector
from projections.readers import READERS
from tests.builders import OpenWeek, a_provider, a_service, an_open_week, an_organization
from tests.infrastructure.receiver import Receiver, a_receiver, drip, silence, status
from tests.infrastructure.test_webhooks import LOOPBACK
from tests.sealed import CODEC
from tests.signing import an_account

NOTE = "allergic to ammonia"
BOTH = ["appointment.booked", "appointment.cancelled"]
OK = status(200)


class Held:
    """application.job.Lease, of somebody who has it until told otherwise."""

    def __init__(self, *, good_for: int = 10**6) -> None:
        self._left = good_for

    async def hold(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise LeaseLost


@dataclass
class Office:
    """A week to book in, and everything that delivers."""

    week: OpenWeek
    store: EventStore
    rows: RowPool
    secrets: WebhookSecrets
    subscriptions: Subscriptions
    courier: Courier
    catch_up: Callable[[], Awaitable[None]]
    booked: list[UUID] = field(default_factory=list)

    async def subscribed(self, receiver: Receiver, **more: Any) -> UUID:
        """A webhook of the week's provider; its id."""
        said = {"url": receiver.url, "types": TYPES, "provider_id": self.week.provider_id, **more}
        command = CreateWebhook(by=self.week.owner, id=new_id(), plain=True, **said)
        id = (await create_webhook(command, self.store)).aggregate.id
        await self.secrets.renew(id)
        return id

    async def book(self, *clocks: str, **more: Any) -> None:
        for clock in clocks:
            done = await book_appointment(self.week.booking(clock, note=NOTE, **more), self.store)
            self.booked.append(done.aggregate.id)

    async def cancel(self, n: int = -1) -> None:
        cancel = CancelAppointment(by=self.week.owner, appointment_id=self.booked[n], reason="ill again")
        await cancel_appointment(cancel, self.store)

    async def sweep(self) -> int:
        """As each second."""
        await self.catch_up()
        return await self.subscriptions.wake()

    async def deliver(self, id: UUID, lease: Any = None) -> Ended:
        """One run, after a sweep."""
        await self.sweep()
        return await delivery.run(id, lease or Held(), self.courier)

    async def mark(self, id: UUID) -> Mark:
        found = await self.subscriptions.mark(id)
        assert found is not None
        return found

    async def state(self, id: UUID) -> State:
        found = await at_present(Webhook, id, self.store)
        assert found is not None
        return found.state

    async def back_date(self, id: UUID, hours: float) -> None:
        """As if it had begun to fail so long before."""
        await self.rows.all(
            "UPDATE work.webhook SET failing_since = failing_since - %s WHERE webhook_id = %s",
            [timedelta(hours=hours), id],
        )


@asynccontextmanager
async def an_office(database: Any, store: EventStore, longest: float = 0.6) -> AsyncIterator[Office]:
    engine = create_async_engine(database.url)
    async with RowPool(database.application, size=6) as rows, Post(LOOPBACK, longest=longest) as post:
        secrets = WebhookSecrets(rows, store.keyring)
        subscriptions = Subscriptions(rows, store.journal)
        courier = Courier(store, subscriptions, secrets, post)
        catch_up = Projector(engine, READERS, CODEC).catch_up
        yield Office(await an_open_week(store), store, rows, secrets, subscriptions, courier, catch_up)
    await engine.dispose()


@pytest.fixture
async def office(database, open_store) -> AsyncIterator[Office]:
    async with an_office(database, await open_store(database.application)) as office:
        yield office


def told(receiver: Receiver) -> list[dict[str, Any]]:
    """What it has taken."""
    return [json.loads(each.body) for each in receiver.taken]


def types(receiver: Receiver) -> list[str]:
    return [each["type"].partition(".")[2] for each in told(receiver)]


def starts(receiver: Receiver) -> list[str]:
    return [each["data"]["start"][11:16] for each in told(receiver)]


async def test_what_happens_is_told_in_order_and_once(office: Office) -> None:
    async with a_receiver() as receiver:
        await office.book("09:00")  # before anybody subscribed
        id = await office.subscribed(receiver)
        await office.book("10:00", "11:00")
        await office.cancel()
        assert await office.deliver(id) == Ended("done")
        assert await office.deliver(id) == Ended("done")
    assert types(receiver) == ["booked", "booked", "cancelled"]
    assert starts(receiver) == ["10:00", "11:00", "11:00"]
    assert [each["data"]["status"] for each in told(receiver)] == ["booked", "booked", "cancelled"]
    positions = [each["data"]["position"] for each in told(receiver)]
    assert positions == sorted(positions)
    assert len(set(receiver.ids)) == 3


async def test_nothing_personal_is_told(office: Office) -> None:
    async with a_receiver() as receiver:
        id = await office.subscribed(receiver)
        await office.book("10:00", answers={"phone": "0123"})
        await office.cancel()
        profile = {"name": "Ada Lovelace", "bio": "cuts hair"}
        change = ChangeProvider(by=office.week.owner, provider_id=office.week.provider_id, profile=profile)
        await change_provider(change, office.store)
        await office.deliver(id)
        said = b"".join(each.body for each in receiver.received)
    assert types(receiver) == ["booked", "cancelled", "changed"]
    for secret in (NOTE, "ammonia", "0123", "ill again", "Lovelace", "cuts hair"):
        assert secret.encode() not in said


async def test_each_types_and_providers_are_its_own(office: Office) -> None:
    other = await an_open_week(office.store)
    async with a_receiver() as one, a_receiver() as two:
        first = await office.subscribed(one, types=["appointment.cancelled"])
        second = await office.subscribed(two, provider_id=office.week.provider_id)
        await book_appointment(other.booking("09:00"), office.store)
        await office.book("10:00")
        await office.cancel()
        await office.deliver(first)
        await office.deliver(second)
    assert types(one) == ["cancelled"]
    assert types(two) == ["booked", "cancelled"]


async def test_an_organization_hears_of_its_providers_as_long_as_they_are_there(office: Office) -> None:
    week = office.week
    id = await an_organization(office.store, week.owner)

    async def move(to: UUID | None) -> None:
        profile = {"organization_id": None if to is None else str(to)}
        change = ChangeProvider(by=week.owner, provider_id=week.provider_id, profile=profile)
        await change_provider(change, office.store)

    async with a_receiver() as receiver:
        about = {"provider_id": None, "organization_id": id}
        webhook = await office.subscribed(receiver, **about, types=BOTH)
        await office.book("09:00")
        await move(id)
        await office.book("10:00")
        await move(None)
        await office.book("11:00")
        await move(id)
        await office.cancel(0)
        await move(None)
        await office.deliver(webhook)
    assert (types(receiver), starts(receiver)) == (["booked", "cancelled"], ["10:00", "09:00"])


async def test_who_an_appointment_leaves_hears_of_it_as_well(office: Office) -> None:
    week = office.week
    other = await a_provider(office.store, week.owner)
    service = await a_service(office.store, week.owner, week.provider_id, other)
    async with a_receiver() as left, a_receiver() as found:
        first, second = await office.subscribed(left), await office.subscribed(found, provider_id=other)
        await office.book("10:00", service_id=service)
        move = RescheduleAppointment(
            by=week.owner, appointment_id=office.booked[0], start=week.at("11:00"), provider_id=other
        )
        await reschedule_appointment(move, office.store)
        await office.cancel()
        await office.deliver(first)
        await office.deliver(second)
    assert types(left) == ["booked", "rescheduled"]
    assert types(found) == ["rescheduled", "cancelled"]
    assert told(left)[1]["data"]["provider_id"] == str(other)
    assert left.ids[1] != found.ids[0]


async def test_an_event_in_the_middle_that_fails_keeps_the_order(office: Office) -> None:
    async with a_receiver(OK, status(500), status(500), OK) as receiver:
        id = await office.subscribed(receiver)
        await office.book("09:00", "10:00", "11:00")
        first = await office.deliver(id)
        assert first.word == "failed"
        assert first.again is not None
        assert timedelta(seconds=3.7) < first.again <= timedelta(seconds=5)
        assert (await office.mark(id)).failures == 1
        second = await office.deliver(id)
        assert second.again is not None
        assert timedelta(seconds=7.5) <= second.again <= timedelta(seconds=10)
        assert await office.deliver(id) == Ended("done")
    assert starts(receiver) == ["09:00", "10:00", "11:00"]
    assert len(receiver.received) == 5
    assert len({each.id for each in receiver.received}) == 3
    assert (await office.mark(id)).failing_since is None


async def test_servers_that_want_to_wait_are_left_alone_as_long_as_they_say(office: Office) -> None:
    async with a_receiver(status(429, "retry-after: 90"), status(503, "retry-after: 3600")) as receiver:
        id = await office.subscribed(receiver)
        await office.book("09:00")
        assert await office.deliver(id) == Ended("failed", timedelta(seconds=90))
        assert await office.deliver(id) == Ended("failed", timedelta(hours=1))
        assert await office.deliver(id) == Ended("done")
    assert starts(receiver) == ["09:00"]


@pytest.mark.parametrize("answering", [silence, drip])
async def test_a_slow_server_harms_nobody_else(office: Office, answering: Any) -> None:
    async with a_receiver(always=answering) as slow, a_receiver() as quick:
        one, other = await office.subscribed(slow), await office.subscribed(quick)
        await office.book("09:00", "10:00")
        await office.sweep()
        runs = (delivery.run(id, Held(), office.courier) for id in (one, other))
        first, second = await asyncio.gather(*runs)
    assert (first.word, second.word) == ("failed", "done")
    assert starts(quick) == ["09:00", "10:00"]
    assert len(slow.received) == 1


async def test_dead_for_a_day_it_is_disabled_and_resumed_it_goes_on_where_it_was(office: Office) -> None:
    async with a_receiver(OK, always=status(500)) as receiver:
        id = await office.subscribed(receiver)
        await office.book("09:00", "10:00")
        assert (await office.deliver(id)).word == "failed"
        await office.back_date(id, 23.5)
        assert (await office.deliver(id)).word == "failed"
        assert await office.state(id) is State.ACTIVE
        await office.back_date(id, 0.6)
        assert await office.deliver(id) == Ended("disabled")
        assert await office.state(id) is State.DISABLED
        await office.book("11:00")
        asked = len(receiver.received)
        assert await office.deliver(id) == Ended("disabled")
        assert len(receiver.received) == asked
        receiver.answers, receiver.always = [status(500)], OK
        await resume_webhook(ResumeWebhook(by=office.week.owner, webhook_id=id), office.store)
        again = await office.deliver(id)  # fails once more, and has another day
        assert again.word == "failed"
        assert again.again is not None
        assert again.again <= timedelta(seconds=5)
        assert await office.deliver(id) == Ended("done")
    assert starts(receiver) == ["09:00", "10:00", "11:00"]
    assert len(set(receiver.ids)) == 3


async def test_gone_is_gone_at_once(office: Office) -> None:
    async with a_receiver(status(410)) as receiver:
        id = await office.subscribed(receiver)
        await office.book("09:00")
        assert await office.deliver(id) == Ended("disabled")
    assert await office.state(id) is State.DISABLED


async def test_redelivery_repeats_the_same_ids_in_order(office: Office) -> None:
    async with a_receiver() as receiver:
        id = await office.subscribed(receiver)
        await office.book("09:00", "10:00", "11:00")
        await office.deliver(id)
        after = told(receiver)[0]["data"]["position"]
        await office.subscriptions.go_back(id, after, 0)
        await office.deliver(id)
        await office.subscriptions.go_back(id, 10**9, 0)  # never ahead: nothing is left out
        await office.book("12:00")
        await office.deliver(id)
    first, rest = receiver.ids[:3], receiver.ids[3:]
    assert rest[:2] == first[1:]
    assert starts(receiver) == ["09:00", "10:00", "11:00", "10:00", "11:00", "12:00"]
    assert receiver.taken[1].body == receiver.taken[3].body


async def test_redelivery_goes_back_to_before_the_subscription(office: Office) -> None:
    async with a_receiver() as receiver:
        await office.book("09:00")
        id = await office.subscribed(receiver)
        await office.sweep()
        await office.subscriptions.go_back(id, 0, 10**9)
        await office.deliver(id)
    assert "09:00" in [each["data"].get("start", "")[11:16] for each in told(receiver)]


async def test_one_that_is_moved_back_while_it_is_being_told_tells_again(office: Office) -> None:
    async with a_receiver() as receiver:
        id = await office.subscribed(receiver)
        await office.book("09:00", "10:00")

        async def back(writer: asyncio.StreamWriter) -> None:
            since = told_first["position"] - 1
            await office.subscriptions.go_back(id, since, 0)
            writer.write(OK)
            await writer.drain()

        await office.deliver(id)
        told_first = told(receiver)[0]["data"]
        await office.book("11:00")
        receiver.answers = [back]
        assert await office.deliver(id) == Ended("done")
    assert starts(receiver) == ["09:00", "10:00", "09:00", "10:00", "11:00"]
    assert len({each.id for each in receiver.received}) == 3


async def test_killed_between_send_and_bookmark_it_tells_again_under_the_same_id(office: Office) -> None:
    async with a_receiver() as receiver:
        id = await office.subscribed(receiver)
        await office.book("09:00", "10:00")
        await office.sweep()
        with pytest.raises(KeyboardInterrupt):
            await delivery.run(id, Held(), replace(office.courier, progress=_Killed(office.subscriptions)))
        assert await office.deliver(id) == Ended("done")
    assert starts(receiver) == ["09:00", "09:00", "10:00"]
    assert receiver.ids[0] == receiver.ids[1]
    assert len(dict.fromkeys(receiver.ids)) == 2, "whoever keeps the ids sees each once"


class _Killed:
    """Ends the process, so to say, before the bookmark moves."""

    def __init__(self, real: Subscriptions) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        if name == "delivered":
            raise KeyboardInterrupt
        return getattr(self._real, name)


async def test_whoever_has_lost_the_lease_sends_no_more(office: Office) -> None:
    async with a_receiver() as receiver:
        id = await office.subscribed(receiver)
        await office.book("09:00", "10:00")
        with pytest.raises(LeaseLost):
            await office.deliver(id, Held(good_for=1))
        assert starts(receiver) == ["09:00"]
        assert await office.deliver(id) == Ended("done")
    assert starts(receiver) == ["09:00", "10:00"]


async def test_signatures_hold_around_a_rotation(office: Office) -> None:
    async with a_receiver() as receiver:
        id = await office.subscribed(receiver)
        (old,) = await office.secrets.current(id)
        await office.book("09:00")
        await office.deliver(id)
        new = await office.secrets.renew(id)
        await office.book("10:00")
        await office.deliver(id)
        await office.rows.all("UPDATE work.webhook_secret SET ends_at = ends_at - interval '25 hours'")
        await office.book("11:00")
        await office.deliver(id)
    assert [verified(old, receiver), verified(new, receiver)] == [[True, True, False], [False, True, True]]
    assert old.startswith("whsec_")
    assert new != old


def verified(secret: str, receiver: Receiver) -> list[bool]:
    found = []
    for each in receiver.taken:
        try:
            Verifier(secret).verify(each.body, each.headers)
        except WebhookVerificationError:
            found.append(False)
        else:
            found.append(True)
    return found


async def test_secrets_are_kept_sealed(office: Office) -> None:
    id = new_id()
    secret = await office.secrets.renew(id)
    ((kept,),) = await office.rows.all("SELECT secret FROM work.webhook_secret")
    assert secret.removeprefix("whsec_").encode() not in bytes(kept)
    assert await office.secrets.current(id) == [secret]


async def test_a_run_yields_after_so_many_events_and_after_so_long(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_receiver() as receiver:
        id = await office.subscribed(receiver)
        await office.book("09:00", "10:00", "11:00")
        monkeypatch.setattr(delivery, "MOST", 2)
        assert await office.deliver(id) == Ended("more", timedelta())
        assert len(receiver.taken) == 2
        ticks = iter(range(0, 1000, 15))
        office.courier = replace(office.courier, clock=lambda: float(next(ticks)))
        monkeypatch.setattr(delivery, "MOST", 50)
        await office.book("12:00", "13:00")
        assert (await office.deliver(id)).word == "more"
        assert len(receiver.taken) == 3


async def test_what_is_noted_of_deliveries(office: Office) -> None:
    async with a_receiver(status(500), silence) as receiver:
        id = await office.subscribed(receiver)
        await office.book("09:00")
        for _ in range(3):
            await office.deliver(id)
        noted = await office.subscriptions.sent(id, 10)
        assert [(each.attempt, each.status_code, each.error) for each in noted] == [
            (3, 204, ""),
            (2, None, "timeout"),
            (1, 500, "status 500"),
        ]
        assert len({each.message_id for each in noted}) == 1
        older = await office.subscriptions.sent(id, 10, before=noted[0].id)
        assert older == noted[1:]


async def test_only_the_last_attempts_are_kept(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 2)
    monkeypatch.setattr(module, "TIDIED", 1)
    async with a_receiver() as receiver:
        one, other = await office.subscribed(receiver), await office.subscribed(receiver)
        await office.book("09:00", "10:00", "11:00", "12:00")
        await office.deliver(one)
        await office.rows.all("UPDATE work.delivery SET at = at - interval '31 days'")
        await office.deliver(other)
    assert await office.subscriptions.sent(one, 10) == []
    assert len(await office.subscriptions.sent(other, 10)) == 2


async def test_a_deleted_one_leaves_nothing(office: Office) -> None:
    async with a_receiver() as receiver:
        id = await office.subscribed(receiver)
        await office.book("09:00", "10:00")
        await office.sweep()
        await delete_webhook(DeleteWebhook(by=office.week.owner, webhook_id=id), office.store)
        assert await office.deliver(id) == Ended("gone")
    assert receiver.received == []
    for table in ("webhook", "webhook_secret", "delivery"):
        assert await office.rows.all(f"SELECT * FROM work.{table}") == []


async def test_a_change_counts_for_everything_not_yet_told(office: Office) -> None:
    async with a_receiver(status(500)) as old, a_receiver() as new:
        id = await office.subscribed(old)
        await office.book("09:00")
        await office.deliver(id)
        change = ChangeWebhook(by=office.week.owner, webhook_id=id, url=new.url, plain=True)
        await change_webhook(change, office.store)
        assert await office.deliver(id) == Ended("done")
    assert (old.ids, starts(new)) == ([], ["09:00"])


async def test_standing_says_how_many_wait(office: Office) -> None:
    async with a_receiver(always=status(500)) as receiver:
        id, idle = await office.subscribed(receiver), await office.subscribed(receiver, types=TYPES[-1:])
        await office.sweep()
        assert await office.subscriptions.standing([id, idle]) == {}
        await office.book("09:00", "10:00")
        await office.deliver(id)
        standing = await office.subscriptions.standing([id, idle])
    assert list(standing) == [id]
    assert standing[id].behind == 2
    assert standing[id].failing_since is not None


async def test_an_idle_one_is_put_right_before_what_comes_next(office: Office) -> None:
    """So that it never walks over what was none of its business."""
    async with a_receiver() as receiver:
        id = await office.subscribed(receiver, types=["appointment.cancelled"])
        await office.book("09:00", "10:00", "11:00")
        await office.cancel()
        await office.sweep()
        mark = await office.mark(id)
        await office.deliver(id)
    assert mark.wanted == told(receiver)[0]["data"]["position"]
    assert mark.position == mark.wanted - 1


async def test_long_stretches_are_walked_in_parts(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SCANNED", 2)
    async with a_receiver() as receiver:
        id = await office.subscribed(receiver, types=["appointment.cancelled"])
        await office.book("09:00", "10:00", "11:00", "12:00", "13:00")
        await office.cancel(0)
        await office.cancel(1)
        await office.sweep()
        await office.subscriptions.go_back(id, 0, 0)
        assert await office.deliver(id) == Ended("done")
    assert starts(receiver) == ["09:00", "10:00"]


async def began(office: Office, jobs: Jobs) -> list[tuple[Job, Any]]:
    """The deliveries that are due, begun after a sweep."""
    await office.sweep()
    await jobs.enrol()
    found = [await jobs.begin(each.key, each.lease) for each in await jobs.claim() if each.kind == "deliver"]
    return [each for each in found if each is not None]


async def test_its_job_is_idle_until_something_concerns_it(office: Office) -> None:
    jobs = Jobs(office.rows)

    async def begun() -> tuple[Job, Any]:
        (found,) = await began(office, jobs)
        return found

    async def rested(job: Job, held: Any) -> datetime | None:
        with pytest.raises(Idle) as idle:
            await carry_out(job, held, Means(office.store, Unsent(), courier=office.courier))
        await jobs.idle(held, idle.value.until)
        return idle.value.until

    async with a_receiver() as receiver:
        id = await office.subscribed(receiver)
        job, held = await begun()
        assert (job.key, job.kind, job.subject) == (id, "deliver", id)
        assert await rested(job, held) is None
        assert await office.sweep() == 0
        assert await began(office, jobs) == []
        await office.book("09:00")
        assert await rested(*await begun()) is None
        await office.book("10:00")
        job, held = await begun()
        assert await rested(job, held) is None
        await office.book("11:00")
        job, held = await begun()
        await office.book("12:00")
        assert await office.sweep() == 0, "it is at work"
        receiver.answers = [status(500)]
        with pytest.raises(Later) as later:
            await carry_out(job, held, Means(office.store, Unsent(), courier=office.courier))
        assert later.value.until > office.store.now()
        await jobs.idle(held, None)  # as if its last look had been a moment before the news
        assert await office.sweep() == 1
        assert await rested(*await begun()) is None
    assert starts(receiver) == ["09:00", "10:00", "11:00", "12:00"]
    assert await office.rows.all("SELECT attempts, error, done_at FROM work.job WHERE kind = 'deliver'") == [
        (0, None, None)
    ]


async def test_the_job_of_one_that_is_disabled_sleeps_and_of_one_deleted_ends(office: Office) -> None:
    jobs = Jobs(office.rows)

    async def outcome() -> str:
        ((job, held),) = await began(office, jobs)
        try:
            said = await carry_out(job, held, Means(office.store, Unsent(), courier=office.courier))
        except Idle as idle:
            await jobs.idle(held, idle.until)
            return "idle"
        await jobs.done(held, said)
        return said

    async with a_receiver(status(410)) as receiver:
        id = await office.subscribed(receiver)
        await office.book("09:00")
        assert await outcome() == "idle"
        await office.book("10:00")
        assert await office.sweep() == 0
        resume = ResumeWebhook(by=office.week.owner, webhook_id=id)
        await resume_webhook(resume, office.store)
        assert await outcome() == "idle"
        assert starts(receiver) == ["09:00", "10:00"]
        await delete_webhook(DeleteWebhook(by=office.week.owner, webhook_id=id), office.store)
        assert await outcome() == "gone"
        assert await office.sweep() == 0


class Unsent:
    """application.ports.Mail: nobody writes here."""

    async def send(self, letter: Any) -> None:
        raise AssertionError(letter.kind)


class Told:
    """application.notice.Channel: remembers."""

    def __init__(self) -> None:
        self.notices: list[Any] = []

    def reaches(self, recipient: Any) -> bool:
        return True

    async def send(self, notice: Any, recipient: Any) -> None:
        self.notices.append((notice, recipient))


async def test_whoever_subscribed_is_told_that_it_is_disabled(database, opened) -> None:
    channel, store = Told(), opened.signing.store
    owner = Caller(await an_account(opened.signing, "ada@example.org", role=Role.PROVIDER), Role.PROVIDER)
    async with an_office(database, store) as office, a_receiver(always=status(410)) as receiver:
        provider_id = await a_provider(store, owner)
        service_id = await a_service(store, owner, provider_id)
        week = replace(office.week, owner=owner, provider_id=provider_id, service_id=service_id)
        office = replace(office, week=week)
        jobs, id = Jobs(office.rows), await office.subscribed(receiver)
        await office.book("09:00")
        assert await office.deliver(id) == Ended("disabled")
        await office.sweep()
        await jobs.enrol()
        means = Means(store, Unsent(), channels=[channel], courier=office.courier)
        for each in await jobs.claim():
            found = await jobs.begin(each.key, each.lease)
            if found is not None and found[0].subject == id and found[0].kind == "notify":
                assert await carry_out(*found, means) == "done"
    ((notice, recipient),) = channel.notices
    assert (notice.kind, notice.about, notice.facts["url"]) == ("webhook-disabled", id, receiver.url)
    assert recipient.email == "ada@example.org"


async def test_sweeps_at_once_lose_nothing(office: Office) -> None:
    async with a_receiver() as receiver:
        ids = [await office.subscribed(receiver) for _ in range(3)]
        for clock in ("09:00", "10:00", "11:00"):
            await office.book(clock)
            await office.catch_up()
            await asyncio.gather(*(office.subscriptions.wake() for _ in range(4)))
        for id in ids:
            assert await office.deliver(id) == Ended("done")
    assert len(receiver.taken) == 9


async def test_the_payload_s_time_is_that_of_the_log(office: Office) -> None:
    async with a_receiver() as receiver:
        id = await office.subscribed(receiver)
        await office.book("09:00")
        await office.deliver(id)
        (first,) = told(receiver)
        query = "SELECT recorded_at FROM log.stored_events WHERE notification_id = %s"
        found = await office.rows.all(query, [first["data"]["position"]])
    assert found == [(datetime.fromisoformat(first["timestamp"]).astimezone(UTC),)]


async def test_without_a_secret_nothing_is_sent(office: Office) -> None:
    async with a_receiver() as receiver:
        id = await office.subscribed(receiver)
        await office.rows.all("DELETE FROM work.webhook_secret")
        await office.book("09:00")
        assert (await office.deliver(id)).word == "failed"
        assert receiver.connections == 0


async def test_an_answer_that_is_taken_moves_the_bookmark_once(office: Office) -> None:
    """Two runs at once, as no lease would allow: the bookmark never leaves anything out."""
    async with a_receiver() as receiver:
        id = await office.subscribed(receiver)
        await office.book("09:00", "10:00", "11:00")
        await office.sweep()
        await asyncio.gather(*(delivery.run(id, Held(), office.courier) for _ in range(2)))
    assert list(dict.fromkeys(starts(receiver))) == ["09:00", "10:00", "11:00"]
