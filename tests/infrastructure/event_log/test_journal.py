"""What any journal promises: in memory and on PostgreSQL alike."""

import asyncio

import pytest

from domain.kernel import new_id
from infrastructure.event_log.journal import Appended, DuplicateCommand, Journal, StaleReads
from tests.infrastructure.event_log.entries import entry, row

A_KEY = b"k" * 32


def versions(overtaken: object) -> list[int]:
    assert isinstance(overtaken, StaleReads)
    return [missed.version for missed in overtaken.missed]


async def test_entries_get_the_next_positions_without_a_gap(journal: Journal) -> None:
    one, two = new_id(), new_id()
    assert await journal.append(entry(one, two)) == Appended(2)
    assert await journal.append(entry(one, at=1)) == Appended(3)


async def test_what_was_appended_is_read_in_the_order_of_each_stream(journal: Journal) -> None:
    one, two = new_id(), new_id()
    await journal.append(entry(rows=[row(one, 1, state=b"a"), row(two, 1, state=b"b"), row(one, 2, state=b"c")]))
    read = await journal.read([two, one, new_id()])
    assert [(e.version, bytes(e.state)) for e in read if e.stream == one] == [(1, b"a"), (2, b"c")]
    assert [(e.version, bytes(e.state)) for e in read if e.stream == two] == [(1, b"b")]
    assert [bytes(e.state) for e in await journal.read_until(one, 1)] == [b"a"]


async def test_many_who_read_at_once_get_their_own_streams(journal: Journal) -> None:
    streams = [new_id() for _ in range(200)]
    for stream in streams:
        await journal.append(entry(rows=[row(stream, 1, state=stream.bytes.hex().encode()), row(stream, 2)]))
    read = await asyncio.gather(*(journal.read([stream, new_id()]) for stream in streams))
    for stream, events in zip(streams, read, strict=True):
        assert [(each.stream, each.version) for each in events] == [(stream, 1), (stream, 2)]
        assert bytes(events[0].state) == stream.bytes.hex().encode()


async def test_many_who_peek_at_once_are_told_of_what_they_have_read_themselves(journal: Journal) -> None:
    one, two = new_id(), new_id()
    await journal.append(entry(rows=[row(one, 1), row(one, 2), row(two, 1)]))
    asked = [{one: 2, two: 1}, {one: 1}, {one: 0, two: 1}, {two: 0}, {two: 2}, {new_id(): 0}, {}, {one: 3, two: 0}]
    told = await asyncio.gather(*(journal.peek(None, each) for each in asked * 20))
    for each, found in zip(asked * 20, told, strict=True):
        if each in (asked[0], asked[5], asked[6]):
            assert found == 3
        else:
            assert isinstance(found, StaleReads)
            assert found.reads == each
    assert [versions(found) for found in told[1:5]] == [[2], [1, 2], [1], []]
    assert versions(told[7]) == [1]


async def test_who_builds_on_an_old_version_is_told_what_was_missed(journal: Journal) -> None:
    stream = new_id()
    await journal.append(entry(stream))
    await journal.append(entry(stream, at=1))
    await journal.append(entry(stream, at=2))
    assert versions(await journal.append(entry(stream, at=1))) == [2, 3]
    assert len(await journal.read([stream])) == 3


async def test_who_thinks_to_be_the_first_in_a_stream_is_told_of_its_events(journal: Journal) -> None:
    stream = new_id()
    await journal.append(entry(stream))
    assert versions(await journal.append(entry(stream))) == [1]


async def test_a_stream_that_was_only_read_counts_as_much_as_one_that_is_written(journal: Journal) -> None:
    hours, day = new_id(), new_id()
    await journal.append(entry(hours))
    await journal.append(entry(hours, at=1))
    assert versions(await journal.append(entry(day, reads={hours: 1}))) == [2]
    assert await journal.append(entry(day, reads={hours: 2})) == Appended(3)


async def test_a_stream_shorter_than_thought_refuses_with_nothing_missed(journal: Journal) -> None:
    stream, other = new_id(), new_id()
    await journal.append(entry(stream))
    assert versions(await journal.append(entry(stream, at=4))) == []
    assert versions(await journal.append(entry(other, reads={stream: 4}))) == []
    assert versions(await journal.peek(None, {stream: 4})) == []
    assert await journal.read([other]) == []


async def test_an_entry_is_recorded_whole_or_not_at_all(journal: Journal) -> None:
    fresh, moved = new_id(), new_id()
    await journal.append(entry(moved))
    assert isinstance(await journal.append(entry(fresh, moved)), StaleReads)
    assert await journal.read([fresh]) == []


async def test_a_key_is_used_once_and_keeps_its_first_answer(journal: Journal) -> None:
    stream = new_id()
    await journal.append(entry(stream, key=A_KEY, fingerprint=b"first"))
    await journal.append(entry(stream, at=1))
    kept = DuplicateCommand(stream, 1, 1, b"first")
    assert await journal.append(entry(new_id(), key=A_KEY, fingerprint=b"second")) == kept
    assert await journal.append(entry(stream, at=0, key=A_KEY)) == kept
    assert await journal.peek(A_KEY, {stream: 0}) == kept
    assert len(await journal.read([stream])) == 2


async def test_a_key_is_kept_for_a_command_that_recorded_no_event(journal: Journal) -> None:
    stream = new_id()
    await journal.append(entry(stream))
    assert await journal.append(entry(key=A_KEY, reads={stream: 1}, rows=[])) == Appended(1)
    assert await journal.append(entry(key=A_KEY, reads={stream: 1}, rows=[])) == DuplicateCommand(stream, 1, 1, b"")


async def test_twenty_uses_of_a_key_at_once_record_once_and_answer_alike(journal: Journal) -> None:
    stream = new_id()
    same = entry(stream, key=A_KEY)
    answers = await asyncio.gather(*(journal.append(same) for _ in range(20)))
    assert answers.count(Appended(1)) == 1
    assert answers.count(DuplicateCommand(stream, 1, 1, b"")) == 19


async def test_a_look_answers_with_the_position_up_to_which_nothing_moved(journal: Journal) -> None:
    one, two = new_id(), new_id()
    assert await journal.peek(A_KEY, {}) == 0
    await journal.append(entry(one, two))
    assert await journal.peek(A_KEY, {one: 1, two: 1, new_id(): 0}) == 2
    assert versions(await journal.peek(None, {one: 0, two: 1})) == [1]


@pytest.mark.parametrize("writers", [2, 8])
async def test_of_several_that_build_on_one_version_exactly_one_is_recorded(journal: Journal, writers: int) -> None:
    stream = new_id()
    answers = await asyncio.gather(*(journal.append(entry(stream)) for _ in range(writers)))
    assert sum(isinstance(answer, Appended) for answer in answers) == 1
    assert len(await journal.read([stream])) == 1
