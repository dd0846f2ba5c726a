"""What happened to this, in order?"""

from uuid import uuid4

from domain.booking.appointment_fields import Reason
from domain.booking.origin import Party
from projections.query.paging import Page
from projections.read_models import history
from tests.projections.story import NOW, a_place, an_appointment, at
from tests.support.sealed import CODEC


async def test_everything_that_happened_is_told_in_order_at_once(write, engine):
    appointment, by = an_appointment(), uuid4()
    await write(an_appointment())
    position = await write(appointment)
    appointment.annotate(by, "bring a towel", {"size": "L"}, NOW)
    appointment.reschedule(by, *a_place(uuid4(), at(16, 30, day=9)), by_customer=False, now=NOW)
    appointment.cancel(by, Reason("ill"), Party.STAFF, NOW)
    await write(appointment)
    async with engine.connect() as connection:
        items, after = await history.of(connection, appointment.id, Page(), CODEC)
    assert after is None
    assert [(item.position, item.version, item.type) for item in items] == [
        (position, 1, "Appointment.Booked"),
        (position + 1, 2, "Appointment.Noted"),
        (position + 2, 3, "Appointment.Rescheduled"),
        (position + 3, 4, "Appointment.Cancelled"),
    ]
    assert {item.actor for item in items} == {"somebody"}
    assert all(item.at.tzinfo for item in items)
    assert items[1].data == {"by": str(by), "told": {"note": "bring a towel", "answers": {"size": "L"}}}
    assert items[2].data["starts_at"] == "2030-01-09T16:30:00Z"
    assert items[2].data["duration"] == 30
    ended = {"by": str(by), "reason": "ill", "reason_code": None, "party": "staff"}
    assert items[3].data == {**ended, "late": False, "fee": 0}


async def test_what_never_was_has_no_history(engine):
    async with engine.connect() as connection:
        assert await history.of(connection, uuid4(), Page(), CODEC) == ([], None)


async def test_a_long_history_comes_in_parts(write, engine):
    appointment = an_appointment()
    for n in range(3):
        appointment.annotate(uuid4(), f"note {n}", {}, NOW)
    await write(appointment)
    async with engine.connect() as connection:
        first, after = await history.of(connection, appointment.id, Page(limit=3), CODEC)
        second, end = await history.of(connection, appointment.id, Page(limit=3, after=after), CODEC)
    assert [item.version for item in [*first, *second]] == [1, 2, 3, 4]
    assert end is None
