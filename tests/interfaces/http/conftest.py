"""The app on PostgreSQL, and people who talk to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from application.booking.ports import NO_QUERIES
from application.ending import EndingKind, NothingAhead
from application.event_log import EventStore
from application.orphans.hours_check import NothingUpcoming, Upcoming
from application.view_log import PersonView, RecordedView, ViewFilters
from infrastructure.booking_queries import BookingReadModels
from infrastructure.database.analytics_pool import analytics_pool
from infrastructure.event_log.memory_journal import memory_store
from infrastructure.event_log.postgres_journal import PostgresJournal, postgres_store
from infrastructure.feed.messages import LogMessages
from infrastructure.feed.rights import CredentialRights
from infrastructure.feed.tail import Tail
from infrastructure.identity import rate_limits
from infrastructure.identity.access_tokens import AccessTokens
from infrastructure.ledger.past_log import PastLog
from infrastructure.ledger.reader import LedgerReader
from infrastructure.ledger.request_works import RequestWorks
from infrastructure.ledger.verification_steps import LedgerVerifications
from infrastructure.ledger.view_log import ViewLog
from infrastructure.pages.renderer import PageTemplates
from infrastructure.privacy.obligations import AheadReader
from infrastructure.stopped_projections import StoppedProjections
from infrastructure.upcoming import UpcomingReader
from infrastructure.view_organizations import OrganizationsReader
from interfaces.http.app import build
from interfaces.http.framework.cursors import Cursors
from interfaces.http.framework.ports import (
    AbusePorts,
    ErasurePorts,
    FeedPorts,
    IdentityPorts,
    JobPorts,
    PagePorts,
    Ports,
    WebhookPorts,
)
from projections.availability.loader import AvailabilityLoader
from projections.availability.queries import Availability
from projections.engine.positions import Positions
from projections.engine.projector import Projector
from projections.query.snapshot import Snapshots
from projections.registry import PROJECTIONS
from projections.reporting.figures import MetricFigures
from tests.conftest import Database
from tests.infrastructure.mail.gallery import LINKS
from tests.infrastructure.observability.captured_log import logged, personal
from tests.interfaces.http.accounts import people_of
from tests.interfaces.http.town import SECRET, Api, Town, a_town
from tests.support.instances import eventually
from tests.support.sealed import CODEC, MASTERS
from tests.support.waiting import PATIENCE

_CAUGHT_UP = text("""
    SELECT bool_and(position = (SELECT max(notification_id) FROM log.stored_events)) FROM read.bookmark""")


@pytest.fixture(autouse=True)
def nothing_personal_is_logged() -> Iterator[None]:
    """Whatever a test sends, no line of the log is about a person."""
    with logged() as log:
        yield
    assert not personal(log.getvalue())


@pytest.fixture
async def api(database, servers, tmp_path) -> AsyncIterator[Api]:
    """The app without cache, its limits in Redis; its readers catch up before each GET."""
    async with opened(database, servers.redis_url, tmp_path) as api:
        yield api


@asynccontextmanager
async def opened(database: Database, redis_url: str, home: Path) -> AsyncIterator[Api]:
    """The app on a database; mail goes into a folder of `home`."""
    store = postgres_store(database.application, MASTERS, patience=PATIENCE, deadline=PATIENCE)
    assert isinstance(store.journal, PostgresJournal)
    engine = create_async_engine(database.url)
    pool = AsyncConnectionPool(database.application, min_size=1, open=False, kwargs={"autocommit": True})
    await store.journal.open()
    # Connected before it may be closed: a connection given up half-way keeps its database from being dropped.
    await store.journal.peek(None, {})
    where = database.application, home, redis_url, f"{database.name}:"
    patch = pytest.MonkeyPatch()
    patch.setattr(rate_limits, "PATIENCE", PATIENCE)  # a busy machine is no outage of Redis, which halves the limits
    try:
        async with pool, analytics_pool(database.application) as questions, Positions(engine) as positions:
            await pool.wait()
            while not positions.known:  # noqa: ASYNC110  it tells nobody
                await asyncio.sleep(0.01)
            reads = Snapshots(engine, positions)
            availability = Availability(AvailabilityLoader(pool), reads)
            async with people_of(store, reads, *where) as people:
                messages, identity = LogMessages(store.journal), people.ports["identity"]
                tail = Tail(reads, positions, messages, CredentialRights(identity.tokens, identity.holders))
                feed = FeedPorts(messages, tail, longest=0)  # a stream ends when it has told what there is
                concepts = {**people.ports, "past": PastLog(people.rows, MASTERS), "works": RequestWorks(people.rows)}
                concepts |= {"views": ViewLog(people.rows, store.now, OrganizationsReader(reads).of), "feed": feed}
                concepts |= {"figures": MetricFigures(questions, reads, positions)}
                concepts |= {"verifications": LedgerVerifications(people.rows, database.application)}
                concepts |= {"stopped": StoppedProjections(people.rows)}
                ports = _ports(store, reads, availability, LedgerReader(database.application), concepts)
                catch_up = one_at_a_time(Projector(engine, PROJECTIONS, CODEC).catch_up)
                ports.booking = BookingReadModels(reads, _caught_up(catch_up))
                ports.ahead = CaughtUp(AheadReader(reads), catch_up)
                ports.upcoming = UpcomingCaughtUp(UpcomingReader(reads), catch_up)
                async with tail, _spoken_to(ports, catch_up) as api:
                    api.people, people.catch_up = people, lambda: api.catch_up()  # noqa: PLW0108  tests replace it
                    yield api
    finally:
        patch.undo()
        await store.journal.close()
        await engine.dispose()


def one_at_a_time(catch_up: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """Of two at once, one would find that the other has moved the checkpoints."""
    lock = asyncio.Lock()

    async def caught_up() -> None:
        async with lock:
            await catch_up()

    return caught_up


class CaughtUp:
    """What lies ahead, from read models that catch up first: nothing else reads while a request is answered."""

    def __init__(self, reader: AheadReader, catch_up: Callable[[], Awaitable[None]]) -> None:
        self._reader, self._catch_up = reader, catch_up

    async def of(self, kind: EndingKind, id: UUID, now: datetime, position: int | None) -> Sequence[UUID]:
        await self._catch_up()
        return await self._reader.of(kind, id, now, None)


class UpcomingCaughtUp:
    """Upcoming appointments, likewise."""

    def __init__(self, reader: UpcomingReader, catch_up: Callable[[], Awaitable[None]]) -> None:
        self._reader, self._catch_up = reader, catch_up

    async def providers_of(self, organization_id: UUID, position: int | None) -> Sequence[UUID]:
        await self._catch_up()
        return await self._reader.providers_of(organization_id, position)

    async def of_provider(self, provider_id: UUID, now: datetime, position: int | None) -> Sequence[Upcoming]:
        await self._catch_up()
        return await self._reader.of_provider(provider_id, now, None)


class Unread:
    """No read models, and no rows, at all."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"a read model or a row is asked: {name}")


