"""A backlog that a slow worker can't catch up with: done in order, each kind its share, the broker's queue bounded."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from application.jobs.dispatch import KINDS
from infrastructure.jobs.walker import AT_ONCE
from interfaces.worker.wakeups import BOUND
from tests.support.instances import Process, within
from tests.system.worker.broker import Broker
from tests.system.worker.crew import SOON, Crew, hands, kill

log = logging.getLogger(__name__)

DUE = ("complete", "expire_hold", "lapse", "remind", "notify")
"""Of three queues. What they are about is gone, which their handlers find out."""
AWAKE, ASLEEP = 0.2, 0.8  # seconds, in turns
A_TURN = 2.0  # seconds in which a queue has its turn: a walk lasts SLICE by the clock, also while the worker is stopped
AGO = 300.0  # seconds that the backlog waits already: a hundred times the lease, ten times what a claim once lasted
QUEUES = {queue for queue, kinds in KINDS.items() if set(kinds) & {*DUE}} | {"sweep"}
_BACKLOG = """
    INSERT INTO work.job (key, kind, subject, slot, planned_at, due_at, enqueued)
    SELECT gen_random_uuid(), (%s::text[])[1 + n %% %s], gen_random_uuid(), 'booked', at, at, true
    FROM generate_series(0, %s) n, LATERAL (
        SELECT clock_timestamp() - make_interval(secs => %s + random() * %s) AS at) due"""
_COUNTS = "SELECT kind, count(*) FILTER (WHERE done_at IS NOT NULL), count(*) FROM work.job GROUP BY kind"
# Done before an earlier one that nobody has in hand.
_OUT_OF_TURN = """
    SELECT count(*) FROM work.job d JOIN (
        SELECT kind, min(due_at) AS at FROM work.job
        WHERE done_at IS NULL AND coalesce(leased_until, '-infinity') < clock_timestamp() - interval '2 seconds'
        GROUP BY kind) first USING (kind)
    WHERE d.done_at IS NOT NULL AND d.due_at > first.at"""


@pytest.fixture
def number(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--jobs", 0)) or 600


@contextmanager
def slow(worker: Process) -> Iterator[None]:
    """It and its processes are stopped for most of every second."""
    over = threading.Event()

    def slow_down() -> None:
        while not over.is_set():
            everybody = [*hands(worker), worker.process.pid]
            kill(*everybody, number=signal.SIGSTOP)
            over.wait(ASLEEP)
            kill(*everybody, number=signal.SIGCONT)
            time.sleep(AWAKE)

    thread = threading.Thread(target=slow_down)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class Watch:
    """What is seen of it meanwhile."""

    def __init__(self, crew: Crew, broker: Broker) -> None:
        self._crew = crew
        self._broker = broker
        self.longest = 0
        self.times: list[tuple[float, int]] = []

    def look(self) -> dict[str, int]:
        """How many are done, by kind."""
        self.longest = max(self.longest, *(self._broker.waiting(queue) for queue in QUEUES))
        found = {str(kind): int(str(done)) for kind, done, _ in self._crew.ask(_COUNTS)}
        self.times.append((time.monotonic(), sum(found.values())))
        return found

    def until(self, done: int) -> dict[str, int]:
        """Look until so many are done; they must become more and more."""
        found = self.look()
        while sum(found.values()) < done:
            known = sum(found.values())
            within(SOON, lambda: sum(self.look().values()) > known)  # noqa: B023  it is asked at once
            found = self.look()
            time.sleep(0.2)
        return found

    def turn(self) -> int:
        """How many are done in one turn, at most: as many as the machine can."""
        return max(
            until - since
            for first, since in self.times
            for last, until in self.times
            if first <= last <= first + A_TURN
        )

    def rate(self, since: int, until: int) -> float:
        """Jobs a second, from when so many were done until so many were."""
        first = next(at for at in self.times if at[1] >= since)
        last = next(at for at in self.times if at[1] >= until)
        return (last[1] - first[1]) / max(last[0] - first[0], AWAKE + ASLEEP)  # within a second it says nothing


def assert_no_kind_starves(shares: dict[str, int], a_turn: int) -> None:
    """Three kinds share a queue, and queues take turns."""
    assert min(shares.values()) * 6 + a_turn >= max(shares.values()), (shares, a_turn)


@pytest.mark.timeout(3_600)
def test_a_backlog_is_worked_off_in_order_however_slow_the_worker(crew: Crew, broker: Broker, number: int) -> None:
    crew.ask(_BACKLOG, [list(DUE), len(DUE), number - 1, AGO, AGO])
    watch = Watch(crew, broker)
    with crew.beat(), crew.worker(concurrency=1) as worker, slow(worker):
        shares = watch.until(number // 6)
        assert_no_kind_starves(shares, watch.turn())
        ((early,),) = crew.ask(_OUT_OF_TURN)
        assert int(str(early)) <= 2 * AT_ONCE
        broker.flush()
        shares = watch.until(number // 2)
        assert_no_kind_starves(shares, watch.turn())
        first, last = watch.rate(number // 24, number // 6), watch.rate(number // 6, number // 2)
        log.warning("%.1f jobs/s at first, %.1f later; %d messages at most; %s", first, last, watch.longest, shares)
        assert last * 6 >= first, "it gets no slower with time"  # another program may have begun meanwhile
        kill(*hands(worker))
        watch.until(number // 2 + number // 12)
        worker.kill()
    with crew.beat(), crew.worker():
        broker.flush()
        watch.until(number)
    # A check and a message are not one step: each process may add one beyond the bound.
    assert watch.longest <= 2 * BOUND
    ((again, most),) = crew.ask("SELECT count(*) FILTER (WHERE attempts > 1), max(attempts) FROM work.job")
    log.warning("%s done twice, %s times at most", again, most)
    assert int(str(again)) <= len(QUEUES) * AT_ONCE * 4, "only what was in hand of those killed is begun again"


def test_a_queue_that_nobody_takes_messages_from_stays_short(crew: Crew, broker: Broker) -> None:
    """As R1 of an earlier release: messages that came late made nothing but more messages."""
    crew.ask(_BACKLOG, [list(DUE), len(DUE), 99, AGO, AGO])
    with crew.beat(), crew.worker("--queues", "sweep"):
        within(SOON, lambda: broker.waiting("jobs") == BOUND)
        swept = "SELECT swept_at FROM work.enrolled"
        for _ in range(5):
            before = crew.ask(swept)
            within(SOON, lambda: crew.ask(swept) != before)  # noqa: B023  it is asked at once
        for queue in ("jobs", "urgent", "mail"):
            assert BOUND <= broker.waiting(queue) < BOUND + 2, "two processes, each of which looks before it sends"
    with crew.worker():
        within(SOON, lambda: {int(str(done)) for _, done, _ in crew.ask(_COUNTS)} == {20})


def test_beat_alone_fills_no_queue(crew: Crew, broker: Broker) -> None:
    with crew.beat() as beat:
        within(SOON, lambda: broker.waiting("sweep") == BOUND)
        time.sleep(3)
        assert broker.waiting("sweep") == BOUND
        assert beat.process.poll() is None
