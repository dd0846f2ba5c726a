"""A kept answer is never older than what its reader has seen, whatever happens to Redis."""

import asyncio
import json
import secrets
import sys
import time
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from psycopg import AsyncConnection
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from application.access import Role
from application.booking.hold import PlaceHold, place_hold
from application.catalog.provider import ChangeProvider, change_provider
from application.scheduling.holiday import ReplaceHoliday, replace_holiday
from domain.errors import Conflict
from domain.kernel import new_id
from domain.scheduling.interval import Interval
from projections.availability.cache import AvailabilityCache
from projections.availability.invalidation import LEASE, InvalidationPublisher, connect, key
from projections.availability.loader import AvailabilityLoader
from projections.availability.queries import Availability
from projections.availability.response import PreparedAvailability
from projections.availability.snapshot import AvailabilitySnapshot
from tests.conftest import Database
from tests.projections.clinic import Clinic, open_clinic
from tests.projections.racing import ENOUGH, Answers, Question, Told
from tests.support.builders import an_organization, somebody
from tests.support.faultproxy import TO_CLIENT, TO_SERVER, FaultProxy
from tests.support.waiting import PATIENCE, assert_took


class Watched(AvailabilityLoader):
    """Looks that are counted, and held up once they have seen what they see."""

    def __init__(self, loader: AvailabilityLoader) -> None:
        super().__init__(loader._pool)
        self.count = 0
        self.has_seen = asyncio.Event()
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def at_service(self, *asked: Any) -> AvailabilitySnapshot:
        found = await super().at_service(*asked)
        self.count += 1
        self.has_seen.set()
        await self.may_go_on.wait()
        return found


class Desk:
    """One process that answers: its cache, and how often it had to look."""

    def __init__(self, clinic: Clinic, cache: AvailabilityCache) -> None:
        self.clinic = clinic
        self.cache = cache
        self.loader = Watched(clinic.loader)
        self.availability = Availability(self.loader, clinic.reads, cache)

    async def free(self, **asked: Any) -> list[str]:
        """Once what was made before is stored: so that a test knows what is where."""
        free = await self.clinic.free(self.availability, **asked)
        await asyncio.gather(*self.cache._storing)
        return free

    async def looked(self, **asked: Any) -> int:
        """How many looks one more question takes."""
        before = self.loader.count
        await self.free(**asked)
        return self.loader.count - before

    async def shows(self, clocks: list[str]) -> bool:
        return await self.free() == clocks

    @property
    def hears(self) -> bool:
        return self.cache._process.epoch is not None

    def has_heard(self, position: int) -> bool:
        """Whether it has been told of a change there, or hears nothing at all."""
        return not self.hears or position in self.cache._process._changes.values()


@asynccontextmanager
async def no_silence(clinic: Clinic) -> AsyncIterator[None]:
    """Heartbeats throughout, as from the projector: a process that stops trusting its answers has another reason."""
    publisher = clinic.publisher
    assert publisher

    async def beat() -> None:
        while True:
            await publisher.heartbeat()
            await asyncio.sleep(LEASE / 10)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.wait([beating])


NewDesk = Callable[..., Awaitable[Desk]]


async def until(holds: Callable[[], Any], seconds: float = PATIENCE) -> None:
    """Returns once the condition holds."""
    async with asyncio.timeout(seconds):
        while True:
            found = holds()
            if (await found) if asyncio.iscoroutine(found) else found:
                return
            await asyncio.sleep(0.01)


@pytest.fixture
def prefix() -> str:
    return f"test-{secrets.token_hex(4)}:"


@pytest.fixture
async def redis(servers) -> AsyncIterator[Redis]:
    async with connect(servers.redis_url) as client:
        yield client


@pytest.fixture
async def publisher(redis, prefix, engine) -> InvalidationPublisher:
    return InvalidationPublisher(redis, prefix, engine)


@pytest.fixture
async def clinic(database, engine, reads, publisher) -> AsyncIterator[Clinic]:
    async with open_clinic(database.application, engine, reads, publisher) as clinic:
        await publisher.heartbeat()
        yield clinic


