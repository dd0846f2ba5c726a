"""The call of `log.append`: a batch of entries to arrays, its rows to answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from infrastructure.database.pg_arrays import Bytea, Int4, Int8, PgArray, Text, Uuid
from infrastructure.event_log.journal import (
    Appended,
    AppendResult,
    DuplicateCommand,
    EnqueuedJob,
    LogEntry,
    MissedEvent,
    StaleReads,
)
from infrastructure.event_log.log_head import LogSeal

APPEND = f"SELECT * FROM log.append({', '.join(['%b'] * 17)})"  # noqa: S608
APPEND_ENQUEUING = f"SELECT * FROM log.append({', '.join(['%b'] * 24)})"  # noqa: S608
_KNOWING = ", known_upto => %b, known_seals => %b)"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Batch(NamedTuple):
    """The answers of an append, one a command, with position and hash of the last seal.

    `since`: the position before its first event. `at`: the database's clock. `log_at`: the log's own time, which
    never goes back.
    """

    answers: list[AppendResult]
    at: datetime
    log_at: datetime
    head: tuple[int, bytes | None]
    since: int


def call_of(entries: Sequence[LogEntry], seals: Collection[LogSeal] = ()) -> tuple[str, list[PgArray]]:
    """The statement, and its arrays: those of jobs if there are jobs, and the seals that the log must hold."""
    enqueued = [(n, job) for n, entry in enumerate(entries, 1) for job in entry.enqueues]
    statement = APPEND_ENQUEUING if enqueued else APPEND
    jobs = _job_arrays(enqueued) if enqueued else []
    return f"{statement[:-1]}{_KNOWING}", [*arguments(entries), *jobs, *as_arrays(seals)]


def as_arrays(seals: Collection[LogSeal]) -> list[PgArray]:
    """Two arrays of the same length: positions and hashes."""
    return [Int8.of_numbers([upto for upto, _ in seals]), Bytea.of([seal for _, seal in seals])]


def _job_arrays(enqueued: Sequence[tuple[int, EnqueuedJob]]) -> list[PgArray]:
    return [
        Int4.of_numbers([n for n, _ in enqueued]),
        Uuid.of_ids(job.key for _, job in enqueued),
        Text.of_text(job.kind for _, job in enqueued),
        Uuid.of_ids(job.subject for _, job in enqueued),
        Text.of_text(job.slot for _, job in enqueued),
        Bytea.of([job.payload for _, job in enqueued]),
        Text.of_text(job.correlation for _, job in enqueued),
    ]


def arguments(entries: Sequence[LogEntry]) -> list[PgArray]:
    """The arrays of events and reads; commands are numbered from 1."""
    reads = [(n, *read) for n, entry in enumerate(entries, 1) for read in entry.reads.items()]
    rows = [(n, row) for n, entry in enumerate(entries, 1) for row in entry.rows]
    forgets = [(n, subject) for n, entry in enumerate(entries, 1) for subject in entry.forgets]
    return [
        Bytea.of([entry.key for entry in entries]),
        Bytea.of([entry.fingerprint for entry in entries]),
        Uuid.of_ids(entry.answer[0] for entry in entries),
        Int8.of_numbers([entry.answer[1] for entry in entries]),
        Int4.of_numbers([n for n, _, _ in reads]),
        Uuid.of_ids(stream for _, stream, _ in reads),
        Int8.of_numbers([version for _, _, version in reads]),
        Int4.of_numbers([n for n, _ in rows]),
        Uuid.of_ids(row.stream for _, row in rows),
        Int8.of_numbers([row.version for _, row in rows]),
        Text.of_text(row.topic for _, row in rows),
        Bytea.of([row.state for _, row in rows]),
        Uuid.of_ids(row.id for _, row in rows),
        Text.of_text(row.metadata for _, row in rows),
        Bytea.of([row.digest for _, row in rows]),
        Int4.of_numbers([n for n, _ in forgets]),
        Uuid.of_ids(subject for _, subject in forgets),
    ]


def read_answers(entries: Sequence[LogEntry], rows: Sequence[tuple[Any, ...]]) -> Batch:
    """The answers in the order of the entries."""
    (_, _, _, log_at, since, verdicts, seal, at), *rest = rows
    position: int = since
    duplicates: dict[int, DuplicateCommand] = {}
    missed: dict[int, list[MissedEvent]] = defaultdict(list)
    for kind, n, stream, version, at_position, topic, state, _ in rest:
        if kind == "kept":
            duplicates[n] = DuplicateCommand(stream, version, at_position, bytes(state))
        else:
            missed[n].append(MissedEvent(stream, version, topic, bytes(state)))
    answers: list[AppendResult] = []
    for n, (entry, verdict) in enumerate(zip(entries, verdicts, strict=True), 1):
        if verdict == "r":
            position += len(entry.rows)
            answers.append(Appended(position))
        else:
            answers.append(duplicates[n] if verdict == "k" else StaleReads(missed[n], entry.reads))
    return Batch(answers, at, _EPOCH + timedelta(microseconds=log_at), (position, seal), since)
