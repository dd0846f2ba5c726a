"""What is away for a while: PostgreSQL, beats, or the right time."""

import json
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from infrastructure.local.servers import LocalServers
from tests.support.instances import within
from tests.support.waiting import PATIENCE
from tests.system.worker.crew import SOON, Crew, hands

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
_IN_HALF_AN_HOUR = """
    UPDATE read_1.job SET due_at = clock_timestamp() + interval '30 minutes' WHERE subject = ANY(%s)"""


def repeated(said: str) -> list[tuple[object, ...]]:
    """The lines of warnings and errors that a process wrote more than once, with how often."""
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    troubles = [line for line in lines if line["level"] in {"warning", "error"}]
    counted = Counter((line["pid"], line["logger"], line["event"], line.get("task")) for line in troubles)
    return [(*line, number) for line, number in counted.items() if number > 1]


def test_a_database_that_is_started_again_finds_everybody_at_work(crew: Crew, postgres: LocalServers) -> None:
    before_it = len(crew.instance.process.said)
    with crew.beat() as beat, crew.worker() as worker:
        ids = crew.past(10)
        within(SOON, lambda: crew.done(ids))
        before = hands(worker)
        postgres.stop()
        time.sleep(4)
        postgres.start()
        more = crew.past(10)
        within(SOON, lambda: crew.done(more))
        assert hands(worker) == before
        assert beat.process.poll() is None
        everybody = beat.said + worker.said + crew.instance.process.said[before_it:]
    assert len(crew.completed([*ids, *more])) == 20
    assert repeated(everybody) == []  # whatever is tried again meanwhile


def ready(crew: Crew) -> tuple[str, bool]:
    """What the API says of itself, and of jobs."""
    told = httpx.get(f"{crew.instance.api}/health/ready", timeout=PATIENCE).json()
    return told["status"], told["checks"].get("jobs", {}).get("ok")


@pytest.mark.fault(9)
def test_without_a_beat_it_is_said_that_nobody_does_what_is_due_and_then_it_is_caught_up(crew: Crew) -> None:
    with crew.worker() as worker:
        with crew.beat():
            ids = crew.past(5)
            within(SOON, lambda: crew.done(ids))
            within(SOON, lambda: ready(crew) == ("ready", True))
        late = crew.past(30)
        time.sleep(2)
        assert not crew.completed(late)
        crew.ask("UPDATE work.enrolled SET swept_at = swept_at - interval '10 minutes'")  # as if they were over
        within(SOON, lambda: ready(crew) == ("degraded", False))
        with crew.beat():
            within(SOON, lambda: crew.done(late))
        within(SOON, lambda: "no sweep ran: check that beat" in worker.said)
        within(SOON, lambda: ready(crew) == ("ready", True))
    assert len(crew.completed(late)) == 30


@pytest.mark.fault(16)
@pytest.mark.parametrize("clock", ["+1h", "-1h"])
def test_the_database_s_clock_decides_whatever_the_workers_say(crew: Crew, clock: str) -> None:
    if FAKETIME is None:
        pytest.skip("libfaketime is not on this machine")
    due, not_due = crew.past(5), crew.past(5)
    crew.follow(not_due)
    crew.ask(_IN_HALF_AN_HOUR, [not_due])
    wrong = {"LD_PRELOAD": str(FAKETIME), "FAKETIME": clock, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    with crew.worker(**wrong), crew.beat():
        within(SOON, lambda: crew.done(due))
        time.sleep(2)
    assert crew.completed(not_due) == []
    assert {each.attempts for each in crew.progress(not_due)} == {0}
    assert {each.attempts for each in crew.progress(due)} == {1}
