"""Which times are kept? Events in, rows out."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from domain.booking.hold import Hold
from domain.booking.placement import Booking
from projections.query.ownership import Owner
from projections.query.paging import Page
from projections.read_models import hold
from tests.projections.story import NOW, a_place, a_provider, at

ALL = Page(limit=50)
LATER = NOW + timedelta(minutes=5)


def a_hold(provider_id: UUID, start: datetime | None = None, customer_id: UUID | None = None) -> Hold:
    move, _ = a_place(provider_id, start or at(10, day=8))
    return Hold.place(uuid4(), Booking(uuid4(), uuid4(), customer_id or uuid4(), move.placement), LATER, NOW)


async def test_a_hold_is_listed_while_it_keeps_its_time(write, catch_up, look):
    ada = a_provider()
    held, extended = a_hold(ada.id, at(9, day=8)), a_hold(ada.id, at(10, day=8))
    released, used = a_hold(ada.id, at(11, day=8)), a_hold(ada.id, at(12, day=8))
    await write(ada, held, extended, released, used)
    extended.extend(uuid4(), LATER + timedelta(minutes=5), NOW)
    released.release(uuid4(), NOW)
    used.use(uuid4(), uuid4(), NOW)
    await write(extended, released, used)
    await catch_up()
    async with look("hold") as read:
        found, _ = await hold.find(read, ALL, NOW)
        assert [each.id for each in found] == [held.id, extended.id]
        for name in hold.ListedHold.__dataclass_fields__:
            assert getattr(found[1], name) == getattr(extended, name)
        assert found[1].status == extended.status
        after, _ = await hold.find(read, ALL, LATER)
        assert [each.id for each in after] == [extended.id]


async def test_a_hold_is_shown_to_its_customer_and_to_those_who_act_for_its_provider(write, catch_up, look):
    ada, other = a_provider(), a_provider()
    mine = a_hold(ada.id)
    await write(ada, other, mine, a_hold(other.id))
    await catch_up()
    async with look("hold") as read:

        async def ids(**narrow):
            return [each.id for each in (await hold.find(read, ALL, NOW, **narrow))[0]]

        assert await ids(owner=Owner(ada.owner_id)) == await ids(owner=Owner(mine.customer_id)) == [mine.id]
        assert await ids(owner=Owner(uuid4())) == []
        assert await ids(provider_id=ada.id) == await ids(customer_id=mine.customer_id) == [mine.id]
