"""Three workers and a beat or two, to whom things happen until all is done."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random

from infrastructure.jobs.job_queue import RUNNING
from tests.support.instances import Process
from tests.support.practice import Booked, Practice
from tests.system.worker.broker import Broker
from tests.system.worker.crew import Crew, hands, kill

WORKERS = 3
ASLEEP = RUNNING.total_seconds() + 1.5  # past the lease
log = logging.getLogger(__name__)

_TEN_MINUTES_LATER = (
    "UPDATE work.enrolled SET swept_at = swept_at - interval '10 minutes'",
    """UPDATE work.job SET due_at = due_at - interval '10 minutes'
    WHERE done_at IS NULL AND dead_at IS NULL AND due_at < clock_timestamp() + interval '10 minutes'""",
)
"""Of what is ahead, nothing comes closer that is not due within that time."""


@dataclass
class Storm:
    """`some`: appointments whose reminders are due; from the end of them some are cancelled and moved."""

    crew: Crew
    broker: Broker
    practice: Practice
    some: list[Booked]
    chance: Random
    stack: ExitStack
    workers: list[Process] = field(default_factory=list)
    beats: list[Process] = field(default_factory=list)
    happened: list[str] = field(default_factory=list)
    sleepers: list[threading.Thread] = field(default_factory=list)

    def begin(self) -> None:
        """Three workers, two beats."""
        self.workers = [self._worker() for _ in range(WORKERS)]
        self.beats = [self._beat(), self._beat()]

    @property
    def faults(self) -> list[Callable[[], None]]:
        return [
            self.child_is_killed,
            self.worker_is_killed,
            self.children_sleep_past_the_lease,
            self.broker_is_emptied,
            self.some_are_cancelled,
            self.some_are_moved,
            self.nobody_sweeps_for_ten_minutes,
        ]

    def strike(self, fault: Callable[[], None]) -> None:
        fault()
        self.happened.append(fault.__name__)
        log.info("%s", fault.__name__)

    def child_is_killed(self) -> None:
        found = hands(self.chance.choice(self.workers))
        if found:
            kill(self.chance.choice(found))

    def worker_is_killed(self) -> None:
        """Another takes its place."""
        worker = self.chance.choice(self.workers)
        worker.kill()
        self.workers.remove(worker)
        self.workers.append(self._worker())

    def children_sleep_past_the_lease(self) -> None:
        asleep = hands(self.chance.choice(self.workers))

        def sleep() -> None:
            kill(*asleep, number=signal.SIGSTOP)
            time.sleep(ASLEEP)
            kill(*asleep, number=signal.SIGCONT)

        self.sleepers.append(threading.Thread(target=sleep))
        self.sleepers[-1].start()

    def broker_is_emptied(self) -> None:
        self.broker.flush()

    def some_are_cancelled(self) -> None:
        self.practice.cancel([self.some.pop() for _ in range(self._few())])

    def some_are_moved(self) -> None:
        self.practice.move([self.some.pop() for _ in range(self._few())])

    def nobody_sweeps_for_ten_minutes(self) -> None:
        for beat in self.beats:
            beat.kill()
        time.sleep(1)
        for statement in _TEN_MINUTES_LATER:
            self.crew.ask(statement)
        self.beats = [self._beat(), self._beat()]

    def over(self) -> None:
        """Everybody is awake again."""
        for each in self.sleepers:
            each.join()

    def _few(self) -> int:
        return min(len(self.some), self.chance.randint(2, 8))

    def _worker(self) -> Process:
        return self.stack.enter_context(self.crew.worker())

    def _beat(self) -> Process:
        return self.stack.enter_context(self.crew.beat())
