"""Notices: to whom, when they are true, and when nothing is sent."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from application.access import SYSTEM, Caller, Role
from application.booking.appointment import (
    CancelAppointment,
    MarkAppointment,
    RescheduleAppointment,
    cancel_appointment,
    reschedule_appointment,
)
from application.booking.approval import (
    DeclineAppointment,
    confirm_appointment,
    decline_appointment,
    expire_request,
)
from application.booking.attendance import check_in_appointment
from application.booking.hold import ChangeHold, PlaceHold, place_hold, release_hold
from application.catalog.organization import CreateOrganization, create_organization
from application.jobs.job import Confirm, Job, LeaseLost, NotDueYet
from application.notifications.notice import Notice, NoticeKind
from application.notifications.notice_jobs import NoticeServices, notify, remind
from application.notifications.quiet_hours import QuietHours
from application.notifications.recipient import Recipient
from application.notifications.waitlist_notice import offer
from application.people.account import RegisterAccount, register_account
from application.people.customer import CreateCustomer, create_customer
from application.rate_limit import RateLimit, TooManyRequests
from application.webhooks.subscription import (
    CreateWebhook,
    DisableWebhook,
    ResumeWebhook,
    create_webhook,
    disable_webhook,
    resume_webhook,
)
from domain.booking.appointment import Appointment
from domain.kernel import Aggregate, new_id
from tests.application.conftest import Clocked, hours
from tests.support.builders import (
    OpenWeek,
    a_booked_appointment,
    a_provider,
    a_service,
    an_open_week,
    an_organization,
    somebody,
)

ON = frozenset({"booked", "moved", "cancelled"})
"""The notifications of an account that has not chosen."""


@dataclass
class Told:
    """A channel that remembers."""

    sent: list[tuple[Notice, Recipient]] = field(default_factory=list)
    only: Callable[[Recipient], Any] = field(default=lambda recipient: recipient.email)

    def reaches(self, recipient: Recipient) -> bool:
        return bool(self.only(recipient))

    async def send(self, notice: Notice, recipient: Recipient, confirm: Confirm) -> None:
        await confirm()
        self.sent.append((notice, recipient))

    @property
    def last(self) -> tuple[Notice, Recipient]:
        return self.sent[-1]


class Few:
    """Limits that let so many pass."""

    def __init__(self, quota: int) -> None:
        self.left = quota

    async def take(self, policy: str, network: str, subject: str = "") -> RateLimit:
        assert (policy, subject) == ("guest_mail", "guest@example.org")
        room = RateLimit(policy, 2, 60, self.left, 60)
        self.left -= 1
        if self.left < 0:
            raise TooManyRequests(room)
        return room

    async def forgive(self, taken: RateLimit) -> None:
        raise AssertionError


class Held:
    """A lease that is ours, unless it is lost."""

    def __init__(self, lost: bool = False) -> None:
        self.lost = lost
        self.asked = 0

    async def hold(self) -> None:
        self.asked += 1
        if self.lost:
            raise LeaseLost

    @property
    def held(self) -> bool:
        return not self.lost


class Meanwhile(Held):
    """A lease during whose renewal something happens."""

    def __init__(self, happens: Callable[[], Awaitable[Any]]) -> None:
        super().__init__()
        self.happens = happens

    async def hold(self) -> None:
        if not self.asked:
            await self.happens()
        await super().hold()


class Slept(Held):
    """A lease that is over when it has been asked for, so many times: the process was paused right after."""

    def __init__(self, times: int, *, wakes: Callable[[], Awaitable[Any]]) -> None:
        super().__init__()
        self.times, self.wakes = times, wakes

    async def hold(self) -> None:
        if self.asked == 1:
            await self.wakes()
        await super().hold()

    @property
    def held(self) -> bool:
        return self.asked > self.times


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def means(store: Clocked, told: Told) -> NoticeServices:
    return NoticeServices(store, channels=[told], quiet=QuietHours.read("21:00-08:00"))


def a_job(appointment: Aggregate | UUID, slot: str = "booked", **said: Any) -> Job:
    about = appointment.id if isinstance(appointment, Aggregate) else appointment
    if isinstance(appointment, Appointment):
        said = {"starts_at": appointment.starts_at.isoformat()} | said
    return Job(new_id(), "notify", about, slot, datetime(2026, 6, 1, tzinfo=UTC), said, "", 1)


async def an_account(store: Clocked, role: Role = Role.CUSTOMER, id: UUID | None = None, **more: Any) -> Caller:
    me = Caller(id or new_id(), role)
    email = f"{me.id}@example.org"
    contact = {"email": email, "name": "Bea", "timezone": "Europe/Berlin", "language": "ru"} | more
    registering = RegisterAccount(
        by=me, account_id=me.account, role=role, address=await store.address_id(email), contact=contact
    )
    await register_account(registering, store)
    return me


async def a_guest(week: OpenWeek, **details: Any) -> UUID:
    known = {"name": "Guest", "email": "guest@example.org", "phone": "+1", "timezone": None, "note": ""}
    making = CreateCustomer(by=week.owner, id=new_id(), details=known | details)
    return (await create_customer(making, week.store)).aggregate.id


class TestWhom:
    async def test_an_account_by_its_contact(self, store, week, told, means) -> None:
        me = await an_account(store)
        appointment = await a_booked_appointment(store, week, by=me)
        job = a_job(appointment)
        assert await notify(job, Held(), means) == "done"
        notice, recipient = told.last
        assert recipient == replace(
            Recipient("Bea", f"{me.id}@example.org", None, "ru", "Europe/Berlin"),
            account_id=me.account,
            notifications=ON,
        )
        assert (notice.id, notice.kind, notice.about) == (job.key, NoticeKind.BOOKED, appointment.id)

    async def test_a_guest_by_their_own_details(self, store, week, told, means) -> None:
        guest = await a_guest(week, timezone="Asia/Tokyo")
        appointment = await a_booked_appointment(store, week, by=week.owner, customer_id=guest)
        assert await notify(a_job(appointment), Held(), means) == "done"
        assert told.last[1] == Recipient("Guest", "guest@example.org", "+1", "", "Asia/Tokyo", guest_id=guest)

    async def test_a_guest_in_the_provider_s_language(self, store, week, told, means) -> None:
        await an_account(store, Role.PROVIDER, week.owner.account, language="ru")
        appointment = await a_booked_appointment(store, week, by=week.owner, customer_id=await a_guest(week))
        await notify(a_job(appointment), Held(), means)
        assert told.last[1].language == "ru"

    async def test_whoever_has_claimed_the_guest(self, store, week, told, means) -> None:
        me = new_id()
        address = await store.address_id(f"{me}@example.org")
        making = CreateCustomer(
            by=week.owner,
            id=new_id(),
            details={"name": "G", "email": f"{me}@example.org", "phone": None, "timezone": None, "note": ""},
            address=address,
        )
        guest = (await create_customer(making, store)).aggregate.id
        appointment = await a_booked_appointment(store, week, by=week.owner, customer_id=guest)
        await an_account(store, id=me)
        assert await notify(a_job(appointment), Held(), means) == "done"
        assert told.last[1].account_id == me

    async def test_what_can_wait_waits_while_a_guest_s_address_has_had_enough(self, store, week, means) -> None:
        none = replace(means, limits=Few(0), quiet=None)
        appointment = await a_booked_appointment(store, week, by=week.owner, customer_id=await a_guest(week))
        for told_of in (notify, remind):
            with pytest.raises(NotDueYet) as later:
                await told_of(a_job(appointment), Held(), none)
            assert later.value.until == store.now() + timedelta(seconds=60)
        store.set_clock(appointment.starts_at - timedelta(seconds=30))
        assert await remind(a_job(appointment), Held(), none) == "limit"
        mine = await a_booked_appointment(store, week, clock="15:00", by=await an_account(store))
        assert await notify(a_job(mine), Held(), none) == "done", "whoever has an account has proved the address"

    async def test_moves_and_cancellations_go_however_much_an_address_has_had(self, store, week, told, means) -> None:
        none = replace(means, limits=Few(0))
        appointment = await a_booked_appointment(store, week, by=week.owner, customer_id=await a_guest(week))
        moving = RescheduleAppointment(by=week.owner, appointment_id=appointment.id, start=week.at("10:00"))
        moved = (await reschedule_appointment(moving, store)).aggregate
        assert await notify(a_job(moved, "moved"), Held(), none) == "done"
        cancelling = CancelAppointment(by=week.owner, appointment_id=appointment.id, reason="away")
        await cancel_appointment(cancelling, store)
        assert await notify(a_job(moved, "cancelled"), Held(), none) == "done"
        assert [notice.kind for notice, _ in told.sent] == [NoticeKind.MOVED, NoticeKind.CANCELLED]

    async def test_a_guest_without_an_address_gets_nothing(self, store, week, told, means) -> None:
        guest, lease = await a_guest(week, email=None), Held()
        appointment = await a_booked_appointment(store, week, by=week.owner, customer_id=guest)
        assert await notify(a_job(appointment), lease, means) == "no-address"
        assert (told.sent, lease.asked) == ([], 0)

    async def test_another_channel_reaches_whom_the_first_does_not(self, store, week, told) -> None:
        texts = Told(only=lambda recipient: recipient.phone)
        guest = await a_guest(week, email=None)
        appointment = await a_booked_appointment(store, week, by=week.owner, customer_id=guest)
        assert await notify(a_job(appointment), Held(), NoticeServices(store, channels=[told, texts])) == "done"
        assert (len(told.sent), len(texts.sent)) == (0, 1)

    async def test_the_forgotten_get_nothing(self, store, week, told, means) -> None:
        me = await an_account(store)
        appointment = await a_booked_appointment(store, week, by=me)
        store.memory.keys.rows.pop(me.account)
        assert await notify(a_job(appointment), Held(), means) == "forgotten"
        assert told.sent == []

    async def test_who_was_never_known_gets_nothing(self, store, week, told, means) -> None:
        appointment = await a_booked_appointment(store, week)
        assert await notify(a_job(appointment), Held(), means) == "forgotten"


class TestTruth:
    @pytest.fixture
    async def me(self, store) -> Caller:
        return await an_account(store)

    @pytest.fixture
    async def appointment(self, store, week, me) -> Appointment:
        return await a_booked_appointment(store, week, by=me)

    async def test_what_was_cancelled_is_not_told_as_booked(self, store, me, appointment, told, means) -> None:
        cancelling = CancelAppointment(by=me, appointment_id=appointment.id, reason="ill")
        await cancel_appointment(cancelling, store)
        for kind in ("booked", "moved", "requested", "declined"):
            assert await notify(a_job(appointment, kind), Held(), means) == "gone"
        assert await remind(a_job(appointment), Held(), means) == "gone"
        assert await notify(a_job(appointment, "cancelled"), Held(), means) == "done"
        assert told.last[0].facts["reason"] == "ill"

    async def test_nothing_is_told_of_the_old_time(self, store, week, me, appointment, told, means) -> None:
        moving = RescheduleAppointment(by=me, appointment_id=appointment.id, start=week.at("10:00"))
        moved = (await reschedule_appointment(moving, store)).aggregate
        assert await notify(a_job(appointment), Held(), means) == "moved"
        assert await notify(a_job(appointment, "moved"), Held(), means) == "moved"
        assert await remind(a_job(appointment), Held(), means) == "moved"
        assert told.sent == []
        assert await notify(a_job(moved, "moved"), Held(), means) == "done"
        visit = told.last[0].visit
        assert (visit.starts_at, visit.sequence) == (week.at("10:00"), 1)

    async def test_what_moves_while_it_is_written_is_not_sent(self, store, week, me, appointment, told) -> None:
        moving = RescheduleAppointment(by=me, appointment_id=appointment.id, start=week.at("10:00"))

        class Meddler(Told):
            def reaches(self, recipient: Recipient) -> bool:
                raise AssertionError

        from application.notifications import notice_jobs

        real = notice_jobs.visit_of

        async def meddling(*args: Any) -> Any:
            visit = await real(*args)
            await reschedule_appointment(moving, store)
            return visit

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(notice_jobs, "visit_of", meddling)
            means = NoticeServices(store, channels=[Meddler()])
            assert await remind(a_job(appointment), Held(), means) == "moved"

    async def test_a_reminder_is_for_what_is_booked_and_ahead(self, store, week, appointment, told, means) -> None:
        store.set_clock(appointment.starts_at)
        assert await remind(a_job(appointment), Held(), means) == "late"
        store.set_clock(appointment.starts_at - hours(0.5))
        marking = MarkAppointment(by=week.owner, appointment_id=appointment.id)
        await check_in_appointment(marking, store)
        assert await remind(a_job(appointment), Held(), means) == "gone"
        assert told.sent == []

    async def test_of_what_never_was_nothing_is_told(self, means) -> None:
        assert await notify(a_job(new_id()), Held(), means) == "gone"

    async def test_whoever_has_lost_the_lease_sends_nothing(self, appointment, told, means) -> None:
        with pytest.raises(LeaseLost):
            await notify(a_job(appointment), Held(lost=True), means)
        assert told.sent == []

    async def test_it_says_what_where_and_at_what_price(self, store, told, means) -> None:
        owner = somebody(Role.PROVIDER)
        organization = await an_organization(store, owner)
        provider = await a_provider(store, owner, organization_id=str(organization), address="Main St. 5")
        terms = {"cancel_notice": 60, "late_cancel": "fee", "late_fee": 700}
        service = await a_service(store, owner, provider, **terms)
        week = OpenWeek(store, owner, provider, service, datetime(2026, 6, 15, tzinfo=UTC))
        appointment = await a_booked_appointment(store, week, by=await an_account(store))
        await notify(a_job(appointment), Held(), means)
        visit = told.last[0].visit
        assert (visit.service, visit.provider, visit.address) == ("Haircut", "Ada", "Main St. 5")
        assert (visit.price, visit.currency, visit.late_fee) == (2500, "EUR", 700)
        assert visit.cancel_until == week.at("08:00")
        assert visit.ends_at - visit.starts_at == timedelta(minutes=30)

    @pytest.mark.parametrize("own", [True, False])
    async def test_it_names_the_public_contact_of_the_provider_or_the_organization(
        self, store, told, means, own
    ) -> None:
        owner = somebody(Role.PROVIDER)
        profile = {"name": "Ada's", "timezone": None, "bio": None, "address": None}
        shared = {"email": "salon@example.org", "phone": "+33 1"}
        founding = CreateOrganization(by=owner, id=new_id(), profile=profile | shared)
        organization = (await create_organization(founding, store)).aggregate.id
        contact = {"email": "ada@example.org", "phone": None} if own else {}
        provider = await a_provider(store, owner, organization_id=str(organization), **contact)
        service = await a_service(store, owner, provider)
        week = OpenWeek(store, owner, provider, service, datetime(2026, 6, 15, tzinfo=UTC))
        appointment = await a_booked_appointment(store, week, by=await an_account(store))
        await notify(a_job(appointment), Held(), means)
        visit = told.last[0].visit
        assert (visit.email, visit.phone) == ("ada@example.org" if own else "salon@example.org", "+33 1")


class TestQuietHours:
    """The customer is in Berlin: quiet from 19:00 to 06:00 UTC in summer."""

    @pytest.fixture
    async def appointment(self, store, week) -> Appointment:
        return await a_booked_appointment(store, week, by=await an_account(store))  # 09:00 UTC

    async def test_a_reminder_waits_for_their_end(self, store, appointment, told, means) -> None:
        store.set_clock(appointment.starts_at - hours(5))
        lease = Held()
        with pytest.raises(NotDueYet) as later:
            await remind(a_job(appointment), lease, means)
        assert later.value.until == appointment.starts_at - hours(3)
        assert (told.sent, lease.asked) == ([], 0)
        store.set_clock(later.value.until)
        assert await remind(a_job(appointment), Held(), means) == "done"

    async def test_its_date_is_their_end_whenever_it_is_sent(self, store, appointment, told, means) -> None:
        end = appointment.starts_at - hours(3)
        job = replace(a_job(appointment), due_at=appointment.starts_at - hours(5))
        for minutes in (0, 20):
            store.set_clock(end + timedelta(minutes=minutes))
            assert await remind(job, Held(), means) == "done"
        assert [notice.at for notice, _ in told.sent] == [end, end]

    async def test_but_not_for_longer_than_until_the_start(self, store, appointment, told) -> None:
        means = NoticeServices(store, channels=[told], quiet=QuietHours.read("21:00-11:00"))
        store.set_clock(appointment.starts_at - hours(5))
        assert await remind(a_job(appointment), Held(), means) == "done"

    async def test_other_notices_do_not_wait(self, store, appointment, means) -> None:
        store.set_clock(appointment.starts_at - hours(5))
        assert await notify(a_job(appointment), Held(), means) == "done"


class TestRequests:
    """Of a service that needs approval within the hour."""

    @pytest.fixture
    async def week(self, store) -> OpenWeek:
        week = await an_open_week(store, approval=True, approval_ttl=60)
        await an_account(store, Role.PROVIDER, week.owner.account, name="Ada", language="en")
        return week

    @pytest.fixture
    async def asked(self, store, week) -> Appointment:
        return await a_booked_appointment(store, week, by=await an_account(store))

    async def test_the_customer_and_the_owner_are_told_until_when(self, store, asked, told, means) -> None:
        assert await notify(a_job(asked, "requested"), Held(), means) == "done"
        assert await notify(a_job(asked, "approve"), Held(), means) == "done"
        (first, customer), (second, owner) = told.sent
        assert (customer.name, owner.name) == ("Bea", "Ada")
        assert first.until == second.until == store.now() + timedelta(minutes=60)
        assert (first.facts["customer"], second.facts["customer"]) == ("", "Bea")

    async def test_nobody_is_asked_for_what_is_over(self, store, asked, told, means) -> None:
        store.set_clock(store.now() + timedelta(minutes=60))
        for kind in ("requested", "approve"):
            assert await notify(a_job(asked, kind), Held(), means) == "late"
        assert told.sent == []

    async def test_once_answered_the_answer_is_told(self, store, week, asked, told, means) -> None:
        declining = DeclineAppointment(by=week.owner, appointment_id=asked.id, reason="away")
        await decline_appointment(declining, store)
        for kind in ("requested", "approve", "booked", "expired"):
            assert await notify(a_job(asked, kind), Held(), means) == "gone"
        assert await notify(a_job(asked, "declined"), Held(), means) == "done"
        assert told.last[0].facts["reason"] == "away"

    async def test_once_confirmed_it_is_booked(self, store, week, asked, told, means) -> None:
        assert await remind(a_job(asked), Held(), means) == "gone"
        await confirm_appointment(MarkAppointment(by=week.owner, appointment_id=asked.id), store)
        assert await notify(a_job(asked, "requested"), Held(), means) == "gone"
        assert await notify(a_job(asked, "booked"), Held(), means) == "done"
        assert (told.last[0].until, told.last[0].visit.sequence) == (None, 1)

    async def test_unanswered_it_has_lapsed(self, store, asked, told, means) -> None:
        store.set_clock(store.now() + timedelta(minutes=60))
        await expire_request(MarkAppointment(by=SYSTEM, appointment_id=asked.id), store)
        assert await notify(a_job(asked, "expired"), Held(), means) == "done"


async def test_an_offer_says_until_when_the_place_is_kept(store, week, told, means) -> None:
    me, waiting = await an_account(store), new_id()
    placing = PlaceHold(
        by=me, id=new_id(), service_id=week.service_id, provider_id=week.provider_id, start=week.at("09:00")
    )
    hold = (await place_hold(placing, store)).aggregate
    job = a_job(waiting, "offer", hold_id=str(hold.id))
    assert await offer(job, Held(), means) == "done"
    notice, recipient = told.last
    assert (notice.kind, notice.about, notice.until) == (NoticeKind.OFFER, waiting, hold.expires_at)
    assert (recipient.account_id, notice.visit.service) == (me.account, "Haircut")
    store.set_clock(hold.expires_at)
    assert await offer(job, Held(), means) == "gone"
    assert await offer(a_job(waiting, "offer", hold_id=str(new_id())), Held(), means) == "gone"


@pytest.mark.parametrize("reason", ["gone", "failing"])
async def test_whoever_subscribed_is_told_that_a_webhook_is_off_and_why(store, told, means, reason: str) -> None:
    me = await an_account(store, Role.PROVIDER)
    provider = await a_provider(store, me)
    what = {"url": "https://x.example", "types": ["appointment.booked"], "provider_id": provider}
    webhook = (await create_webhook(CreateWebhook(by=me, id=new_id(), **what), store)).aggregate
    await disable_webhook(DisableWebhook(by=SYSTEM, webhook_id=webhook.id, reason=reason), store)
    assert await notify(a_job(webhook.id, "disabled"), Held(), means) == "done"
    assert (told.last[0].about, told.last[0].facts) == (webhook.id, {"url": "https://x.example", "why": reason})
    store.memory.keys.rows.pop(me.account)
    assert await notify(a_job(webhook.id, "disabled"), Held(), means) == "forgotten"


async def a_disabled_webhook(store: Clocked, by: Caller) -> UUID:
    what = {"url": "https://x.example/hook", "types": ["appointment.booked"]}
    asked = CreateWebhook(by=by, id=new_id(), provider_id=await a_provider(store, by), **what)
    webhook = (await create_webhook(asked, store)).aggregate
    await disable_webhook(DisableWebhook(by=SYSTEM, webhook_id=webhook.id, reason="failing"), store)
    return webhook.id


async def test_what_is_cancelled_while_the_lease_is_renewed_is_not_sent(store, week, told, means):
    me = await an_account(store)
    appointment = await a_booked_appointment(store, week, by=me)
    cancelling = CancelAppointment(by=me, appointment_id=appointment.id)
    lease = Meanwhile(lambda: cancel_appointment(cancelling, store))
    assert await notify(a_job(appointment), lease, means) == "gone"
    assert told.sent == []


async def test_whoever_sleeps_between_the_lease_and_the_text_looks_again(store, week, told, means):
    me = await an_account(store)
    appointment = await a_booked_appointment(store, week, by=me)
    cancelling = CancelAppointment(by=me, appointment_id=appointment.id)
    lease = Slept(1, wakes=lambda: cancel_appointment(cancelling, store))
    assert await notify(a_job(appointment), lease, means) == "gone"
    assert told.sent == []


async def test_an_offer_that_ends_while_the_lease_is_renewed_is_not_sent(store, week, told, means):
    me = await an_account(store)
    placing = PlaceHold(
        by=me, id=new_id(), service_id=week.service_id, provider_id=week.provider_id, start=week.at("09:00")
    )
    hold = (await place_hold(placing, store)).aggregate
    lease = Meanwhile(lambda: release_hold(ChangeHold(by=me, hold_id=hold.id), store))
    assert await offer(a_job(new_id(), "offer", hold_id=str(hold.id)), lease, means) == "gone"
    assert told.sent == []


async def test_a_webhook_that_is_resumed_while_the_lease_is_renewed_is_not_reported(store, told, means):
    owner = await an_account(store, Role.PROVIDER)
    webhook = await a_disabled_webhook(store, owner)
    lease = Meanwhile(lambda: resume_webhook(ResumeWebhook(by=owner, webhook_id=webhook), store))
    assert await notify(a_job(webhook, "disabled"), lease, means) == "gone"
    assert told.sent == []
