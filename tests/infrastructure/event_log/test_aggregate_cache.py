"""The cache holds what was last seen, never something older, and never a stream with a hole."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.catalog.tag import Tag
from domain.kernel import new_id
from infrastructure.event_log.aggregate_cache import AggregateCache
from infrastructure.event_log.event_codec import encode
from infrastructure.event_log.journal import MissedEvent

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ME = new_id()


def a_tag(*names: str) -> Tag:
    tag = Tag(id=Tag.id_of("vegan"), by=ME, slug="vegan", name="vegan", timestamp=NOW)
    for name in names:
        tag.rename(ME, name, NOW)
    return tag


def events(tag: Tag) -> list[MissedEvent]:
    rows = [encode(event, "{}") for event in tag.pending_events]
    return [MissedEvent(row.stream, row.version, row.topic, row.state) for row in rows]


@pytest.fixture
def cache() -> AggregateCache:
    return AggregateCache(3)


ID = Tag.id_of("vegan")


def known(cache: AggregateCache, id: UUID = ID) -> str | None:
    tag = cache.get(id)
    assert tag is None or isinstance(tag, Tag)
    return tag.name if tag else None


def test_a_stream_without_events_is_known_to_be_empty(cache: AggregateCache) -> None:
    assert cache.load([ID], []) == {ID: None}
    assert ID in cache
    assert known(cache) is None


def test_what_was_missed_brings_a_stream_up_to_date(cache: AggregateCache) -> None:
    history = events(a_tag("one", "two", "three"))
    cache.load([ID], history[:2])
    cache.advance(history[1:])
    assert known(cache) == "three"


def test_what_was_missed_makes_a_stream_that_was_empty(cache: AggregateCache) -> None:
    cache.load([ID], [])
    cache.advance(events(a_tag("one")))
    assert known(cache) == "one"


def test_bringing_up_to_date_leaves_what_was_handed_out_as_it_is(cache: AggregateCache) -> None:
    history = events(a_tag("one", "two"))
    handed_out = cache.load([ID], history[:2])[ID]
    cache.advance(history[2:])
    assert isinstance(handed_out, Tag)
    assert (handed_out.name, handed_out.version) == ("one", 2)


def test_a_stream_with_a_hole_is_forgotten(cache: AggregateCache) -> None:
    history = events(a_tag("one", "two", "three"))
    cache.load([ID], history[:1])
    cache.advance(history[3:])
    assert ID not in cache


def test_nothing_older_replaces_something_newer(cache: AggregateCache) -> None:
    history = events(a_tag("one", "two"))
    cache.load([ID], history)
    for older in (history[:1], history[:2], []):
        cache.load([ID], older)
        assert known(cache) == "two"
    cache.advance(history[:2])
    assert known(cache) == "two"


def test_events_of_a_stream_that_nobody_asked_for_are_not_kept(cache: AggregateCache) -> None:
    cache.advance(events(a_tag("one")))
    assert ID not in cache


def test_the_one_that_was_used_longest_ago_leaves(cache: AggregateCache) -> None:
    streams = [new_id() for _ in range(4)]
    cache.load(streams[:3], [])
    cache.get(streams[0])
    cache.load(streams[3:], [])
    assert [stream in cache for stream in streams] == [True, False, True, True]
