"""A mail offers what is possible at that time, and says what has happened: tried for each policy, time and actor."""

import re
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from application.access import SYSTEM, Caller, Role
from application.booking.appointment import (
    CancelAppointment,
    MarkAppointment,
    RescheduleAppointment,
    cancel_appointment,
    reschedule_appointment,
)
from application.booking.approval import confirm_appointment
from application.notifications.notice import NoticeKind
from application.notifications.notice_jobs import NoticeServices, notify, remind
from domain.booking.appointment import Appointment
from domain.errors import Refusal
from tests.application.conftest import Clocked
from tests.application.notifications.test_notice import Held, Told, a_job, an_account
from tests.infrastructure.mail.gallery import LETTERS, letter
from tests.infrastructure.mail.test_email_channel import text
from tests.support.builders import OpenWeek, a_booked_appointment, an_open_week

CANCELLING = {
    "refuse": {"cancel_notice": 120, "late_cancel": "refuse"},
    "fee": {"cancel_notice": 120, "late_cancel": "fee", "late_fee": 700},
    "free": {"cancel_notice": 120, "late_cancel": "fee", "late_fee": 0},
    "anytime": {"cancel_notice": 0, "late_cancel": "refuse"},
}
MOVING = {
    "anytime": {"reschedule_notice": 0, "max_reschedules": None},
    "early": {"reschedule_notice": 180, "max_reschedules": None},
    "once": {"reschedule_notice": 0, "max_reschedules": 1},
    "never": {"reschedule_notice": 0, "max_reschedules": 0},
}
BEFORE = (24 * 60, 181, 180, 179, 121, 120, 119, 1)
"""Minutes before the start at which the mail is sent: on both sides of each deadline, and on it."""
HISTORIES = ("booked", "moved by the customer", "moved by staff")
_FEE = re.compile(r"you will be charged €(\d+\.\d\d)")
_BUTTONS = {"Change or cancel": (True, True), "Cancel": (True, False), "Change the time": (False, True)}


class Story:
    """An appointment under a policy, and the mails about it."""

    def __init__(self, store: Clocked, week: OpenWeek, me: Caller, appointment: Appointment) -> None:
        self.store, self.week, self.me, self.appointment = store, week, me, appointment
        self.told = Told()
        self.means = NoticeServices(store, channels=[self.told])

    @classmethod
    async def begin(cls, history: str = "booked", minutes: int | None = None, **policy: Any) -> "Story":
        """`minutes`: the time at which the story stops, before the start."""
        store = Clocked()
        week = await an_open_week(store, **policy)
        me = await an_account(store, language="en", timezone="UTC")
        story = cls(store, week, me, await a_booked_appointment(store, week, clock="12:00", by=me))
        if history != "booked":
            await story.move("13:00", me if history == "moved by the customer" else week.owner)
        if minutes is not None:
            store.set_clock(story.appointment.starts_at - timedelta(minutes=minutes))
        return story

    async def move(self, clock: str, by: Caller) -> None:
        moving = RescheduleAppointment(by=by, appointment_id=self.appointment.id, start=self.week.at(clock))
        self.appointment = (await reschedule_appointment(moving, self.store)).aggregate

    async def cancel(self, by: Caller) -> None:
        cancelling = CancelAppointment(by=by, appointment_id=self.appointment.id, reason="ill")
        self.appointment = (await cancel_appointment(cancelling, self.store)).aggregate

    async def mail(self, slot: str) -> str:
        telling = remind if slot == "reminder" else notify
        job = a_job(self.appointment, slot, by=str(self.me.account))
        assert await telling(job, Held(), self.means) == "done"
        return text(LETTERS.message(letter(*self.told.last)))


async def fee_of_cancelling(story: Story) -> int | None:
    """What the customer's cancellation costs; None if it is refused."""
    try:
        await story.cancel(story.me)
    except Refusal:
        return None
    assert story.appointment.cancelled is not None
    fee: int = story.appointment.cancelled["fee"]
    return fee


async def moves(story: Story) -> bool:
    """Whether the customer moves it."""
    try:
        await story.move("15:00", story.me)
    except Refusal:
        return False
    return True


CASES = [case for case in product(CANCELLING, MOVING, HISTORIES) if case[1:] != ("never", "moved by the customer")]


