"""Who books hears of it by mail, from a worker of `daybook up` through a real mail server."""

from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from icalendar import Calendar

from tests.infrastructure.mail.test_mailer import smtp  # noqa: F401  a fixture
from tests.support.instances import Instance, eventually
from tests.system.journeys.town import Town, at, good


def the_event(mail: EmailMessage) -> Any:
    (part,) = [each for each in mail.walk() if each.get_content_type() == "text/calendar"]
    (event,) = Calendar.from_ical(part.get_payload(decode=True)).events
    return event


async def test_a_guest_hears_of_being_booked_moved_and_cancelled(
    fresh: Callable[..., Instance],
    smtp,  # noqa: F811
) -> None:
    place, inbox = smtp()
    env = {"SMTP_URL": f"smtp://{place}", "PUBLIC_URL": "https://daybook.test"}
    instance = fresh(apis=1, workers=1, env=env)

    async def mail(n: int) -> EmailMessage:
        async def arrived() -> bool:
            return len(inbox.taken) >= n

        await eventually(arrived)
        assert len(inbox.taken) == n
        return message_from_bytes(inbox.taken[-1].content, EmailMessage, policy=default)

    async with Town(instance) as town:
        shop = await town.a_shop()
        details = {"name": "Guest", "email": "guest@example.org", "timezone": "Europe/Berlin"}
        guest = good(await shop.owner.ask("POST", "/v1/customers", details), 201)
        booked = good(await shop.owner.book(shop, at("09:00"), customer_id=guest["id"]), 201)
        first = await mail(1)
        moving = await shop.owner.change(booked, "reschedule", {"start": at("10:00").isoformat()})
        second = await mail(2)
        good(await shop.owner.change(good(moving), "cancel", {"reason": "The roof leaks."}))
        third = await mail(3)

    assert [each["Subject"].partition(":")[0] for each in (first, second, third)] == [
        "Booked",
        "Moved",
        "Cancelled",
    ]
    assert {each["To"] for each in (first, second, third)} == {"guest@example.org"}
    events = [the_event(each) for each in (first, second, third)]
    assert [event["DTSTART"].dt for event in events] == [at("09:00"), at("10:00"), at("10:00")]
    assert {event["UID"] for event in events} == {f"{booked['id']}@daybook.test"}
    assert [event["SEQUENCE"] for event in events] == [0, 1, 2]
    assert "The roof leaks." in third.get_body(("plain",)).get_content()
