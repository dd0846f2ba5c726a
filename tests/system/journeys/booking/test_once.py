"""One Idempotency-Key, one booking: asked at once, later, on two processes, and across kill -9."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import httpx
import pytest

from domain.log_position import position_of
from tests.support.faultproxy import TO_CLIENT, TO_SERVER, FaultProxy
from tests.support.instances import Api, Instance, ask, eventually
from tests.system.journeys.town import Person, Shop, Town, at, good, problem

TWINS = 20


def told(answer: httpx.Response) -> tuple[int, bytes, str, str, str]:
    """What must be the same in every answer to one key."""
    names = ("location", "etag", "daybook-position")
    location, etag, position = (answer.headers[name] for name in names)
    return answer.status_code, answer.content, location, etag, position


def replayed(answer: httpx.Response) -> bool:
    return bool(answer.headers.get("idempotency-replayed") == "true")


@pytest.mark.fault(2)
async def test_twenty_twins_are_one_booking_with_identical_answers(town: Town) -> None:
    shop, ada = await town.a_shop(capacity=5), town.somebody()
    twins: list[httpx.Response] = []
    for hour in ("09:00", "10:00", "11:00"):
        twins = await asyncio.gather(*(ada.book(shop, at(hour), key=f"twin-{hour}") for _ in range(TWINS)))
        assert len({told(answer) for answer in twins}) == 1
        assert good(twins[0], 201)["status"] == "booked"
        assert [replayed(answer) for answer in twins].count(False) == 1
    assert (await shop.starts(seen=_position(twins[0])))["starts"][at("11:00")] == 4


async def test_a_key_answers_the_same_after_what_it_booked_has_changed(town: Town) -> None:
    shop, ada = await town.a_shop(), town.somebody()
    first = await ada.book(shop, at("09:00"), key="again")
    mine = good(first, 201)
    good(await ada.change(mine, "cancel"))
    good(await town.somebody().book(shop, at("09:00")), 201)
    good(await shop.schedule([]))
    for api in town.apis:
        again = await ada.book(shop, at("09:00"), key="again", api=api)
        assert (told(again), replayed(again)) == (told(first), True)


@pytest.mark.fault(2)
async def test_a_key_with_another_body_is_refused_and_does_nothing(town: Town) -> None:
    shop, ada = await town.a_shop(), town.somebody()
    first = await ada.book(shop, at("09:00"), key="mine")
    for api in town.apis:
        other = await ada.book(shop, at("10:00"), key="mine", api=api)
        assert problem(other) == (422, "key-reused")
    assert at("10:00") in (await shop.starts(seen=_position(first)))["starts"]


async def test_a_key_is_its_callers_own(town: Town) -> None:
    shop, ada, bea = await town.a_shop(), town.somebody(), town.somebody()
    first = good(await ada.book(shop, at("09:00"), key="the-same"), 201)
    second = good(await bea.book(shop, at("10:00"), key="the-same"), 201)
    assert first["id"] != second["id"]


async def test_a_refused_key_may_be_used_again(town: Town) -> None:
    shop, ada, bea = await town.a_shop(), town.somebody(), town.somebody()
    mine = good(await ada.book(shop, at("09:00")), 201)
    assert problem(await bea.book(shop, at("09:00"), key="second")) == (409, "slot-taken")
    good(await ada.change(mine, "cancel"))
    answer = await bea.book(shop, at("09:00"), key="second")
    assert (answer.status_code, replayed(answer)) == (201, False)


class Wire:
    """An API process behind a wire to its database, and somebody whose booking it has all in mind for."""

    def __init__(self, town: Town, wire: FaultProxy, api: Api, shop: Shop, ada: Person) -> None:
        self.town, self.wire, self.api, self.shop, self.ada = town, wire, api, shop, ada

    async def book(self) -> httpx.Response:
        return await self.ada.book(self.shop, at("10:00"), key="wire", api=self.api.url)

    async def recorded(self) -> bool:
        """Whether the log has the booking."""
        return bool(await asyncio.to_thread(self._bookings))

    def _bookings(self) -> list[tuple[object, ...]]:
        return ask(
            self.town.instance.superuser_database,
            "SELECT originator_id FROM log.stored_events"
            " WHERE topic = 'Appointment.Booked' AND position(%s in convert_from(state, 'UTF8')) > 0"
            " AND position(%s in convert_from(state, 'UTF8')) > 0",
            [UUID(self.shop.service_id).hex, at("10:00").isoformat()],
        )

    async def kill_and_start(self) -> None:
        self.api.kill()
        self.wire.cut()
        self.wire.flow()
        await asyncio.to_thread(self.api.start)

    async def assert_one(self) -> None:
        """The booking is there once, and every further answer is the same."""
        first, second = await self.book(), await self.ada.book(self.shop, at("10:00"), key="wire")
        assert told(first) == told(second)
        assert good(second, 201)["start"] == first.json()["start"]
        assert replayed(second)
        assert [str(id) for (id,) in self._bookings()] == [first.json()["id"]]


@asynccontextmanager
async def a_wire(town: Town) -> AsyncIterator[Wire]:
    instance: Instance = town.instance
    shop, ada = await town.a_shop(), town.somebody()
    async with FaultProxy(instance.database) as wire:
        cut_off = instance.another_api(instance.environment(wire.dsn))
        api = await asyncio.to_thread(cut_off.__enter__)
        try:
            good(await ada.book(shop, at("09:00"), api=api.url), 201)  # from now on it needs to read nothing
            yield Wire(town, wire, api, shop, ada)
        finally:
            wire.cut()
            wire.flow()
            api.kill()


@pytest.fixture
async def wire(town: Town) -> AsyncIterator[Wire]:
    async with a_wire(town) as wire:
        yield wire


@pytest.mark.fault(3)
async def test_killed_between_commit_and_answer_the_retry_gets_the_answer(wire: Wire) -> None:
    wire.wire.stall(TO_CLIENT)
    lost = asyncio.create_task(wire.book())
    await eventually(wire.recorded)
    assert not lost.done(), "nobody is told before the database has answered"
    await wire.kill_and_start()
    with pytest.raises(httpx.TransportError):
        await lost
    again = await wire.book()
    assert (again.status_code, replayed(again)) == (201, True)
    await wire.assert_one()


@pytest.mark.fault(3)
async def test_killed_before_anything_was_sent_the_retry_books(wire: Wire) -> None:
    wire.wire.stall(TO_SERVER)
    lost = asyncio.create_task(wire.book())
    await _under_way(wire, lost.done)
    await wire.kill_and_start()
    with pytest.raises(httpx.TransportError):
        await lost
    assert not await wire.recorded()
    again = await wire.book()
    assert (again.status_code, replayed(again)) == (201, False)
    await wire.assert_one()


async def test_cut_off_between_commit_and_answer_the_caller_is_answered_all_the_same(wire: Wire) -> None:
    wire.wire.stall(TO_CLIENT)
    waiting = asyncio.create_task(wire.book())
    await eventually(wire.recorded)
    wire.wire.cut()
    wire.wire.flow()
    good(await waiting, 201)
    await wire.assert_one()


async def _under_way(wire: Wire, done: Callable[[], bool]) -> None:
    """Return once the API has taken the request: another one, asked after it, has been answered."""
    async with asyncio.timeout(120):
        for _ in range(3):
            good(await wire.town.stranger.get("/health/live", api=wire.api.url))
    assert not done()


def _position(answer: httpx.Response) -> int:
    return position_of(answer.headers["daybook-position"])