@pytest.mark.parametrize(("cancelling", "moving", "history"), CASES)
async def test_a_mail_offers_what_can_be_done(cancelling: str, moving: str, history: str) -> None:
    policy = CANCELLING[cancelling] | MOVING[moving]
    for minutes in BEFORE:
        fee = await fee_of_cancelling(await Story.begin(history, minutes, **policy))
        can_move = await moves(await Story.begin(history, minutes, **policy))
        for slot in ("booked" if history == "booked" else "moved", "reminder"):
            mail = await (await Story.begin(history, minutes, **policy)).mail(slot)
            buttons = [able for words, able in _BUTTONS.items() if f"\n{words}: https://" in mail]
            assert (buttons or [(False, False)]) == [(fee is not None, can_move)], (minutes, slot, mail)
            assert ("Online cancellation has closed" in mail) is (fee is None), (minutes, slot, mail)
            charged = _FEE.search(mail)
            assert (round(float(charged[1]) * 100) if charged else 0) == (fee or 0), (minutes, slot, mail)


@pytest.mark.parametrize(
    ("actor", "told"),
    [
        ("customer", "You cancelled this appointment."),
        ("owner", "Ada has cancelled this appointment. We are sorry."),
        ("system", "This appointment has been cancelled."),
    ],
)
@pytest.mark.parametrize("minutes", [240, 60])
async def test_a_cancellation_names_the_side_and_the_fee(actor: str, told: str, minutes: int) -> None:
    story = await Story.begin(minutes=minutes, **CANCELLING["fee"])
    actors = {"customer": story.me, "owner": story.week.owner, "system": SYSTEM}
    await story.cancel(actors[actor])
    mail = await story.mail("cancelled")
    assert told in mail
    charged = actor == "customer" and minutes < 120
    assert ("The late cancellation fee is €7.00." in mail) is charged


async def owner_of(story: Story) -> Caller:
    owner = story.week.owner.account
    return await an_account(story.store, Role.PROVIDER, owner, name="Ada", language="en", timezone="UTC")


@pytest.mark.parametrize(
    ("actor", "told"),
    [("customer", "Bea cancelled this appointment."), ("system", "The appointment of Bea was cancelled.")],
)
@pytest.mark.parametrize("minutes", [240, 60])
async def test_staff_learn_who_cancelled_and_the_fee(actor: str, told: str, minutes: int) -> None:
    story = await Story.begin(minutes=minutes, **CANCELLING["fee"])
    await owner_of(story)
    await story.cancel(story.me if actor == "customer" else SYSTEM)
    mail = await story.mail("staff-cancelled")
    assert told in mail
    charged = actor == "customer" and minutes < 120
    assert ("The late cancellation fee is €7.00." in mail) is charged
    assert "free" not in mail, "somebody else may have booked the time by now"


async def test_staff_learn_from_where_to_where_a_customer_moved() -> None:
    story = await Story.begin()
    await owner_of(story)
    assert "Bea has an appointment with Ada." in await story.mail("staff-booked")
    await story.move("15:00", story.me)
    assert re.search(r"Bea moved an appointment from .*, 12:00 pm to .*, 3:00 pm\.", await story.mail("staff-moved"))


@pytest.mark.parametrize("slot", ["staff-booked", "staff-moved"])
async def test_staff_are_not_told_of_what_is_over(slot: str) -> None:
    """Between the event and its mail the customer has cancelled: a mail that says otherwise is not sent."""
    story = await Story.begin()
    await owner_of(story)
    await story.cancel(story.me)
    job = a_job(story.appointment, slot, by=str(story.me.account))
    assert await notify(job, Held(), story.means) == "gone"


@pytest.mark.parametrize("actor", ["customer", "owner"])
async def test_a_move_names_the_side_and_both_times(actor: str) -> None:
    story = await Story.begin()
    await story.move("15:00", story.me if actor == "customer" else story.week.owner)
    mail = await story.mail("moved")
    begin = "You moved your appointment" if actor == "customer" else "Ada has moved your appointment"
    assert re.search(rf"\n{begin} from .*, 12:00 pm to .*, 3:00 pm\.\n", mail)
    assert story.told.last[0].kind is NoticeKind.MOVED


@pytest.mark.parametrize(
    ("slot", "said"),
    [
        ("approve", r"would like to move an appointment from .*, 12:00 pm to .*, 3:00 pm\."),
        ("requested", r"You asked to move your appointment from .*, 12:00 pm to .*, 3:00 pm\."),
    ],
)
async def test_a_request_to_move_says_so_and_names_both_times(slot: str, said: str) -> None:
    story = await Story.begin(approval=True)
    await owner_of(story)
    assert "move" not in (await story.mail(slot)).partition("https://")[0].casefold()
    confirming = MarkAppointment(by=story.week.owner, appointment_id=story.appointment.id)
    await confirm_appointment(confirming, story.store)
    await story.move("15:00", story.me)
    assert re.search(said, await story.mail(slot))
