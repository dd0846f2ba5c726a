"""The events of aggregates in order. Read from the log itself, so never behind."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.personal_data import PersonalData
from projections.engine.event_feed import EventDecoder
from projections.query.paging import Page, fetch
from projections.query.snapshot import Snapshot

stored = Table(
    "stored_events",
    MetaData(schema="log"),
    Column("originator_id", Uuid, primary_key=True),
    Column("originator_version", BigInteger, primary_key=True),
    Column("topic", Text, nullable=False),
    Column("state", LargeBinary, nullable=False),
    Column("notification_id", BigInteger, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("metadata", JSON, key="context", nullable=False),
)
"""The event log itself."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One event. `type`: its topic; `actor`: an account; `data`: its fields as JSON, times in UTC with Z."""

    position: int
    at: datetime
    type: str
    version: int
    actor: str | None
    data: Mapping[str, Any]


async def of(
    connection: AsyncConnection, stream: UUID, page: Page, codec: EventDecoder
) -> tuple[Sequence[HistoryEntry], str | None]:
    """The events of one aggregate, oldest first; and the next page's cursor."""
    rows: Sequence[dict[str, Any]]
    query = select(stored).where(stored.c.originator_id == stream)
    rows, cursor = await fetch(connection, query.order_by(stored.c.originator_version), page, dict)
    events = [codec.decode(r["topic"], r["state"], stream, r["originator_version"]) for r in rows]
    personal = codec.personal(events)
    if personal:
        keys = await connection.execute(_KEYS, {"subjects": list({each.subject for each in personal})})
        codec.open(personal, {row.subject: (row.key, row.master) for row in keys})
    return [_item(row, event) for row, event in zip(rows, events, strict=True)], cursor


async def everything(read: Snapshot, streams: Iterable[UUID], codec: EventDecoder) -> Sequence[HistoryEntry]:
    """Every event of the streams, oldest first; personal data in plain. For data exports."""
    found: list[HistoryEntry] = []
    for stream in streams:
        after = None
        while True:
            items, after = await of(read.connection, stream, Page(_PAGE, after), codec)
            found += items
            if after is None:
                break
    return sorted(found, key=lambda item: item.position)


def _item(row: Mapping[str, Any], event: object) -> HistoryEntry:
    return HistoryEntry(
        position=row["notification_id"],
        at=row["recorded_at"],
        type=row["topic"],
        version=row["originator_version"],
        actor=row["metadata"].get("actor"),
        data=data_of(event),
    )


def data_of(event: object) -> dict[str, Any]:
    """The fields of an event as JSON."""
    return {name: plain(value) for name, value in vars(event).items() if name not in _NOT_DATA}


_KEYS = text("SELECT subject, key, master FROM keyring.person WHERE subject = ANY(:subjects)")
_PAGE = 200
FORGOTTEN = "forgotten"
"""Shown in place of personal data whose person is erased."""
_NOT_DATA = {"originator_id", "originator_version", "originator_topic", "timestamp"}


def plain(value: object) -> Any:
    """A value of an event as JSON."""
    match value:
        case UUID():
            return str(value)
        case PersonalData():
            return FORGOTTEN if value.value is None else plain(value.value)
        case datetime():
            return value.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"
        case dict():
            return {str(key): plain(each) for key, each in value.items()}
        case list() | tuple():
            return [plain(each) for each in value]
        case _:
            return value
