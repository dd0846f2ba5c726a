"""An event that was not appended, far ahead or in place of a removed one, moves no checkpoint."""

from collections.abc import AsyncIterator

import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from structlog.testing import capture_logs

from infrastructure.database.row_pool import RowPool
from infrastructure.jobs.enrolment import Enrolment
from infrastructure.local.servers import LocalServers
from infrastructure.observability.health_checks import DatabaseChecks
from projections.availability.invalidation import InvalidationPublisher, connect, key
from projections.engine.projector import Projector
from projections.query.snapshot import BeyondHead, Snapshots
from projections.rebuild.rebuild import Rebuild, UndecodableEvents
from projections.registry import PROJECTIONS
from tests.conftest import Database
from tests.infrastructure.event_log.test_append import ask
from tests.projections.conftest import CatchUp, Write
from tests.projections.story import a_customer
from tests.support.sealed import CODEC

FAR = 1_000_000_000
STRAY = f"""
    INSERT INTO log.stored_events
    SELECT gen_random_uuid(), 1, topic, state, {FAR}, gen_random_uuid(), recorded_at, metadata, digest
    FROM log.stored_events WHERE notification_id = 1 RETURNING 1"""
REMOVED = f"DELETE FROM log.stored_events WHERE notification_id = {FAR} RETURNING 1"
CHECKPOINTS = "SELECT DISTINCT position, stopped_at FROM read.bookmark"
MISSING = "LogGap: The log has no event at position 4; the next is at 1000000000. See `daybook audit verify`."
END = 3


@pytest.fixture
async def stray(database: Database, write: Write, catch_up: CatchUp) -> None:
    """Three events, which every projection has read, and one at a thousand million."""
    assert await write(a_customer(), a_customer(), a_customer()) == END
    await catch_up()
    ask(database.owner, STRAY)


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(database.owner.replace("postgresql://", "postgresql+psycopg://"))
    yield engine
    await engine.dispose()


async def test_every_projection_stops_before_the_gap_and_says_what_to_do(
    database: Database, engine: AsyncEngine, stray: None
) -> None:
    with capture_logs() as lines:
        await Projector(engine, PROJECTIONS, CODEC).catch_up()
    assert ask(database.owner, CHECKPOINTS) == [(END, END + 1)]
    assert ask(database.owner, "SELECT DISTINCT error FROM read.bookmark") == [(MISSING,)]
    assert {(line["position"], line["error"]) for line in lines} == {(END + 1, MISSING)}


async def test_the_events_before_a_gap_are_projected(
    database: Database, write: Write, catch_up: CatchUp, stray: None
) -> None:
    await write(a_customer())
    await catch_up()
    assert ask(database.owner, CHECKPOINTS) == [(END + 1, END + 2)]


async def test_once_it_is_removed_and_all_are_resumed_they_miss_nothing(
    database: Database, engine: AsyncEngine, write: Write, catch_up: CatchUp, stray: None
) -> None:
    await catch_up()
    ask(database.owner, REMOVED)
    end = await write(a_customer())
    ask(database.owner, "UPDATE read.checkpoint SET stopped_at = NULL, error = NULL RETURNING 1")
    await catch_up()
    assert ask(database.owner, CHECKPOINTS) == [(end, None)]
    assert ask(database.owner, "SELECT count(*) FROM read_1.customer") == [(4,)]


async def test_a_removed_event_stops_them_too(database: Database, write: Write, catch_up: CatchUp, stray: None) -> None:
    ask(database.owner, REMOVED)
    await write(a_customer(), a_customer())
    ask(database.owner, f"DELETE FROM log.stored_events WHERE notification_id = {END + 1} RETURNING 1")
    await catch_up()
    assert ask(database.owner, CHECKPOINTS) == [(END, END + 1)]