@pytest.fixture
async def new_desk(clinic, redis, prefix, publisher) -> AsyncIterator[NewDesk]:
    """`hears`: whether it keeps answers in the process too; else Redis alone has them."""
    async with AsyncExitStack() as stack:

        async def new_desk(client: Redis = redis, *, hears: bool = False) -> Desk:
            desk = Desk(clinic, AvailabilityCache(client, prefix))
            if hears:
                await stack.enter_async_context(desk.cache)
                await until(lambda: heard(desk))
            return desk

        async def heard(desk: Desk) -> bool:
            await publisher.heartbeat()
            return desk.hears

        yield new_desk


@pytest.fixture(params=[True, False], ids=["in the process", "in redis"])
async def desk(request, new_desk) -> Desk:
    """With the level of the cache that a test is about."""
    return await new_desk(hears=request.param)


OFFICE = [f"{hour:02}:{minute:02}" for hour in range(9, 17) for minute in (0, 30)]
WITHOUT_TEN = [clock for clock in OFFICE if clock != "10:00"]


async def test_an_answer_is_made_once_and_kept(desk):
    assert await desk.free() == OFFICE
    assert await desk.looked() == 0
    assert await desk.free() == OFFICE


async def test_another_process_finds_it_in_redis_and_says_the_same(clinic, new_desk):
    first, second = await new_desk(), await new_desk(hears=True)
    now = clinic.store.now()
    assert await clinic.answer(first.availability, now=now) == await clinic.answer(now=now)
    await asyncio.gather(*first.cache._storing)
    assert await clinic.answer(second.availability, now=now) == await clinic.answer(now=now)
    assert second.loader.count == 0


async def test_in_redis_a_booking_that_readers_show_is_never_missing(clinic, new_desk):
    desk = await new_desk()
    for clock in ("09:00", "11:00", "15:30"):
        await desk.free()
        await clinic.book(clock)
        await clinic.catch_up()
        assert await desk.free() == await clinic.free()


async def test_in_the_process_a_booking_is_missing_no_longer_than_its_news_takes(clinic, new_desk):
    desk = await new_desk(hears=True)
    await desk.free()
    async with no_silence(clinic):
        await clinic.book("10:00")
        await clinic.catch_up()
        await until(lambda: desk.shows(WITHOUT_TEN))


async def test_a_holiday_outdates_what_was_kept_for_the_organizations_providers(clinic, desk):
    admin, week = somebody(Role.ADMIN), clinic.week
    salon = await an_organization(clinic.store, admin)
    joining = {"organization_id": str(salon)}
    await change_provider(ChangeProvider(by=admin, provider_id=week.provider_id, profile=joining), clinic.store)
    await clinic.catch_up()
    await desk.free()
    closing = ReplaceHoliday(by=admin, organization_id=salon, date=week.monday.date(), name="Holiday")
    position = (await replace_holiday(closing, clinic.store)).position
    await clinic.catch_up()
    await until(lambda: desk.has_heard(position))
    assert await desk.free() == []


async def test_what_touches_somebody_else_outdates_nothing(clinic, desk):
    await desk.free()
    await clinic.somebody_else_opens()
    await clinic.catch_up()
    assert await desk.looked() == 0


async def test_a_kept_answer_from_before_the_position_asked_for_is_not_used(clinic, desk):
    await desk.free()
    position = await clinic.somebody_else_opens()
    await clinic.catch_up()
    assert await desk.looked(at_least=position) == 1
    assert await desk.looked(at_least=position) == 0
    assert (await clinic.answer(desk.availability, at_least=position))["position"] == position


async def test_an_answer_made_between_publishing_and_commit_is_not_kept(clinic, desk, publisher):
    _, position = await clinic.book("10:00")
    await publisher.before_commit({clinic.week.provider_id: position})
    await until(lambda: desk.has_heard(position))
    assert await desk.free() == OFFICE
    await clinic.catch_up_unheard()
    assert await desk.free() == WITHOUT_TEN


