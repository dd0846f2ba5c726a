"""The time of an auditor's questions with a million events in the log, and the memory of the process that answers."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import psycopg

from application.access import Role
from bench import history
from bench.figure import Figure, Side, Turns
from bench.load import load
from bench.place import SECRET, Database, Place, caught_up
from bench.town import request
from domain.kernel import new_id
from infrastructure.identity.access_tokens import AccessTokens
from infrastructure.local.programs import wait_until

CONNECTIONS = 4
SAMPLE = 500  # bookings, spread over the log, which the questions are about
CATCH_UP_WITHIN = 1_800  # seconds
_ROW = "one appointment by its id"
_QUESTIONS = {
    "search by actor": "/v1/audit/events?actor={actor}",
    "search by request": "/v1/audit/events?request={correlation}",
    "search by stream": "/v1/audit/events?stream={stream}",
    "search by person": "/v1/audit/events?person={person}",
    "search by type, newest first": "/v1/audit/events?type=Appointment.Booked&to={position}&sort=newest",
    "state at a position": "/v1/audit/streams/{stream}?at={position}",
    "history of a stream": "/v1/audit/streams/{stream}/history",
    "proof that an event is in the log": "/v1/audit/proofs/{position}",
}


def run(place: Place, tell: Callable[[str], None]) -> Sequence[Figure]:
    """See the README."""
    events = place.size(1_000_000, 3_000)
    with ExitStack() as stack:
        database = stack.enter_context(place.database("bench_audit"))
        tell(f"audit: writing {events:,} events")
        history.write(database, events)
        tell("audit: reading them")
        with place.projector(database):
            assert wait_until(partial(caught_up, database), CATCH_UP_WITHIN)
        about = _sample(database, place.size(SAMPLE, 20))
        port, pid = stack.enter_context(place.api_with({}, database, redis=False))
        paths = {name: [path.format_map(each) for each in about] for name, path in _QUESTIONS.items()}
        rows = {_ROW: [f"/v1/appointments/{each['stream']}" for each in about]}
        sides = {name: _timed(port, some) for name, some in (rows | paths).items()}
        for warm_up in sides.values():
            warm_up()
        before = _resident(pid)
        turns = Turns("audit", sides, place.rounds, tell).take()
        after = _resident(pid)
    answers = len(about) * len(sides) * place.rounds
    memory = Figure("audit", "MB resident", Side(f"after {answers:,} answers", [after]), Side("before", [before]))
    return [*(turns.figure(name, _ROW, "ms, p95") for name in paths), memory]


def _timed(port: int, paths: Sequence[str]) -> Callable[[], float]:
    token = AccessTokens(SECRET).issue(new_id(), Role.AUDITOR)
    requests = [request("GET", path, token=token) for path in paths]
    return lambda: load(port, requests, connections=CONNECTIONS).p95


def _sample(database: Database, count: int) -> Sequence[dict[str, object]]:
    """Bookings at random positions: actor, correlation, stream, person and position of each."""
    query = b"""
        SELECT e.position, e.actor, e.correlation, s.originator_id AS stream, p.person_id AS person
        FROM read.audit_event e JOIN read.audit_person p USING (position)
            JOIN log.stored_events s ON s.notification_id = e.position
        WHERE e.topic = 'Appointment.Booked'"""
    with psycopg.connect(database.owner, autocommit=True, row_factory=psycopg.rows.dict_row) as connection:
        found = connection.execute(query).fetchall()
    return random.Random(4711).sample(found, count)


def _resident(pid: int) -> float:
    """MB of a process."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.findall(r"^VmRSS:\s+(\d+)", status, re.MULTILINE)[0]) / 1024
