"""The log in pages, each event decoded once for all projections."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, LiteralString, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.personal_data import PersonalData
from projections.engine.pg_notify import driver_of
from projections.engine.projection import RecordedEvent, UndecodableEvent

PAGE = 2000  # events: so few pages that their cost is little; so few events that a page takes a moment
REMEMBERED = 50_000  # streams whose calendar is remembered
HEAD = "(SELECT coalesce(max(upto), 0) FROM log.seal)"
"""The position of the log's last event, in SQL. By its seal: an event that was not appended has none."""


class EventDecoder(Protocol):
    """Decodes events, and decrypts their personal data."""

    def decode(self, topic: str, state: bytes, stream: UUID, version: int) -> object:
        """The event of a stored row, its personal data still encrypted."""
        ...

    def personal(self, events: Iterable[object]) -> Collection[PersonalData]:
        """All personal data of events."""
        ...

    def open(self, personal: Iterable[PersonalData], wrapped: Mapping[UUID, tuple[bytes, str]]) -> None:
        """Decrypt the values, except of persons whose key is not among the wrapped ones."""
        ...


_PAGE = """
SELECT notification_id, recorded_at, originator_id, originator_version, topic, state, metadata::text
FROM log.stored_events WHERE notification_id > %b ORDER BY notification_id LIMIT %b"""
_FIRST = """
SELECT originator_id, topic, state FROM log.stored_events
WHERE originator_id = ANY(%b::uuid[]) AND originator_version = 1"""
_KEYS = "SELECT subject, key, master FROM keyring.person WHERE subject = ANY(%b::uuid[])"
_OF_A_CALENDAR = ("Day.", "Schedule.")


class LogGap(Exception):
    """The log has a gap. The append leaves none: the next event was not appended, or events were removed."""

    def __init__(self, missing: int, found: int) -> None:
        super().__init__(
            f"The log has no event at position {missing}; the next is at {found}. See `daybook audit verify`."
        )


class EventFeed:
    """Reads one page ahead while there is more, so that reading and writing go on at the same time."""

    def __init__(self, engine: AsyncEngine, codec: EventDecoder) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._codec = codec
        self._calendars: dict[UUID, UUID] = {}
        self._ahead: tuple[int, asyncio.Task[Sequence[RecordedEvent]]] | None = None

    async def after(self, position: int) -> Sequence[RecordedEvent]:
        """The next events after a position, at most PAGE; none at the head."""
        if self._ahead is not None and self._ahead[0] == position:
            (_, reading), self._ahead = self._ahead, None  # dropped first: after a failure the page is read again
            page = await reading
        else:
            self.forget()
            page = await self._read(position)
        if len(page) == PAGE:
            last = page[-1].position
            self._ahead = last, asyncio.create_task(self._read(last))
        return page

    def forget(self) -> None:
        """Drop the page that was read ahead."""
        if self._ahead is not None:
            self._ahead[1].cancel()
            self._ahead = None

    async def _read(self, position: int) -> Sequence[RecordedEvent]:
        while len(self._calendars) > REMEMBERED:  # between pages: a page must not lose the calendars it needs
            del self._calendars[next(iter(self._calendars))]
        rows = await self._select(_PAGE, (position, PAGE))
        await self._learn_calendars(rows)
        events: list[RecordedEvent] = []
        for expected, (at, when, stream, version, topic, state, context) in enumerate(rows, position + 1):
            if at != expected:
                gap = UndecodableEvent("", LogGap(expected, at))
                events.append(RecordedEvent(expected, when, stream, version, gap, context))
                break
            event = self._decoded(topic, state, stream, version)
            if version == 1:
                self._remember(stream, event)
            events.append(RecordedEvent(at, when, stream, version, event, context, self._calendars.get(stream)))
        await self._decrypt([recorded.event for recorded in events])
        return events

    def _decoded(self, topic: str, state: bytes, stream: UUID, version: int) -> object:
        try:
            return self._codec.decode(topic, state, stream, version)
        except Exception as error:  # noqa: BLE001  whatever it is, it stops the projections that need the event
            return UndecodableEvent(topic, error)

    async def _decrypt(self, events: Sequence[object]) -> None:
        """Projections see personal data in plain, and none of erased persons, whose keys are gone."""
        if personal := self._codec.personal(events):
            rows = await self._select(_KEYS, (list({each.subject for each in personal}),))
            self._codec.open(personal, {subject: (key, master) for subject, key, master in rows})

    async def _learn_calendars(self, rows: Iterable[Sequence[Any]]) -> None:
        """The first event of a Day or a Schedule alone names its calendar: read it where it is unknown."""
        unknown = {
            stream: version
            for _, _, stream, version, topic, *_ in rows
            if stream not in self._calendars and topic.startswith(_OF_A_CALENDAR)
        }
        asked = [stream for stream, first in unknown.items() if first > 1]
        if asked:
            for stream, topic, state in await self._select(_FIRST, (asked,)):
                self._remember(stream, self._decoded(topic, state, stream, 1))

    def _remember(self, stream: UUID, first: object) -> None:
        calendar = getattr(first, "calendar_id", None)
        if calendar is not None:
            self._calendars[stream] = calendar

    async def _select(self, query: LiteralString, values: Sequence[Any]) -> list[Any]:
        async with self._engine.connect() as connection:
            cursor = await (await driver_of(connection)).execute(query, values, binary=True)
            return await cursor.fetchall()
