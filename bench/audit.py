"""The time of an auditor's questions with a million events in the log, and the memory of the process that answers."""

from __future__ import annotations

import json
import random
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from hashlib import sha256
from timeit import timeit
from typing import Any

import psycopg

from application.access import Role
from bench.tools import history, processes
from bench.tools.figure import Figure, Side, Target, Turns
from bench.tools.load import load
from bench.tools.place import SECRET, Database, Place, caught_up
from bench.tools.town import request
from bench.tools.web import get
from domain.kernel import new_id
from domain.log_position import position_of
from infrastructure.identity.access_tokens import AccessTokens
from infrastructure.ledger.tree import leaf_hash, verify_inclusion
from infrastructure.local.programs import wait_until

CONNECTIONS = 4
SAMPLE = 500  # bookings, spread over the log, which the questions are about
CATCH_UP_WITHIN = 1_800  # seconds
_ROW = "one appointment by its id"
_PROOF = "proof that an event is in the log"
_CHECK, _MEGABYTE = "check of a proof", "sha256 of a megabyte"
_QUESTIONS = {
    "search by actor": "/v1/audit/events?actor={actor}",
    "search by request": "/v1/audit/events?request={correlation}",
    "search by stream": "/v1/audit/events?stream={stream}",
    "search by person": "/v1/audit/events?person={person}",
    "search by type, newest first": "/v1/audit/events?type=Appointment.Booked&to={position}&sort=newest",
    "state at a position": "/v1/audit/streams/{stream}?at={position}",
    "history of a stream": "/v1/audit/streams/{stream}/history",
    _PROOF: "/v1/audit/proofs/{position}",
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
        port, pid, _ = stack.enter_context(place.api_with({}, database, redis=False))
        paths = {name: [path.format_map(each) for each in about] for name, path in _QUESTIONS.items()}
        rows = {_ROW: [f"/v1/appointments/{each['stream']}" for each in about]}
        sides = {name: _timed(port, some) for name, some in (rows | paths).items()}
        for warm_up in sides.values():
            warm_up()
        before = processes.resident(pid)
        turns = Turns("audit", sides, place.rounds, tell).take()
        after = processes.resident(pid)
        proof = json.loads(get(port, paths[_PROOF][0], _token()))
    answers = len(about) * len(sides) * place.rounds
    memory = Figure("audit", "MB resident", Side(f"after {answers:,} answers", [after]), Side("before", [before]))
    return [*(turns.figure(name, _ROW, "ms, p95") for name in paths), memory, *_proof_figures(place, proof, tell)]


def _proof_figures(place: Place, proof: dict[str, Any], tell: Callable[[str], None]) -> Iterator[Figure]:
    """The size of a path, and the time of checking it."""
    path = [b64decode(each) for each in proof["path"]]
    position, size = (position_of(each["position"]) or 0 for each in (proof, proof["tree"]))
    micros = round(datetime.fromisoformat(proof["at"]).timestamp() * 1_000_000)
    leaf = leaf_hash(bytes.fromhex(proof["digest"]), position, micros)
    root, megabyte = bytes.fromhex(proof["tree"]["root"]), bytes(1_000_000)
    assert verify_inclusion(leaf, position - 1, size, path, root)
    length = Side(f"path of {len(path)} hashes", [float(len(json.dumps(proof["path"])))])
    yield Figure("audit", "bytes", length, Side("1 kB", [1_000.0]), Target(1, at_most=True))
    sides = {
        _CHECK: lambda: 1_000 * timeit(lambda: verify_inclusion(leaf, position - 1, size, path, root), number=1_000),
        _MEGABYTE: lambda: 10_000 * timeit(lambda: sha256(megabyte).digest(), number=100),
    }
    yield Turns("audit", sides, place.rounds, tell).take().figure(_CHECK, _MEGABYTE, "us")


def _timed(port: int, paths: Sequence[str]) -> Callable[[], float]:
    token = _token()
    requests = [request("GET", path, token=token) for path in paths]
    return lambda: load(port, requests, connections=CONNECTIONS).p95


def _token() -> str:
    return AccessTokens(SECRET).issue(new_id(), Role.AUDITOR)


def _sample(database: Database, count: int) -> Sequence[dict[str, object]]:
    """Bookings at random positions: actor, correlation, stream, person and position of each."""
    query = b"""
        SELECT e.position, e.actor, e.correlation, s.originator_id AS stream, p.person_id AS person
        FROM read_1.audit_event e JOIN read_1.audit_person p USING (position)
            JOIN log.stored_events s ON s.notification_id = e.position
        WHERE e.topic = 'Appointment.Booked'"""
    with psycopg.connect(database.owner, autocommit=True, row_factory=psycopg.rows.dict_row) as connection:
        found = connection.execute(query).fetchall()
    return random.Random(4711).sample(found, count)
