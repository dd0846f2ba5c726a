"""What Daybook must survive, and the tests that show it: docs/faults.md, from the markers `fault` of the tests."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
FAULTS: Mapping[int, tuple[str, str]] = {
    1: (
        "50 clients want one time, with the same and with different lengths, holds, any provider",
        "one 201, all others 409 `slot-taken`",
    ),
    2: (
        "the same Idempotency-Key 20 times at once, then later; with another body",
        "one execution, identical answers, `Idempotency-Replayed` on all but one; 422",
    ),
    3: (
        "an API process is killed after the commit and before the answer; before the commit",
        "a retry with the key gets the stored answer; nothing is stored, and a retry works",
    ),
    4: (
        "SIGTERM, and containers replaced one by one under load",
        "readiness 503 first, requests in flight finish, no command lost or doubled, at most 0.1 % connection errors",
    ),
    5: (
        "PostgreSQL restarts: in order, at once, killed; one connection is ended",
        "503 with Retry-After meanwhile, back by itself, nothing acknowledged lost, no half command",
    ),
    6: ("all connections of the pool in use; the queue full", "503 in bounded time; `/health/live` still 200"),
    7: (
        "Redis down, emptied, slow",
        "booking, reading and login work; login limits are stricter, never open; jobs are sent again from PostgreSQL",
    ),
    8: (
        "a worker's process is killed; the whole worker; one sleeps past its lease",
        "another does the job within seconds; the late one is blocked",
    ),
    9: ("no beat for long; two beats", "it is said, and caught up; no duplicates"),
    10: (
        "a receiver of mail or webhooks: silent, 500, 429, slow, a redirect to a private address",
        "back-off with jitter, Retry-After honoured, dead letter with a retry; refused",
    ),
    11: ("an appointment is cancelled or moved between claim and sending", "nothing is sent for the old time"),
    12: (
        "the projector is killed within a page; the leader sleeps and wakes; an event that cannot be applied",
        "every effect exactly once; the old leader is kept out; only that projection stops",
    ),
    13: ("the LISTEN connection is cut; a NOTIFY is lost", "the next look delivers within two seconds"),
    14: (
        "a projection is behind",
        "positions say so; a GET that waits gets 200 or 503, never an old answer as a new one",
    ),
    15: ("a rebuild under write load", "reads never fail, and the rebuilt read models equal the log"),
    16: (
        "clocks of processes differ by minutes; a clock is set back",
        "order by position; due checks and leases by the database's clock",
    ),
    17: ("days on which clocks change; new time zone data", "the rules of booking hold, and nothing answers 500"),
    18: ("silent connections to PostgreSQL and Redis", "time-outs, and nobody waits for ever"),
    19: ("the disk of PostgreSQL is full", "503, reads go on, it recovers by itself, nothing is damaged"),
    20: ("two releases at once", "each reads the events of the other, as far as [upgrading.md](upgrading.md) says"),
    21: (
        "a backup is restored to an earlier point",
        "the log is consistent and verified, read models rebuilt, no mail sent again, the erased stay erased",
    ),
    22: (
        "hostile input: large and deep bodies, odd text, impossible dates and zones, injection, tricks with paths",
        "a 4xx problem, nothing stored, no 500",
    ),
}
"""Number, fault, and what is expected. A test says `@pytest.mark.fault(number)`."""


def table() -> str:
    """A row for each fault, with its tests; one without a test is open."""
    found = marked_tests()
    rows = [
        f"| {number} | {fault} | {expected} | {_shown(found.get(number, ()))} |"
        for number, (fault, expected) in FAULTS.items()
    ]
    return "\n".join(["| number | fault | expected | tests |", "|---|---|---|---|", *rows])


def marked_tests() -> Mapping[int, Sequence[str]]:
    """The tests of each fault, as path::name. Raises ValueError for a number that no fault has."""
    found: dict[int, list[str]] = defaultdict(list)
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        text = file.read_text(encoding="utf-8")
        if "mark.fault(" in text:
            for name, number in _marked(ast.parse(text)):
                if number not in FAULTS:
                    raise ValueError(f"{file}: {name} marks fault {number}, which is not in the list")
                found[number].append(f"{file.relative_to(ROOT)}::{name}")
    return found


def _marked(body: ast.Module | ast.ClassDef, place: str = "") -> Iterator[tuple[str, int]]:
    for each in body.body:
        if isinstance(each, ast.ClassDef):
            yield from _marked(each, f"{place}{each.name}::")
        elif isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in each.decorator_list:
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.fault":
                    yield from ((place + each.name, ast.literal_eval(number)) for number in decorator.args)


def _shown(tests: Sequence[str]) -> str:
    return "<br>".join(f"`{each}`" for each in tests) or "**open**"
