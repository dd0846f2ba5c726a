"""Entries for a journal, of events that mean nothing."""

from collections.abc import Mapping
from uuid import UUID

from domain.kernel import new_id
from infrastructure.event_log.event_codec import EventRow, digest
from infrastructure.event_log.journal import LogEntry


def row(stream: UUID, version: int, topic: str = "Tag.Renamed", state: bytes = b"{}", metadata: str = "{}") -> EventRow:
    """An event of the stream."""
    id = new_id()
    try:
        sealed = digest(id, stream, version, topic, state, metadata)
    except UnicodeEncodeError:
        sealed = bytes(32)
    return EventRow(stream, version, topic, state, id, metadata, sealed)


def entry(
    *streams: UUID,
    at: int = 0,
    key: bytes = b"",
    reads: Mapping[UUID, int] | None = None,
    rows: list[EventRow] | None = None,
    fingerprint: bytes = b"",
) -> LogEntry:
    """A command that writes one event on each stream, which it believes to be `at` this version."""
    rows = [row(stream, at + 1) for stream in streams] if rows is None else rows
    answer = (rows[0].stream, rows[0].version) if rows else next(iter((reads or {}).items()))
    written = {r.stream: r.version - 1 for r in reversed(rows)}
    return LogEntry(key or new_id().bytes * 2, fingerprint, answer, {**written, **(reads or {})}, rows)
