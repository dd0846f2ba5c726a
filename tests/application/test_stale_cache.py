"""What a process remembers of a stream may be old: it decides as one that remembers nothing."""

from collections.abc import Awaitable, Callable, Sequence
from copy import deepcopy
from typing import Any
from uuid import UUID

import pytest

from application.access import Role
from application.booking.appointment import (
    CancelAppointment,
    MarkAppointment,
    book_appointment,
    cancel_appointment,
)
from application.booking.approval import DeclineAppointment, confirm_appointment, decline_appointment
from application.booking.hold import ChangeHold, PlaceHold, extend_hold, place_hold, release_hold
from application.catalog.tag import CreateTag, MergeTag, RenameTag, create_tag, merge_tag, rename_tag
from application.event_log import EventStore
from domain.booking.appointment_status import AppointmentEnded
from domain.errors import Refusal
from domain.kernel import new_id
from infrastructure.event_log.journal import MissedEvent
from infrastructure.event_log.memory_journal import MemoryJournal
from tests.application.conftest import Clocked
from tests.support.builders import OpenWeek, a_booked_appointment, an_open_week, somebody

Run = Callable[[EventStore], Awaitable[Any]]
ADA, ADMIN = somebody(), somebody(Role.ADMIN)


async def a_busy_week(store: Clocked) -> OpenWeek:
    """Others have taken times of the Monday before: its Day has a history."""
    week = await an_open_week(store, approval=True, approval_ttl=60)
    await a_booked_appointment(store, week, "15:00")
    return week


async def confirming(store: Clocked) -> Run:
    week = await a_busy_week(store)
    asked = await a_booked_appointment(store, week, by=ADA)
    return lambda at: confirm_appointment(MarkAppointment(by=week.owner, appointment_id=asked.id), at)


async def declining(store: Clocked) -> Run:
    week = await a_busy_week(store)
    asked = await a_booked_appointment(store, week, by=ADA)
    return lambda at: decline_appointment(DeclineAppointment(by=week.owner, appointment_id=asked.id), at)


async def cancelling(store: Clocked) -> Run:
    week = await a_busy_week(store)
    asked = await a_booked_appointment(store, week, by=ADA)
    await confirm_appointment(MarkAppointment(by=week.owner, appointment_id=asked.id), store)
    return lambda at: cancel_appointment(CancelAppointment(by=ADA, appointment_id=asked.id), at)


async def confirming_what_was_cancelled(store: Clocked) -> Run:
    week = await a_busy_week(store)
    asked = await a_booked_appointment(store, week, by=ADA)
    await cancel_appointment(CancelAppointment(by=ADA, appointment_id=asked.id), store)
    return lambda at: confirm_appointment(MarkAppointment(by=week.owner, appointment_id=asked.id), at)


async def a_held_start(store: Clocked) -> tuple[OpenWeek, UUID]:
    week = await a_busy_week(store)
    wish: dict[str, Any] = {"service_id": week.service_id, "provider_id": week.provider_id}
    held = await place_hold(PlaceHold(by=ADA, id=new_id(), start=week.at("09:00"), **wish), store)
    return week, held.aggregate.id


async def extending(store: Clocked) -> Run:
    _, hold_id = await a_held_start(store)
    return lambda at: extend_hold(ChangeHold(by=ADA, hold_id=hold_id), at)


async def releasing(store: Clocked) -> Run:
    _, hold_id = await a_held_start(store)
    return lambda at: release_hold(ChangeHold(by=ADA, hold_id=hold_id), at)


async def booking_what_is_held(store: Clocked) -> Run:
    week, hold_id = await a_held_start(store)
    return lambda at: book_appointment(week.booking("09:00", ADA, hold_id=hold_id), at)


async def renaming(store: Clocked) -> Run:
    tag = (await create_tag(CreateTag(by=ADMIN, slug="vegan"), store)).aggregate
    return lambda at: rename_tag(RenameTag(by=ADMIN, tag_id=tag.id, name="Green", slug="green"), at)


async def merging(store: Clocked) -> Run:
    tags = [(await create_tag(CreateTag(by=ADMIN, slug=slug), store)).aggregate for slug in ("vegan", "green")]
    return lambda at: merge_tag(MergeTag(by=ADMIN, tag_id=tags[0].id, into=tags[1].id), at)


STORIES = (
    confirming,
    confirming_what_was_cancelled,
    declining,
    cancelling,
    extending,
    releasing,
    booking_what_is_held,
    renaming,
    merging,
)


async def what_comes_of(run: Run, journal: MemoryJournal, stream: UUID | None = None, version: int = 0) -> object:
    """What is recorded, or the refusal, in a process that remembers this version of the stream and nothing else."""
    process = Clocked()
    process.journal = process.memory = deepcopy(journal)
    if stream is not None:
        process.cache.load([stream], (await process.memory.read([stream]))[:version])
    before = process.position
    try:
        await run(process)
    except Refusal as refused:
        return type(refused)
    return process.recorded(before)


@pytest.mark.parametrize("story", STORIES)
async def test_a_command_decides_the_same_whichever_stream_is_remembered_as_it_was(
    store: Clocked, story: Callable[[Clocked], Awaitable[Run]]
) -> None:
    run = await story(store)
    versions = {row.stream: row.version for row in store.memory.rows}
    expected = await what_comes_of(run, store.memory)
    found = {
        (stream, version): await what_comes_of(run, store.memory, stream, version)
        for stream, last in versions.items()
        for version in range(last)
    }
    assert {place: outcome for place, outcome in found.items() if outcome != expected} == {}


class Overtaken(MemoryJournal):
    """A journal on which another process acts right before a read."""

    def __init__(self, journal: MemoryJournal, act: Run, before_read: int) -> None:
        super().__init__()
        vars(self).update(vars(deepcopy(journal)))
        self._act, self._left = act, before_read

    async def read(self, streams: Sequence[UUID]) -> Sequence[MissedEvent]:
        self._left -= 1
        if self._left == 0:
            other = Clocked()
            other.journal = other.memory = self
            await self._act(other)
        return await super().read(streams)


@pytest.mark.parametrize("before_read", range(1, 4))
async def test_a_command_that_is_overtaken_between_two_reads_decides_as_if_it_came_later(
    store: Clocked, before_read: int
) -> None:
    week = await a_busy_week(store)
    asked = await a_booked_appointment(store, week, by=ADA)

    async def confirm(at: EventStore) -> object:
        return await confirm_appointment(MarkAppointment(by=week.owner, appointment_id=asked.id), at)

    async def cancel(at: EventStore) -> object:
        return await cancel_appointment(CancelAppointment(by=ADA, appointment_id=asked.id), at)

    late = Clocked()
    late.journal = late.memory = Overtaken(store.memory, cancel, before_read)
    with pytest.raises(AppointmentEnded):
        await confirm(late)
