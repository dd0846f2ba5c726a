"""A search finds what a reading of the whole log finds: for auditors, and for owners what was theirs then."""

from collections.abc import AsyncIterator, Collection, Sequence
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from application.past import PastEvent, PastReader, organization_then
from domain.catalog.provider import Provider
from domain.kernel import Aggregate
from domain.people.customer import Customer
from infrastructure.database.row_pool import RowPool
from infrastructure.event_log.postgres_journal import PostgresJournal
from infrastructure.ledger.past_log import PastLog
from projections.query.snapshot import Snapshot
from projections.read_models.audit.search import AuditFilters, find, owned_by
from projections.rebuild.rebuild import Rebuild
from projections.registry import PROJECTIONS
from tests.projections.read_models.audit.story import World, record
from tests.support.sealed import CODEC, MASTERS
from tests.support.waiting import PATIENCE

STEPS = 45


class Read(NamedTuple):
    """An event, and what a reading of the log says of it."""

    event: PastEvent
    belongs: UUID | None
    organizations: Collection[UUID | None]
    persons: Collection[UUID]


@pytest.fixture
async def past(database) -> AsyncIterator[PastLog]:
    async with RowPool(database.application, size=1) as rows:
        yield PastLog(rows, MASTERS)


@pytest.fixture
async def journal(database) -> AsyncIterator[PostgresJournal]:
    journal = PostgresJournal(database.application, patience=PATIENCE)
    await journal.open()
    yield journal
    await journal.close()


async def read_all(past: PastLog) -> Sequence[Read]:
    head = (await past.moment(None)).position
    log = past.at(head)
    found = []
    for each in await past.recorded(range(1, head + 1)):
        now, before = [log.earlier(position) for position in (each.position, each.position - 1)]
        belongs, after = await whose(each.stream, now)
        _, earlier = await whose(each.stream, before)
        found.append(Read(each, belongs, {after, earlier}, await about(each, now)))
    return found


async def whose(stream: UUID, log: PastReader) -> tuple[UUID | None, UUID | None]:
    """The organization that a thing belongs to, and the one that it concerns."""
    thing = await log.state(stream)
    if thing is None:
        return None, None
    belongs = await organization_then(thing, log)
    named = getattr(thing, "organization_id", None) if type(thing).__name__ == "Invitations" else belongs
    return belongs, named


async def about(each: PastEvent, log: PastReader) -> Collection[UUID]:
    thing = await log.state(each.stream)
    assert thing is not None
    persons = {getattr(holder, name, None) for holder in (thing, each.event) for name in ("customer_id", "account_id")}
    persons.add(getattr(each.event, "owner_id", None))
    if isinstance(thing, Customer):
        persons.add(thing.id)
    calendar: Aggregate | None = await log.find(Provider, getattr(thing, "calendar_id", thing.id))
    return {each for each in (*persons, getattr(calendar, "owner_id", None)) if each is not None}


def matches(read: Read, wanted: AuditFilters) -> bool:
    event = read.event
    tests: list[tuple[Any, Any]] = [
        (wanted.stream, lambda: event.stream == wanted.stream),
        (wanted.kind, lambda: event.topic.split(".")[0] == wanted.kind),
        (wanted.topic, lambda: event.topic == wanted.topic),
        (wanted.actor, lambda: event.metadata["actor"] == str(wanted.actor)),
        (wanted.request, lambda: event.metadata["correlation"] == wanted.request),
        (wanted.person, lambda: wanted.person in read.persons),
        (wanted.organization, lambda: wanted.organization in read.organizations),
        (wanted.since, lambda: wanted.since is not None and event.position >= wanted.since),
        (wanted.until, lambda: wanted.until is not None and event.position <= wanted.until),
    ]
    return all(test() for value, test in tests if value is not None)


def some_filters(chance: Random, everything: Sequence[Read], world: World) -> AuditFilters:
    """Those that some event meets, mostly."""
    one, other = chance.choice(everything), chance.choice(everything)
    actors = [UUID(each.event.metadata["actor"]) for each in everything if each.event.metadata["actor"]]
    persons = sorted({id for each in everything for id in each.persons})
    values: dict[str, Any] = {
        "stream": one.event.stream,
        "kind": one.event.topic.split(".")[0],
        "topic": one.event.topic,
        "actor": chance.choice(actors),
        "person": chance.choice([*one.persons, *persons]),
        "organization": chance.choice(world.organizations).id,
        "request": one.event.metadata["correlation"],
        "since": min(one.event.position, other.event.position),
        "until": max(one.event.position, other.event.position),
    }
    names = chance.sample(sorted(values), chance.choice((0, 1, 1, 1, 2, 2, 3)))
    return AuditFilters(**{name: values[name] for name in names})


async def paged(read: Snapshot, wanted: AuditFilters, size: int, **more: Any) -> list[int]:
    """All pages of a search: each is full but the last, which is empty if the search ends with a full page."""
    found: list[int] = []
    while True:
        page = await find(read, wanted, size, after=found[-1] if found else None, **more)
        found += page
        if len(page) < size:
            return found


@pytest.fixture
async def rebuild(database) -> AsyncIterator[Rebuild]:
    engine = create_async_engine(database.owner.replace("postgresql://", "postgresql+psycopg://"))
    yield Rebuild(engine, PROJECTIONS, CODEC)
    await engine.dispose()


@pytest.mark.parametrize("seed", range(3))
async def test_a_search_finds_what_a_reading_of_the_log_finds(journal, catch_up, look, past, rebuild, seed) -> None:
    chance = Random(seed)
    world = World(chance)
    await record(journal, chance, world.owners, *world.opening())
    for step in range(STEPS):
        await record(journal, chance, world.owners, *world.step())
        if step % 17 == 0:
            await catch_up()  # pages of several sizes
    await catch_up()
    everything = await read_all(past)
    async with look("audit") as read:
        for _ in range(20):
            wanted, size = some_filters(chance, everything, world), chance.choice((3, 17, 200))
            expected = [each.event.position for each in everything if matches(each, wanted)]
            assert await paged(read, wanted, size) == expected, wanted
            assert await paged(read, wanted, size, newest_first=True) == expected[::-1], wanted
            owner = chance.choice(world.owners)
            owned = await owned_by(read, owner)
            theirs = [each.event.position for each in everything if matches(each, wanted) and each.belongs in owned]
            assert await paged(read, wanted, size, owners=owned) == theirs, wanted
            both = [o.id for o in world.organizations]
            of_both = [each.event.position for each in everything if matches(each, wanted) and each.belongs in both]
            assert await paged(read, wanted, size, owners=both, newest_first=True) == of_both[::-1], wanted
            assert await find(read, wanted, size, owners=[]) == []
    assert not (await rebuild.check()).differences


async def test_an_owner_owns_what_they_are_an_owner_of(journal, catch_up, look) -> None:
    world = World(Random(0))
    await record(journal, Random(0), world.owners, *world.opening())
    await catch_up()
    async with look("audit") as read:
        for owner, organization in zip(world.owners, world.organizations, strict=True):
            assert await owned_by(read, owner) == [organization.id]
        assert await owned_by(read, world.clients[0]) == []
