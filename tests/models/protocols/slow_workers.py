"""A backlog and slow workers: is every due job done in the end? Time passes in ticks; all that is due happens in a
tick.

`ClaimingModel` is `infrastructure/jobs`: beat sends at most `wakeups.BOUND` wake-ups, a worker that takes one claims
due jobs by due time, as many as it has room for, and its heartbeat renews their leases. `MessagesModel` is the queue
of release 0.1.0, in which a message in the broker carried one claimed job.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from interfaces.worker.wakeups import BOUND
from tests.models.checker import Model

DONE_IN_THE_END = "every due job is done in the end"


class Claimed(NamedTuple):
    """A job: the ticks that its lease lasts (0: none), the worker that holds it (-1: none), the work that is left."""

    lease: int = 0
    worker: int = -1
    left: int = 0
    done: bool = False


class QueueState(NamedTuple):
    jobs: tuple[Claimed, ...]
    wakeups: int
    asleep: tuple[int, ...]
    """Ticks that each worker sleeps on; negative: ticks that it must be awake before it may sleep again."""


class ClaimingModel(Model[QueueState]):
    """`sleep`: the most ticks that a worker sleeps at a time, with one tick awake in between.

    `renews`: the mutant does not.
    """

    inevitable = DONE_IN_THE_END

    def __init__(
        self, *, jobs: int = 6, workers: int = 2, room: int = 2, lease: int = 3, sleep: int = 2, renews: bool = True
    ) -> None:
        self._jobs, self._workers, self._room = jobs, workers, room
        self._lease, self._sleep, self._renews = lease, sleep, renews

    def initial(self) -> QueueState:
        return QueueState((Claimed(),) * self._jobs, 0, (0,) * self._workers)

    def broken(self, state: QueueState) -> Iterator[str]:
        if state.wakeups > BOUND:
            yield "the broker holds a bounded number of messages"

    def is_goal(self, state: QueueState) -> bool:
        return all(job.done for job in state.jobs)

    def steps(self, state: QueueState) -> Iterator[tuple[str, QueueState]]:
        """One tick. Each worker that is awake may fall asleep, or it works."""
        if self.is_goal(state):
            return
        jobs = tuple(job._replace(lease=max(0, job.lease - 1)) for job in state.jobs)
        wakeups = state.wakeups + (state.wakeups < BOUND)
        yield from self._turn("", QueueState(jobs, wakeups, state.asleep), 0)

    def _turn(self, label: str, state: QueueState, worker: int) -> Iterator[tuple[str, QueueState]]:
        if worker == self._workers:
            yield label or "a tick", state
            return
        left = state.asleep[worker]
        if left > 0:
            yield from self._turn(label, self._asleep(state, worker, left - 1 or -1), worker + 1)
            return
        if left == 0:
            for ticks in range(1, self._sleep + 1):
                falls = f"{label} worker {worker} sleeps for {ticks}"
                yield from self._turn(falls, self._asleep(state, worker, ticks - 1 or -1), worker + 1)
        works = self._asleep(self._works(state, worker), worker, min(0, left + 1))
        yield from self._turn(f"{label} worker {worker} works", works, worker + 1)

    def _asleep(self, state: QueueState, worker: int, ticks: int) -> QueueState:
        return state._replace(asleep=(*state.asleep[:worker], ticks, *state.asleep[worker + 1 :]))

    def _works(self, state: QueueState, worker: int) -> QueueState:
        """Its heartbeat, a tick of each attempt, then a wake-up: `JobWalker._beat`, `_do` and `walk`."""
        jobs = [self._goes_on(job) if job.worker == worker else job for job in state.jobs]
        if not state.wakeups:
            return state._replace(jobs=tuple(jobs))
        room = self._room - sum(job.worker == worker for job in jobs)
        for number, job in enumerate(jobs):
            if room and not job.done and not job.lease:
                jobs[number], room = Claimed(self._lease, worker, 2), room - 1
        return QueueState(tuple(jobs), state.wakeups - 1, state.asleep)

    def _goes_on(self, job: Claimed) -> Claimed:
        """A lease that ran out is renewed as well, as long as nobody else has claimed the job."""
        if job.left == 1:
            return Claimed(done=True)
        return job._replace(lease=self._lease if self._renews else job.lease, left=job.left - 1)


class Sent(NamedTuple):
    """A job of the old queue: the ticks that its claim counts, and the number of the claim."""

    lease: int = 0
    claim: int = 0
    done: bool = False


class MessageState(NamedTuple):
    jobs: tuple[Sent, ...]
    broker: tuple[tuple[int, int], ...]
    """Messages, first in first out: job and claim."""


class MessagesModel(Model[MessageState]):
    """A claim counts `lease` ticks; a message of an older claim begins nothing. A worker takes one message a tick."""

    inevitable = DONE_IN_THE_END

    def __init__(self, *, jobs: int = 6, lease: int = 3) -> None:
        self._jobs, self._lease = jobs, lease

    def initial(self) -> MessageState:
        return MessageState((Sent(),) * self._jobs, ())

    def canonical(self, state: MessageState) -> MessageState:
        """Claims are told apart by whether they are the job's last one."""
        jobs = tuple(job._replace(claim=1) if job.claim else job for job in state.jobs)
        broker = tuple((number, int(state.jobs[number].claim == claim)) for number, claim in state.broker)
        return MessageState(jobs, broker)

    def broken(self, state: MessageState) -> Iterator[str]:
        return iter(())

    def is_goal(self, state: MessageState) -> bool:
        return all(job.done for job in state.jobs)

    def steps(self, state: MessageState) -> Iterator[tuple[str, MessageState]]:
        """One tick: claims age, the sweep claims what is due and sends it, the worker takes a message."""
        if self.is_goal(state):
            return
        jobs = [job._replace(lease=max(0, job.lease - 1)) for job in state.jobs]
        broker = list(state.broker)
        for number, job in enumerate(jobs):
            if not job.done and not job.lease:
                jobs[number] = Sent(self._lease, job.claim + 1)
                broker.append((number, job.claim + 1))
        label = "the queue is empty"
        if broker:
            number, claim = broker.pop(0)
            stale = jobs[number].claim != claim or jobs[number].done
            label = f"a stale message of job {number}" if stale else f"job {number} is done"
            jobs[number] = jobs[number] if stale else Sent(done=True)
        yield label, MessageState(tuple(jobs), tuple(broker))