class Unnoted:
    """A security log of denials that nobody reads."""

    def note(self, kind: str, account_id: UUID | None, network: str, operation: str) -> None:
        pass


class ViewsInMemory:
    """The views log of an app without a database: answers of commands are recorded in it too."""

    def __init__(self) -> None:
        self.views: list[PersonView] = []

    async def record(self, view: PersonView) -> None:
        self.views.append(view)

    async def find(self, filters: ViewFilters, *, limit: int, before: int | None = None) -> Sequence[RecordedView]:
        raise AssertionError(f"rows are asked: {filters}, {limit}, {before}")


def _nobody(limits: Any) -> Mapping[str, Any]:
    """Ports of an installation without rows."""
    none: Any = Unread()
    return {
        "identity": IdentityPorts(none, AccessTokens(SECRET), none, none),
        "abuse": AbusePorts(limits, Unnoted()),
        "erasure": ErasurePorts(none),
        "webhooks": WebhookPorts(none, none, none),
        "jobs": JobPorts(none, none),
        "mails": none,
        "past": none,
        "views": ViewsInMemory(),
        "works": none,
        "feed": FeedPorts(none, none, 0),
        "figures": none,
        "verifications": none,
        "stopped": none,
    }


def _ports(store: EventStore, reads: Any, availability: Any, ledger: Any, concepts: Mapping[str, Any]) -> Ports:
    return Ports(
        store=store,
        reads=reads,
        availability=availability,
        booking=BookingReadModels(reads, _nowhere),
        ahead=NothingAhead(),
        upcoming=NothingUpcoming(),
        cursors=Cursors(SECRET),
        codec=CODEC,
        ledger=ledger,
        pages=PagePorts(PageTemplates("https://daybook.test"), LINKS),
        **concepts,
    )


async def _nowhere() -> int:
    return 0


def _caught_up(catch_up: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[int]]:
    """A position to wait for, once the read models have all: nothing else reads while a request is answered."""

    async def caught_up() -> int:
        await catch_up()
        return 0

    return caught_up


async def _nothing_to_read() -> None:
    return None


@asynccontextmanager
async def _spoken_to(ports: Ports, catch_up: Callable[[], Awaitable[None]] = _nothing_to_read) -> AsyncIterator[Api]:
    transport = httpx.ASGITransport(build(ports))  # which raises what would be a 500
    async with httpx.AsyncClient(transport=transport, base_url="http://daybook.test") as client:
        yield Api(client, ports, AccessTokens(SECRET), catch_up)


@pytest.fixture
async def door() -> AsyncIterator[Api]:
    """The app over a log in memory and no read models: for what is decided without them."""
    nobody = _nobody(rate_limits.RateLimits(SECRET.encode(), None))
    ports = _ports(memory_store(), Unread(), Unread(), Unread(), nobody)
    ports.booking = NO_QUERIES
    async with _spoken_to(ports) as api:
        yield api


@pytest.fixture
async def village(door: Api) -> Town:
    """A town over a log in memory."""
    return await a_town(door)


@pytest.fixture
async def town(api: Api) -> Town:
    """A provider with office hours, a service, and the people around them."""
    return await a_town(api)


@pytest.fixture
def unlimited(api: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    """Limits answer in no time, and would hide what is measured."""
    lift_limits(monkeypatch)
    return api


def lift_limits(patch: pytest.MonkeyPatch) -> None:
    """Limits count, but let everything pass."""
    lifted = {policy: [rate_limits.RateLimitWindow("network", 10**6, 60)] for policy in rate_limits.POLICIES}
    patch.setattr(rate_limits, "POLICIES", lifted)


@pytest.fixture
async def followed(api: Api, database: Database) -> AsyncIterator[None]:
    """A projector that follows by itself: who forgets waits for it, and so does each GET."""
    engine = create_async_engine(database.url)
    following = asyncio.create_task(Projector(engine, PROJECTIONS, CODEC).run())

    async def caught_up() -> bool:
        async with engine.connect() as connection:
            return bool((await connection.execute(_CAUGHT_UP)).scalar_one())

    api.catch_up = lambda: eventually(caught_up)
    yield
    # At rest, since SQLAlchemy loses a connection whose checkout is cancelled, which is an error of the test here.
    await eventually(caught_up)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await engine.dispose()
