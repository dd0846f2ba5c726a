"""`log.append` on PostgreSQL gives the verdicts that the model of batches says, to any small batch on any small log."""

from __future__ import annotations

from random import Random

import psycopg
import pytest

from domain.kernel import new_id
from infrastructure.event_log.append_call import APPEND, arguments, call_of, read_answers
from infrastructure.event_log.append_connection import ANOTHER_LOG
from infrastructure.event_log.journal import Appended, AppendResult, DuplicateCommand, LogEntry, StaleReads
from tests.conftest import Database
from tests.infrastructure.event_log.entries import row
from tests.models.protocols.append_state import holds, seal_of
from tests.models.protocols.batches import KEYS, STREAMS, Wish, verdicts, wishes

LETTERS = {Appended: "r", DuplicateCommand: "k", StaleReads: "m"}
ROUNDS = 150


def entry_of(wish: Wish) -> LogEntry:
    reads = dict(wish.reads)
    rows = [row(stream, reads[stream] + 1) for stream in wish.writes]
    return LogEntry(wish.key, b"", (STREAMS[0], 1), reads, rows)


def append(connection: psycopg.Connection, *entries: LogEntry) -> list[AppendResult]:
    rows = connection.execute(APPEND, arguments(entries), binary=True).fetchall()
    return read_answers(entries, rows).answers


@pytest.mark.parametrize("seed", [1, 2])
def test_the_server_gives_the_verdicts_of_the_model(database: Database, seed: int) -> None:
    chance, every, told = Random(seed), list(wishes()), set()
    with psycopg.connect(database.application) as connection:
        for _ in range(ROUNDS):
            log = {stream: chance.choice((0, 1)) for stream in STREAMS}
            used = chance.choice(((), KEYS[:1]))
            before = [LogEntry(new_id().bytes * 2, b"", (s, 1), {s: 0}, [row(s, 1)]) for s, v in log.items() if v]
            before += [LogEntry(key, b"", (STREAMS[0], 1), {}, [row(new_id(), 1)]) for key in used]
            if before:
                append(connection, *before)
            batch = [chance.choice(every) for _ in range(3)]
            answers = append(connection, *map(entry_of, batch))
            given = "".join(LETTERS[type(answer)] for answer in answers)
            assert given == verdicts(log, used, batch), (log, used, batch)
            told.update(given)
            connection.rollback()
    assert told == set("rkm")


def test_the_server_knows_its_log_by_the_seals_that_the_model_asks_for(database: Database) -> None:
    """Of two logs that part after their first seal, each refuses the seals that the model says it lacks."""
    first = LogEntry(new_id().bytes * 2, b"", (STREAMS[0], 1), {}, [row(new_id(), 1)])
    seals: dict[tuple[str, ...], tuple[int, bytes]] = {}
    with psycopg.connect(database.application) as connection:
        append(connection, first)
        seals["first",] = _last(connection)
        connection.commit()
        for name in ("a", "b"):
            append(connection, LogEntry(new_id().bytes * 2, b"", (STREAMS[0], 1), {}, [row(new_id(), 1)]))
            seals["first", name] = _last(connection)
            for known, seal in seals.items():
                with connection.transaction(force_rollback=True):
                    expected = holds(("first", name), frozenset([seal_of(known)]))
                    assert _takes(connection, seal) == expected, (name, known)
            connection.rollback()


def _last(connection: psycopg.Connection) -> tuple[int, bytes]:
    found = connection.execute("SELECT upto, hash FROM log.seal ORDER BY upto DESC LIMIT 1").fetchone()
    assert found
    return found


def _takes(connection: psycopg.Connection, seal: tuple[int, bytes]) -> bool:
    entry = LogEntry(new_id().bytes * 2, b"", (STREAMS[0], 1), {}, [row(new_id(), 1)])
    try:
        with connection.transaction():
            connection.execute(*call_of([entry], [seal]), binary=True)
    except psycopg.Error as refused:
        if refused.sqlstate != ANOTHER_LOG:
            raise
        return False
    return True