async def test_a_rebuild_refuses_it_and_leaves_what_is_in_use(
    database: Database, owner: AsyncEngine, stray: None
) -> None:
    with pytest.raises(UndecodableEvents, match=f"position {END + 1}: LogGap"):
        await Rebuild(owner, PROJECTIONS, CODEC).run(grace=0)
    assert (await Rebuild(owner, PROJECTIONS, CODEC).check()).differences == []
    assert ask(database.owner, CHECKPOINTS) == [(END, None)]


@pytest.mark.parametrize("way", ["run", "check"])
@pytest.mark.parametrize(
    ("removed", "said"),
    [("= 2", "position 2: LogGap"), (f">= {END}", "no event after position 2"), ("> 0", "no event after position 0")],
)
async def test_a_rebuild_of_a_log_that_lost_events_refuses_and_leaves_what_is_in_use(
    database: Database, owner: AsyncEngine, stray: None, way: str, removed: str, said: str
) -> None:
    ask(database.owner, f"DELETE FROM log.stored_events WHERE notification_id {removed} RETURNING 1")
    rebuild = Rebuild(owner, PROJECTIONS, CODEC)
    with pytest.raises(UndecodableEvents, match=said):
        await (rebuild.run(grace=0) if way == "run" else rebuild.check())
    assert ask(database.owner, CHECKPOINTS) == [(END, None)]


async def test_who_asks_for_its_position_is_told_where_the_log_ends(reads: Snapshots, stray: None) -> None:
    with pytest.raises(BeyondHead) as refused:
        await reads.wait("agenda", FAR)
    assert refused.value.head == END


async def test_cached_answers_of_the_log_s_end_go_on_to_count(
    engine: AsyncEngine, servers: LocalServers, stray: None
) -> None:
    redis: Redis = connect(servers.redis_url)
    await InvalidationPublisher(redis, "gap:", engine).heartbeat()
    assert await redis.hget(key("gap:"), "floor") == str(END).encode()  # type: ignore[misc]
    await redis.aclose()


async def test_later_notices_are_not_silenced(database: Database, stray: None) -> None:
    async with RowPool(database.application) as rows:
        await Enrolment(rows).silence()
        assert await rows.all("SELECT silent_upto FROM work.enrolled") == [(END,)]


class TestACheckpointAheadOfTheLog:
    """As release 0.1.0 left it when such an event was removed again."""

    @pytest.fixture(autouse=True)
    def moved(self, database: Database, stray: None) -> None:
        ask(database.owner, REMOVED)
        ask(database.owner, f"UPDATE read.checkpoint SET position = {FAR} RETURNING 1")

    async def test_stops_its_projection_and_says_what_to_do(
        self, database: Database, engine: AsyncEngine, write: Write
    ) -> None:
        await write(a_customer())
        with capture_logs() as lines:
            await Projector(engine, PROJECTIONS, CODEC).catch_up()
        assert ask(database.owner, CHECKPOINTS) == [(FAR, FAR)]
        assert len(lines) == len(PROJECTIONS)
        assert all("`daybook rebuild`" in line["error"] for line in lines)
        assert REGISTRY.get_sample_value("daybook_reader_stopped", {"reader": "agenda"}) == 1
        assert REGISTRY.get_sample_value("daybook_reader_lag_positions", {"reader": "agenda"}) == END + 1 - FAR

    async def test_is_not_ready_though_no_projector_runs(self, engine: AsyncEngine) -> None:
        with pytest.raises(RuntimeError, match="stopped"):
            await DatabaseChecks(engine).lag()

    async def test_is_mended_by_a_rebuild(self, database: Database, engine: AsyncEngine, owner: AsyncEngine) -> None:
        with pytest.raises(UndecodableEvents, match=f"no event after position {END}"):
            await Rebuild(owner, PROJECTIONS, CODEC).check()
        await Rebuild(owner, PROJECTIONS, CODEC).run(grace=0)
        assert ask(database.owner, CHECKPOINTS) == [(END, None)]
        assert await DatabaseChecks(engine).lag() == {"positions": 0}
