"""Commands are counted once, by how they ended, and recorded events once, by topic."""

import psycopg
import pytest
from prometheus_client import REGISTRY

from application.access import Role
from application.catalog.tag import CreateTag, RenameTag, create_tag, rename_tag
from application.event_log import IdempotencyKey, Unavailable
from domain.errors import Stale
from domain.kernel import new_id
from infrastructure.event_log.event_store import EventStore
from tests.conftest import Database
from tests.infrastructure.conftest import Open
from tests.support.builders import a_key, somebody

ADMIN = somebody(Role.ADMIN)


def number(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def ended(command: str) -> dict[str, float]:
    outcomes = ("recorded", "replayed", "unchanged", "refused", "unavailable", "failed")
    return {each: number("daybook_commands_total", command=command, outcome=each) for each in outcomes}


def more(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}


@pytest.fixture
async def store(database: Database, open_store: Open) -> EventStore:
    return await open_store(database.application)


def a_tag(slug: str, key: IdempotencyKey | None = None) -> CreateTag:
    return CreateTag(by=ADMIN, slug=slug, name=slug, key=key)


async def test_each_command_is_counted_once_by_its_outcome(store: EventStore) -> None:
    before, events = ended("CreateTag"), number("daybook_events_recorded_total", event="Tag.Coined")
    key = a_key()
    await create_tag(a_tag("massage", key), store)
    await create_tag(a_tag("massage", key), store)
    assert more(before, ended("CreateTag")) == {"recorded": 1, "replayed": 1}
    assert number("daybook_events_recorded_total", event="Tag.Coined") == events + 1


async def test_a_refusal_is_counted_as_one(store: EventStore) -> None:
    tag = (await create_tag(a_tag("gym"), store)).aggregate
    before = ended("RenameTag")
    with pytest.raises(Stale):
        await rename_tag(RenameTag(by=ADMIN, tag_id=tag.id, name="Gym", version=99), store)
    assert more(before, ended("RenameTag")) == {"refused": 1}


async def test_a_command_that_changes_nothing_is_unchanged(store: EventStore) -> None:
    tag = (await create_tag(a_tag("sauna"), store)).aggregate
    before = ended("RenameTag")
    await rename_tag(RenameTag(by=ADMIN, tag_id=tag.id, name="sauna"), store)
    assert more(before, ended("RenameTag")) == {"unchanged": 1}


async def test_an_append_tells_its_time_and_its_size(store: EventStore) -> None:
    appended, commands = number("daybook_append_duration_seconds_count"), number("daybook_append_batch_commands_sum")
    await create_tag(a_tag(f"tag-{new_id()}"), store)
    assert number("daybook_append_duration_seconds_count") == appended + 1
    assert number("daybook_append_batch_commands_sum") == commands + 1


async def test_an_append_without_a_database_is_a_failure(database: Database, open_store: Open) -> None:
    store = await open_store(database.application)
    failures = number("daybook_append_failures_total")
    before = ended("CreateTag")
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute("ALTER FUNCTION log.append RENAME TO away")
        try:
            with pytest.raises(Unavailable):
                await create_tag(a_tag(f"tag-{new_id()}"), store)
        finally:
            connection.execute("ALTER FUNCTION log.away RENAME TO append")
    assert number("daybook_append_failures_total") > failures
    assert more(before, ended("CreateTag")) == {"unavailable": 1}
