"""The cache holds what was last seen, never something older, and never a stream with a hole."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.catalog.tag import Tag
from domain.kernel import new_id
from infrastructure.event_log.aggregate_cache import AGGREGATE, EMPTY, EVENT, AggregateCache
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
    return AggregateCache(3 * (AGGREGATE + 10 * EVENT))


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


def tags(*versions: int) -> list[Tag]:
    """Aggregates of their own streams, at these versions."""
    made = []
    for version in versions:
        tag = Tag(id=new_id(), by=ME, slug="tag", name="tag", timestamp=NOW)
        for n in range(version - 1):
            tag.rename(ME, str(n), NOW)
        made.append(tag)
    return made


class TestEviction:
    def test_the_one_that_was_used_longest_ago_leaves(self) -> None:
        cache = AggregateCache(3 * EMPTY)
        streams = [new_id() for _ in range(4)]
        cache.load(streams[:3], [])
        cache.get(streams[0])
        cache.load(streams[3:], [])
        assert [stream in cache for stream in streams] == [True, False, True, True]

    def test_an_aggregate_of_many_events_takes_the_room_of_several(self) -> None:
        cache = AggregateCache(4 * (AGGREGATE + EVENT))
        small, large = tags(1, 1, 1, 1), tags(9)[0]
        for tag in (*small, large):
            cache.put(tag.id, tag)
        assert [tag.id in cache for tag in (*small, large)] == [False, False, False, True, True]

    def test_one_that_grows_in_the_cache_takes_more_room(self) -> None:
        cache = AggregateCache(2 * (AGGREGATE + EVENT))
        for tag in (mine := a_tag(), other := tags(1)[0]):
            cache.put(tag.id, tag)
        longer = mine.own_copy()
        longer.rename(ME, "longer", NOW)
        cache.put(longer.id, longer)
        assert (mine.id in cache, other.id in cache) == (True, False)

    def test_what_others_write_keeps_no_stream_in_the_cache(self) -> None:
        cache = AggregateCache(2 * (AGGREGATE + 3 * EVENT))
        history = events(a_tag("one", "two"))
        cache.load([ID], history[:1])
        first, second = tags(3, 3)
        cache.put(first.id, first)
        cache.advance(history[1:])
        cache.put(second.id, second)
        assert [id in cache for id in (ID, first.id, second.id)] == [False, True, True]

    def test_one_that_is_larger_than_the_cache_stays_until_the_next(self) -> None:
        cache = AggregateCache(1)
        for tag in tags(3, 2):
            cache.put(tag.id, tag)
            assert cache.get(tag.id) is tag

    def test_room_that_was_given_up_is_used_again(self) -> None:
        cache = AggregateCache(3 * (AGGREGATE + EVENT))
        for tag in tags(1, 1, 1):
            cache.put(tag.id, tag)
            cache.drop([tag.id, new_id()])
        kept = tags(1, 1, 1)
        for tag in kept:
            cache.put(tag.id, tag)
        assert all(tag.id in cache for tag in kept)
        cache.clear()
        for tag in kept:
            cache.put(tag.id, tag)
        assert all(tag.id in cache for tag in kept)