@pytest.mark.parametrize("flushed", [False, True], ids=["", "flushed"])
async def test_a_slow_answer_never_hides_a_booking(clinic, desk, new_desk, redis, publisher, flushed):
    desk.loader.may_go_on.clear()
    asking = asyncio.create_task(desk.free())
    await desk.loader.has_seen.wait()
    _, position = await clinic.book("10:00")
    await clinic.catch_up()
    await until(lambda: desk.has_heard(position))
    if flushed:
        epoch = desk.cache._process.epoch
        await redis.flushall()
        await publisher.heartbeat()
        await until(lambda: not desk.hears or desk.cache._process.epoch != epoch)
    desk.loader.may_go_on.set()
    assert await asking == OFFICE
    for each in (desk, await new_desk()):
        assert await each.free() == WITHOUT_TEN


async def test_a_slow_answer_does_not_replace_a_newer_one(clinic, new_desk):
    slow, quick = await new_desk(), await new_desk()
    slow.loader.may_go_on.clear()
    asking = asyncio.create_task(slow.free())
    await slow.loader.has_seen.wait()
    position = await clinic.somebody_else_opens()
    await clinic.catch_up()
    await quick.free()
    slow.loader.may_go_on.set()
    await asking
    assert await quick.looked(at_least=position) == 0


async def test_after_a_flush_answers_are_right_and_kept_again_from_the_next_epoch_on(
    clinic, new_desk, redis, publisher
):
    desk = await new_desk()
    await desk.free()
    await redis.flushall()
    await clinic.book("10:00")
    await clinic.catch_up_unheard()
    assert await desk.free() == WITHOUT_TEN
    assert await desk.looked() == 1
    await publisher.heartbeat()
    await desk.free()
    assert await desk.looked() == 0


async def test_an_epoch_begins_at_the_logs_head(clinic, new_desk, redis, publisher, prefix):
    desk = await new_desk()
    await desk.free()
    await clinic.book("10:00")
    await redis.delete(key(prefix))
    await publisher.heartbeat()
    assert await desk.free() == OFFICE
    assert await desk.looked() == 1
    await clinic.catch_up_unheard()
    assert await desk.free() == WITHOUT_TEN


async def test_without_a_heartbeat_nothing_kept_is_used(clinic, desk):
    await desk.free()

    async def looks() -> bool:
        return await desk.looked() == 1

    await until(looks)
    await clinic.book("10:00")
    await clinic.catch_up_unheard()
    assert await desk.free() == WITHOUT_TEN


async def test_a_cut_news_connection_empties_the_process(clinic, new_desk, redis):
    desk = await new_desk(hears=True)
    await desk.free()
    near = desk.cache._process
    assert near._answers
    async with no_silence(clinic):
        await redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        await until(lambda: not near._answers)


async def test_news_lost_with_the_connection_are_not_missed(clinic, new_desk, servers):
    async with FaultProxy(servers.redis_url) as proxy, connect(proxy.dsn) as client:
        desk = await new_desk(client, hears=True)
        await desk.free()
        async with no_silence(clinic):
            proxy.stall(TO_CLIENT)
            await clinic.book("10:00")
            await clinic.catch_up()
            proxy.cut()
            proxy.flow()
            await until(lambda: desk.shows(WITHOUT_TEN))
            await until(lambda: desk.hears)
            assert await desk.free() == WITHOUT_TEN


async def test_a_publisher_that_failed_begins_another_epoch(clinic, new_desk, servers, engine, prefix):
    desk = await new_desk()
    async with FaultProxy(servers.redis_url) as proxy, connect(proxy.dsn) as client:
        clinic.publisher = InvalidationPublisher(client, prefix, engine)
        await clinic.publisher.heartbeat()
        await desk.free()
        assert await desk.looked() == 0
        proxy.stall(TO_SERVER)
        await clinic.book("10:00")
        await clinic.catch_up()
        proxy.cut()
        proxy.flow()
        await clinic.publisher.heartbeat()
        assert await desk.free() == WITHOUT_TEN


