"""Reminders in a storm: each is sent once per key, none is lost, none for what was cancelled or moved."""

from __future__ import annotations

import logging
import time
from collections import Counter
from contextlib import ExitStack
from random import Random

import pytest

from tests.support.checker import check
from tests.support.practice import Practice
from tests.support.sends import Sent, misled
from tests.support.smtp_receiver import Receiver
from tests.system.faults.storm import Storm
from tests.system.worker.broker import Broker
from tests.system.worker.crew import Crew

CALM = 600.0  # seconds in which all must be done
FOUL = 0.03  # seconds for each reminder, in which it happens again and again
FEW = 500
log = logging.getLogger(__name__)

_OPEN = """
    SELECT count(*) FROM {live}.job j LEFT JOIN work.job w USING (key), work.enrolled e
    WHERE j.kind IN ('remind', 'notify') AND w.done_at IS NULL
        AND coalesce(w.planned_at, j.due_at) <= clock_timestamp()
        AND (w.key IS NOT NULL OR j.position > greatest(e.position, e.silent_upto))"""
_TOLD = "SELECT key, slot, outcome FROM work.job WHERE kind IN ('remind', 'notify') AND done_at IS NOT NULL"
_WANTED = """
    SELECT count(*) FROM {live}.job j JOIN work.job w USING (key)
    WHERE j.kind = 'remind' AND j.subject = ANY(%s) AND w.outcome = 'done'"""


@pytest.mark.fault(8)
def test_each_reminder_is_sent_once_per_key_whoever_is_killed_asleep_or_emptied(
    crew: Crew, broker: Broker, receiver: Receiver, reminders: int, chance: Random
) -> None:
    practice = Practice(crew.instance)
    some = practice.book(reminders // 2)  # two each
    ahead = {each.id for each in some}
    practice.enrol()
    receiver.slow = 0.4 if reminders <= FEW else 0.1  # so that there is time for all that shall happen
    with ExitStack() as stack:
        storm = Storm(crew, broker, practice, [*some], chance, stack)
        storm.begin()
        practice.make_due(some)
        began = time.monotonic()
        for fault in chance.sample(storm.faults, len(storm.faults)):
            time.sleep(chance.uniform(0.5, 2))
            storm.strike(fault)
        while left(crew):
            assert time.monotonic() - began < CALM, f"{left(crew)} left"
            if time.monotonic() - began < reminders * FOUL and len(storm.some) > len(some) // 2:
                storm.strike(chance.choice(storm.faults))
            time.sleep(chance.uniform(0.5, 2))
        took = time.monotonic() - began
        storm.over()
    books = check(crew.instance.superuser_database)
    told = [Sent(*row) for row in crew.ask(_TOLD)]  # type: ignore[arg-type]
    assert [*misled(books.events, told, receiver.mails)] == []
    ended = ahead - {each.id for each in storm.some}
    kept = [*(ahead - ended)]
    assert crew.ask(live(crew, _WANTED), [kept]) == [(2 * len(kept),)], "none is lost"
    assert crew.ask("SELECT count(*) FROM work.job WHERE dead_at IS NOT NULL") == [(0,)]
    log.info(
        "%.0f s, %s; %d mails of %d keys; %d cancelled or moved, %d of their reminders sent before; %s",
        took, dict(Counter(storm.happened)), len(receiver.mails), len(receiver.keys), len(ended),
        len(receiver.keys) - 2 * len(kept) - sum(job.slot in {"moved", "cancelled"} for job in told),
        dict(Counter((job.slot, job.outcome) for job in told)),
    )  # fmt: skip


def left(crew: Crew) -> int:
    """How many are due and not done."""
    ((found,),) = crew.ask(live(crew, _OPEN))
    return int(str(found))


def live(crew: Crew, statement: str) -> str:
    ((generation,),) = crew.ask("SELECT generation FROM read.live")
    return statement.format(live=f"read_{generation}")
