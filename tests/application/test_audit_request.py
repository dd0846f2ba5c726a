"""The bounds of a request's chain: what is the caller's comes first, whatever others have."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from application.audit_request import MOST_EVENTS, ChainCount, ChainDelivery, ChainJob, chain_of
from application.past import PastEvent, PastLog
from domain.errors import NotFound

AT = datetime(2030, 1, 7, 9, tzinfo=UTC)


class Log:
    """Events of Daybook itself, in streams that nobody reads."""

    async def recorded(self, positions: Collection[int]) -> Sequence[PastEvent]:
        return [PastEvent(uuid4(), 1, "Tag.Coined", None, position, AT, {}) for position in sorted(positions)]

    def at(self, position: int) -> "Log":
        return self

    async def read_ahead(self, streams: Collection[UUID]) -> None:
        assert not streams


class Works:
    """A job of each event."""

    def jobs_of(self, events: Sequence[PastEvent]) -> Mapping[UUID, int]:
        return {UUID(int=each.position): each.position for each in events}

    async def jobs(self, request: str, made: Mapping[UUID, int], most: int) -> Sequence[ChainJob]:
        found = [ChainJob(key, event, "notify", key, "done", 1, "done", AT) for key, event in made.items()]
        return found[:most]

    async def deliveries(self, events: Sequence[PastEvent], most: int) -> Sequence[ChainDelivery]:
        return []


async def nothing(*_: Any) -> bool:
    return False


async def chain(positions: Sequence[int], shown: Sequence[int], shows: Any = nothing) -> Any:
    log: Any = Log()
    past: PastLog = log
    return await chain_of("request", positions, shown, past, Works(), shows)


async def test_what_is_theirs_is_listed_though_many_events_of_others_are_before_it() -> None:
    found = await chain(range(1, 2 * MOST_EVENTS + 2), [5_000, 5_001])
    assert [each.event.position for each in found.events] == [5_000, 5_001]
    assert [each.event for each in found.jobs] == [5_000, 5_001]
    assert found.withheld == ChainCount(events=MOST_EVENTS, jobs=MOST_EVENTS)
    assert found.more


async def test_an_answer_has_no_more_events_than_it_may() -> None:
    for count, more in ((MOST_EVENTS, False), (MOST_EVENTS + 1, True)):
        found = await chain(range(1, count + 1), range(1, count + 1), None)
        assert (len(found.events), found.more, found.withheld) == (MOST_EVENTS, more, ChainCount())


async def test_who_sees_none_of_its_events_does_not_learn_that_there_is_such_a_request() -> None:
    with pytest.raises(NotFound):
        await chain([1, 2], [])