async def test_of_two_publishers_the_one_that_publishes_takes_over(clinic, new_desk, redis, engine, prefix):
    desk, other = await new_desk(), InvalidationPublisher(redis, prefix, engine)
    await other.heartbeat()
    await desk.free()
    await clinic.book("10:00")
    await clinic.catch_up()
    assert await desk.free() == WITHOUT_TEN
    await other.heartbeat()
    assert await desk.free() == WITHOUT_TEN


def shown(position: int, *ids: UUID) -> PreparedAvailability:
    """An answer without starts that shows a position."""
    return PreparedAvailability(position, [id.bytes for id in ids], 0, 9e9, 0, "UTC", array("q"), array("I"), b"")


class Held:
    """An engine whose first answer is read, and then held up, as in a process that is paused there."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine, self.has_read, self.goes_on = engine, asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Any]:
        async with self.engine.connect() as connection:
            yield connection
        self.has_read.set()
        await self.goes_on.wait()


async def test_an_epoch_that_begins_late_forgets_no_change_that_another_has_published(
    clinic, new_desk, redis, engine, prefix, publisher
):
    held = Held(engine)
    desk, late = await new_desk(), InvalidationPublisher(redis, prefix, held)
    beginning = asyncio.create_task(late.heartbeat())
    await held.has_read.wait()  # where the log ends now
    before = await desk.free()
    _, position = await clinic.book("10:00")
    await publisher.before_commit({clinic.week.provider_id: position})
    held.goes_on.set()
    await beginning
    assert await desk.free() == before  # right until the page is committed: the rows are the old ones
    await clinic.catch_up_unheard()
    for _ in range(3):
        await late.heartbeat()
        assert await desk.free() == WITHOUT_TEN


async def test_a_publisher_whose_epoch_another_has_replaced_publishes_its_next_page_all_the_same(
    clinic, new_desk, redis, engine, prefix, publisher
):
    """A former leader that has not noticed yet that another one leads, and commits one more page."""
    held = Held(engine)
    desk, former = await new_desk(), InvalidationPublisher(redis, prefix, held)
    beginning = asyncio.create_task(former.heartbeat())
    await held.has_read.wait()
    await publisher.heartbeat()
    held.goes_on.set()
    await beginning
    await desk.free()
    assert await desk.looked() == 0
    await clinic.book("10:00")
    clinic.publisher = former
    await clinic.catch_up()
    await publisher.heartbeat()
    assert await desk.free() == WITHOUT_TEN


async def test_a_redis_that_comes_back_with_less_begins_another_epoch(clinic, new_desk, redis, publisher, prefix):
    """As after a restart that lost the last second, or when a replica takes over."""
    desk = await new_desk()
    await desk.free()
    saved = await redis.dump(key(prefix))
    await clinic.book("10:00")
    await clinic.catch_up()
    await redis.restore(key(prefix), int(LEASE * 1000), saved, replace=True)
    await publisher.heartbeat()
    assert await desk.free() == WITHOUT_TEN


async def test_a_new_lead_gives_no_answer_of_a_log_that_a_failover_has_lost(clinic, new_desk, publisher, redis, prefix):
    desk = await new_desk(hears=True)
    cache, calendar, head = desk.cache, clinic.week.provider_id, await clinic.somebody_else_opens()
    _, began = await cache.from_redis("question", 1.0, None)
    cache.keep("question", shown(head + 2, calendar), began)  # shows two events that the new primary does not have
    await asyncio.gather(*cache._storing)
    await publisher.before_commit({new_id(): head + 2})
    assert cache.from_process("question", 1.0, head + 2) is not None
    async with clinic.projector_leads():
        await until(lambda: cache._process.epoch != began.process)
        assert cache.from_process("question", 1.0, head + 2) is None
        assert (await cache.from_redis("question", 1.0, head + 2))[0] is None


async def test_published_positions_never_go_down(clinic, new_desk, publisher):
    """As when a reader that lags is given a page that others have had."""
    desk = await new_desk()
    before = await clinic.somebody_else_opens()
    await clinic.catch_up()
    await desk.free()
    _, position = await clinic.book("10:00")
    for published in (position, before):
        await publisher.before_commit({clinic.week.provider_id: published})
    await clinic.catch_up_unheard()
    assert await desk.free() == WITHOUT_TEN


@pytest.mark.parametrize("fault", ["refused", "silent", "cut"])
async def test_without_redis_answers_are_right_and_hardly_slower(clinic, new_desk, servers, fault):
    async with FaultProxy(servers.redis_url) as proxy, AsyncExitStack() as stack:
        url = proxy.dsn if fault != "refused" else "redis://127.0.0.1:1"
        desk = await new_desk(await stack.enter_async_context(connect(url)))
        if fault == "silent":
            proxy.stall(TO_CLIENT)
        await clinic.book("10:00")
        await clinic.catch_up()
        began = time.monotonic()
        for _ in range(20):
            if fault == "cut":
                proxy.cut()
            assert await desk.free() == WITHOUT_TEN
        assert_took(began, 1.0)


async def test_what_passes_with_time_is_cut_off_kept_answers(clinic, desk):
    noon = clinic.week.at("11:59")
    assert (await desk.free(now=noon))[0] == "12:00"
    assert (await desk.free(now=noon + timedelta(seconds=40)))[0] == "12:00"
    assert await desk.looked(now=noon + timedelta(seconds=50)) == 0
    assert await desk.looked(now=noon + timedelta(minutes=2)) == 1
    assert (await desk.free(now=noon + timedelta(seconds=59)))[0] == "12:00"
    later = clinic.week.at("12:00") + timedelta(microseconds=1)
    assert (await desk.free(now=later))[0] == "12:30"


async def test_a_kept_answer_does_not_outlive_the_first_hold_that_it_saw(clinic, desk):
    week = clinic.week
    said = {"by": somebody(), "service_id": week.service_id, "provider_id": week.provider_id}
    held = await place_hold(PlaceHold(**said, id=new_id(), start=week.at("10:00")), clinic.store)
    await clinic.catch_up()
    over = held.aggregate.expires_at
    assert await desk.free(now=over - timedelta(seconds=50)) == WITHOUT_TEN
    assert await desk.looked(now=over - timedelta(microseconds=1)) == 0
    assert await desk.free(now=over) == OFFICE, "at its second, and no event has said so"


async def test_a_kept_answer_does_not_outlive_midnight_where_the_window_moves_on(
    database, engine, reads, redis, prefix
):
    publisher = InvalidationPublisher(redis, prefix, engine)
    window = {"kind": "rolling", "days": 2}
    async with open_clinic(database.application, engine, reads, publisher, window=window) as clinic:
        await publisher.heartbeat()
        desk = Desk(clinic, AvailabilityCache(redis, prefix))
        before, after = clinic.week.at("00:00") - timedelta(seconds=1), clinic.week.at("00:00")
        for now in (before, after, before):
            found = await clinic.answer(desk.availability, now=now, span=clinic.monday(4))
            await asyncio.gather(*desk.cache._storing)
            dates = {start["start"][:10] for start in found["starts"]}
            assert len(dates) == (1 if now == before else 2)
        assert desk.loader.count >= 2


async def test_an_answer_survives_its_way_through_redis(clinic, desk):
    prepared = await desk.availability._prepare(clinic.week.service_id, None, clinic.monday(), clinic.store.now(), None)
    copy = PreparedAvailability.from_bytes(prepared.to_bytes())
    for clock in ("00:00", "09:00", "12:15", "16:30", "17:00"):
        now = clinic.week.at(clock)
        assert copy.answer(now, None) == prepared.answer(now, None)
    assert [copy.ids, copy.since, copy.until] == [prepared.ids, prepared.since, prepared.until]


async def test_a_full_process_forgets_what_was_used_longest_ago(clinic, redis, prefix, new_desk):
    desk = await new_desk(hears=True)
    near = desk.cache._process
    spans = [Interval(clinic.week.at("09:00"), clinic.week.at(f"{hour}:00")) for hour in range(10, 17)]
    await desk.free(span=spans[0])
    near._limit = 3 * near._size
    for span in spans[1:]:
        await desk.free(span=span)
        await desk.free(span=spans[0])
    assert near._size == sum(each.size for each in near._answers.values()) <= near._limit
    assert next(reversed(near._answers.values())).position
    assert 0 < len(near._answers) < len(spans)


async def test_whoever_has_seen_a_position_is_never_told_less(clinic, database, redis, servers, prefix, positions):
    """Writers, the projector, flushes, and readers of all kinds in two processes; held against the log."""
    stop = asyncio.Event()
    question = Question(clinic.week.service_id, clinic.week.provider_id, clinic.monday())
    async with AvailabilityCache(redis, prefix) as whole:
        desks = {
            "both levels": clinic.cached(whole),
            "redis": clinic.cached(AvailabilityCache(redis, prefix)),
            "no cache": clinic.availability,
        }
        answers = Answers(*desks, positions=ENOUGH)
        projecting = asyncio.create_task(clinic.projector().run())
        async with _another_process(database, servers.redis_url, prefix, question) as elsewhere:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(3):
                    tasks.create_task(_book_and_cancel(clinic, stop))
                for by, desk in desks.items():
                    for _ in range(2):
                        tasks.create_task(answers.read_on(by, desk, positions, question, stop))
                assert elsewhere.stdout
                assert await elsewhere.stdout.readline() == b"enough\n"
                await _flush_now_and_then(redis)
                await until(answers.are_enough)
                stop.set()
            output, _ = await elsewhere.communicate(b"")  # which closes its standard input
        projecting.cancel()
        await asyncio.wait([projecting])
    history = await _history(database)
    told = [*answers.told, *(Told(*each) for each in json.loads(output))]
    assert [each for each in told if not _true(each, history)] == []


@asynccontextmanager
async def _another_process(
    database: Database, redis: str, prefix: str, question: Question
) -> AsyncIterator[asyncio.subprocess.Process]:
    asked = [str(question[0]), str(question[1]), *(bound.isoformat() for bound in question.span)]
    said = [database.url, database.application, redis, prefix, *asked]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.projections.racing", *said, stdin=pipe, stdout=pipe
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _book_and_cancel(clinic: Clinic, stop: asyncio.Event) -> None:
    mine: list[UUID] = []
    while not stop.is_set():
        with suppress(Conflict):
            mine.append((await clinic.book(secrets.choice(OFFICE)))[0])
        if len(mine) > 3 or (mine and secrets.randbelow(2)):
            await clinic.cancel(mine.pop(secrets.randbelow(len(mine))))
        await asyncio.sleep(0.005)


async def _flush_now_and_then(redis: Redis) -> None:
    for _ in range(8):
        await redis.flushall()
        await asyncio.sleep(0.7)  # longer than what is kept again takes


History = Mapping[int, frozenset[str]]


async def _history(database: Database) -> list[tuple[int, set[str]]]:
    """What was taken from each position on that changed it, in order."""
    taken: dict[str, str] = {}
    history: list[tuple[int, set[str]]] = [(0, set())]
    async with await AsyncConnection.connect(database.owner) as connection:
        rows = await connection.execute(
            "SELECT notification_id, topic, state FROM log.stored_events "
            "WHERE topic IN ('Day.Reserved', 'Day.Released') ORDER BY 1"
        )
        async for position, topic, state in rows:
            said = json.loads(bytes(state))
            taker = json.dumps(said["taker"])
            if topic == "Day.Reserved":
                taken[taker] = json.dumps(said["starts_at"])
            else:
                taken.pop(taker, None)
            history.append((position, {_clock(at) for at in taken.values()}))
    return history


def _clock(instant: str) -> str:
    return instant[instant.index("T") + 1 :][:5]


def _true(told: Told, history: list[tuple[int, set[str]]]) -> bool:
    """It is the whole truth at its position; and that is not before what was seen, where that is promised."""
    now = [taken for position, taken in history if position <= told.position][-1]
    true = told.free == [clock for clock in OFFICE if clock not in now]
    if told.asked:
        return true and told.position >= told.seen
    if told.by in ("redis", "no cache"):  # nobody asked, but nothing relevant may have happened in between
        return true and not any(told.position < position <= told.seen for position, _ in history)
    return true
