"""What happens because time passes: one story on a real worker, its mails taken by a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any
from uuid import UUID, uuid4

import pytest
from icalendar import Calendar

from tests.infrastructure.mail.test_mailer import Inbox, smtp  # noqa: F401  smtp is a fixture
from tests.support.instances import Instance, eventually
from tests.system.journeys.conftest import checked
from tests.system.journeys.town import (
    Person,
    Shop,
    Town,
    at,
    good,
    position,
    problem,
    read,
    written,
)

MINUTE = timedelta(minutes=1)
SOON = 300.0  # seconds in which what is due within a minute must have happened


@pytest.fixture(params=["redis", "rabbitmq"])
def story(
    request: pytest.FixtureRequest,
    fresh: Callable[..., Instance],
    smtp: Any,  # noqa: F811
) -> tuple[Instance, Inbox]:
    """An instance with a worker, over each broker, and what its mail server takes."""
    place, inbox = smtp()
    env = {"SMTP_URL": f"smtp://{place}", "PUBLIC_URL": "https://daybook.test"}
    if request.param == "rabbitmq":
        env["BROKER_URL"] = request.getfixturevalue("rabbitmq").url
    return fresh(apis=2, workers=1, env=env), inbox


class People:
    """Customers with accounts, who can be written to, and what they got."""

    def __init__(self, town: Town, inbox: Inbox) -> None:
        self._town, self._inbox = town, inbox
        self._admin = town.somebody("admin")
        self.mail_of: dict[UUID, str] = {}

    async def somebody(self, name: str, **more: Any) -> Person:
        """A customer whose mails are read."""
        email = f"{name}-{uuid4().hex[:6]}@example.org"
        said = {"email": email, "name": name.capitalize(), "role": "customer", **more}
        made = good(await self._admin.ask("POST", "/v1/users", said), 201)
        account = UUID(made["id"])
        self.mail_of[account] = email
        return Person(self._town, "customer", account)

    def mails(self, person: Person) -> list[EmailMessage]:
        """Of appointments, the oldest first."""
        taken = [each for each in self._inbox.taken if self.mail_of[person.account] in each.rcpt_tos]
        mails = [message_from_bytes(each.content, EmailMessage, policy=default) for each in taken]
        return [each for each in mails if kind(each) != "You have an account"]

    async def told(self, person: Person, *subjects: str) -> EmailMessage:
        """They got mails that begin with these words, no others; the last."""

        async def arrived() -> bool:
            return len(self.mails(person)) >= len(subjects)

        with suppress(TimeoutError):
            await eventually(arrived, SOON)
        assert [kind(each) for each in self.mails(person)] == list(subjects)
        return self.mails(person)[-1]

    async def jobs(self, subject: str, **filters: str) -> dict[str, dict[str, Any]]:
        """Of an appointment or the like, by slot."""
        query = "".join(f"&{name}={value}" for name, value in filters.items())
        told = good(await self._admin.get(f"/v1/jobs?subject={subject}{query}"))
        return {each["slot"]: each for each in told["items"]}


def kind(mail: EmailMessage) -> str:
    return str(mail["Subject"]).partition(":")[0]


def the_event(mail: EmailMessage) -> tuple[str, Any]:
    """Method and event of its calendar part."""
    (part,) = [each for each in mail.walk() if each.get_content_type() == "text/calendar"]
    calendar = Calendar.from_ical(part.get_payload(decode=True))
    (event,) = calendar.events
    return str(calendar["METHOD"]), event


async def reminded(shop: Shop, person: Person, people: People) -> None:
    """One is reminded at the minute that the service says, and another who has moved is not."""
    now = datetime.now(UTC)
    start = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=3)
    minutes = int((start - now - timedelta(seconds=20)) / MINUTE)
    service = await shop.offer(reminders=[minutes], duration=30)
    stays = good(await person.book(shop, start, service=service), 201)
    goes = good(await person.book(shop, start + timedelta(hours=1), service=service), 201)
    await people.told(person, "Booked", "Booked")
    moved = good(await person.change(goes, "reschedule", {"start": written(at("09:00", 1))}))
    await people.told(person, "Booked", "Booked", "Moved", "Reminder")
    jobs = await people.jobs(stays["id"])
    assert jobs["remind-0"]["status"] == "done"
    assert jobs["remind-0"]["done_at"] >= jobs["remind-0"]["planned_at"]
    assert (await people.jobs(moved["id"]))["remind-0"]["status"] == "waiting"


@pytest.mark.timeout(900)
async def test_hold_approve_remind_move_cancel_and_offer_to_who_waits(story: tuple[Instance, Inbox]) -> None:
    instance, inbox = story
    async with Town(instance) as town:
        people = People(town, inbox)
        shop = await town.a_shop(approval=True, hold_ttl=1, offer_ttl=1, reminders=[120])
        plain = await town.a_shop()
        grace, hal, ivy, joe = [await people.somebody(name) for name in ("grace", "hal", "ivy", "joe")]
        lapsing = asyncio.create_task(_lapse(shop, hal, people))
        reminding = asyncio.create_task(reminded(plain, joe, people))

        # Booked with approval: both sides are told, and its time is taken meanwhile.
        asked = good(await grace.book(shop, at("09:00")), 201)
        assert asked["status"] == "requested"
        assert problem(await ivy.book(shop, at("09:00"))) == (409, "slot-taken")
        await people.told(grace, "Requested")
        booked = good(await shop.owner.change(asked, "confirm"))
        assert booked["status"] == "booked"
        method, event = the_event(await people.told(grace, "Requested", "Booked"))
        assert (method, event["DTSTART"].dt) == ("REQUEST", at("09:00"))

        # Moved, which needs approval too: nothing more about the old time, one mail for the new.
        asked = good(await grace.change(booked, "reschedule", {"start": written(at("11:00"))}))
        assert asked["status"] == "requested"
        mails = ["Requested", "Booked", "Move requested"]
        await people.told(grace, *mails)
        moving = await shop.owner.change(asked, "confirm")
        mails += ["Booked"]
        method, event = the_event(await people.told(grace, *mails))
        assert (method, event["DTSTART"].dt) == ("REQUEST", at("11:00"))

        # Two wait for the day; it is given up; the first lets the offer lapse, the second accepts it.
        wish = {"service_id": shop.service_id, "provider_id": shop.provider_id}
        wish |= {"dates": {"from": str(at("00:00").date()), "to": str(at("00:00").date())}}
        wish |= {"hours": [{"from": "11:00", "to": "11:30"}]}
        first = good(await hal.ask("POST", "/v1/waitlist", wish), 201)
        second = good(await ivy.ask("POST", "/v1/waitlist", wish), 201)
        cancelling = await grace.change(good(moving), "cancel", {"reason": "I have a cold."})
        method, event = the_event(await people.told(grace, *mails, "Cancelled"))
        assert (method, event["UID"]) == ("CANCEL", f"{booked['id']}@daybook.test")
        await lapsing
        await people.told(hal, "A place is free")
        assert (await _waiting(hal, first))["offer"]["start"] == written(at("11:00"))
        assert problem(await grace.book(shop, at("11:00"))) == (409, "slot-taken")
        await people.told(ivy, "A place is free")
        assert (await _waiting(hal, first))["status"] == "waiting", "theirs has lapsed"
        accepted = await ivy.ask("POST", f"/v1/waitlist/{second['id']}/accept", {}, if_match="*")
        won = good(accepted, 201)
        assert (won["status"], won["start"], won["customer_id"]) == (
            "requested",
            written(at("11:00")),
            str(ivy.account),
        )
        await people.told(ivy, "A place is free", "Requested")
        good(await shop.owner.change(won, "confirm"))
        await people.told(ivy, "A place is free", "Requested", "Booked")
        await reminding

        # All of it is read back.
        assert (await _waiting(ivy, second))["status"] == "accepted"
        history = good(await grace.get(f"/v1/appointments/{booked['id']}/history", seen=position(cancelling)))
        assert [each["type"] for each in history["items"]] == [
            f"Appointment.{each}" for each in ("Requested", "Confirmed", "MoveRequested", "Confirmed", "Cancelled")
        ]
        jobs = await people.jobs(booked["id"])
        done = {slot for slot, job in jobs.items() if job["status"] == "done"}
        assert done == {"requested", "approve", "booked", "cancelled", "staff-cancelled"}
        assert {job["status"] for job in jobs.values()} <= {"done", "dropped"}
        assert await people.jobs(booked["id"], status="dead") == {}
        mails = good(await grace.get("/v1/me/mails"))["items"]
        assert [each["kind"] for each in mails][:5] == ["cancelled", "booked", "requested", "booked", "requested"]
        await checked(instance, town.acknowledged)


async def _lapse(shop: Shop, person: Person, people: People) -> None:
    """A hold runs out: its time is offered again, and the sweep writes it down."""
    answer = await person.hold(shop, at("15:00"))
    hold = good(answer, 201)
    assert at("15:00") not in (await shop.starts(seen=position(answer)))["starts"]

    async def free() -> bool:
        await asyncio.sleep(0.5)
        return at("15:00") in (await shop.starts())["starts"]

    await eventually(free, SOON)
    assert datetime.now(UTC) >= read(hold["expires_at"])
    assert problem(await person.get(f"/v1/holds/{hold['id']}")) == (410, "hold-expired")

    async def noted() -> bool:
        return (await people.jobs(hold["id"])).get("expire", {}).get("outcome") == "expired"

    await eventually(noted)


async def _waiting(person: Person, entry: dict[str, Any]) -> dict[str, Any]:
    return good(await person.get(f"/v1/waitlist/{entry['id']}"))
