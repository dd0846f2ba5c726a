"""Jobs: enrolled from the read model, claimed by a worker under a lease, confirmed before the mail leaves, ended.

`infrastructure/jobs`: `Enrolment.enrol`, `JobQueue.claim`, `renew` and `done`, `HeldJob`; `SmtpSender`;
`application/notifications/notice_jobs.py`: `_tell`, `_confirm`.

One appointment and its reminder. The log: B booked, M moved (another job), C cancelled. Wake-ups carry nothing: a
worker may claim whenever it likes, so that lost and doubled ones need no step. Time is only that a lease runs out: of
a worker that lives and renews it, only by a fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tests.models.checker import Model, replaced

SLEPT = "nothing is sent by a worker that slept past its lease before it left"
CANCELLED = "nothing is sent of what was cancelled or moved before it left"
CONFIRMED = "nothing is sent that was cancelled, moved or another worker's when the mail server waited for it"
TWICE = "one copy is sent"
GIVEN_UP = "a job that kills its workers is dead in the end"


class Row(NamedTuple):
    """A row of `work.job`. `lease`: 0 without one; `lapsed`: it has run out."""

    lease: int = 0
    lapsed: bool = False
    attempts: int = 0
    end: str = ""


class Worker(NamedTuple):
    """`steps`: taken since the claim, of `ORDER`. `untrue`: it is not to be sent, as of one of the steps before."""

    steps: int = -1
    key: int = 0
    lease: int = 0
    untrue: bool = False


ORDER = ("look", "connect", "hold", "look", "check", "send", "end")
ORDERS = {
    "order": ("look", "connect", "look", "hold", "send", "end"),
    "early": ("look", "hold", "look", "check", "connect", "send", "end"),
    "once": ("look", "connect", "hold", "look", "send", "end"),
    "lease": ("look", "connect", "look", "send", "end"),
}
"""Mutants: the state is read before the lease is renewed; it is confirmed before the mail server waits for the text; it
is not asked whether the lease ran out meanwhile; the lease is not asked for.
"""


class JobState(NamedTuple):
    log: str
    read: int
    enrolled: int
    rows: tuple[tuple[int, Row], ...]
    workers: tuple[Worker, ...]
    leases: int
    sent: tuple[int, ...]
    faults: int
    wrong: frozenset[str]


def wanted(log: str) -> int:
    """The key of the reminder that a log wants: the position of the event that made it; 0 for none."""
    last = max((n for n, event in enumerate(log, 1) if event in "BM"), default=0)
    return 0 if "C" in log[last:] else last


class JobQueueModel(Model[JobState]):
    """`kinds`: of faults. `mutant`: attempts that are not counted, or one of `ORDERS`."""

    possible = "no job is lost: told, or shown as dead"

    def __init__(
        self,
        *,
        log: str = "BM",
        kinds: tuple[str, ...] = ("dies", "sleeps"),
        faults: int = 2,
        attempts: int = 3,
        mutant: str = "",
    ) -> None:
        self._log, self._kinds, self._faults, self._attempts, self._mutant = log, kinds, faults, attempts, mutant
        self._order = ORDERS.get(mutant, ORDER)

    def initial(self) -> JobState:
        return JobState("B", 0, 0, (), (Worker(), Worker()), 0, (), 0, frozenset())

    def canonical(self, state: JobState) -> JobState:
        """Leases by their order in the rows; of how often a job was sent, whether more than once."""
        names = {row.lease: number for number, (_, row) in enumerate(state.rows, 1) if row.lease}
        rows = tuple((key, row._replace(lease=names.get(row.lease, 0))) for key, row in state.rows)
        workers = tuple(sorted(each._replace(lease=names.get(each.lease, 0)) for each in state.workers))
        sent = tuple(sorted(each for key in set(state.sent) for each in [key] * min(2, state.sent.count(key))))
        return state._replace(rows=rows, workers=workers, sent=sent, leases=len(names))

    def is_goal(self, state: JobState) -> bool:
        key = wanted(state.log)
        dead = any(at == key and row.end == "dead" for at, row in state.rows)
        return state.log == self._log and (not key or key in state.sent or dead)

    def is_fault(self, before: JobState, after: JobState) -> bool:
        return after.faults > before.faults

    def broken(self, state: JobState) -> Iterator[str]:
        yield from state.wrong
        if len(set(state.sent)) < len(state.sent):
            yield TWICE
        if any(row.attempts > self._attempts for _, row in state.rows):
            yield GIVEN_UP

    def steps(self, state: JobState) -> Iterator[tuple[str, JobState]]:
        if state.log != self._log:
            yield "the log goes on", state._replace(log=self._log[: len(state.log) + 1])
        if state.read < len(state.log):
            yield "the read model follows", state._replace(read=state.read + 1)
        if state.enrolled < state.read:
            yield "jobs are enrolled", self._enrol(state)
        for key, row in state.rows:
            yield from self._lapse(state, key, row)
        for number, worker in enumerate(state.workers):
            yield from self._work(state, number, worker)

    def _enrol(self, state: JobState) -> JobState:
        key = wanted(state.log[: state.read])
        after = state._replace(enrolled=state.read)
        return after if key <= state.enrolled else self._row(after, key, Row())

    def _lapse(self, state: JobState, key: int, row: Row) -> Iterator[tuple[str, JobState]]:
        if not row.lease or row.lapsed:
            return
        held = any(each.lease == row.lease for each in state.workers)
        if not held or (state.faults < self._faults and "sleeps" in self._kinds):
            after = self._row(state, key, row._replace(lapsed=True))
            yield f"the lease of {key} runs out", after._replace(faults=state.faults + held)

    def _claim(self, state: JobState, number: int) -> Iterator[tuple[str, JobState]]:
        """`_CLAIM`: begun, deleted if the read model wants it no more, or dead if it has no attempts left."""
        for key, row in state.rows:
            if row.end or (row.lease and not row.lapsed):
                continue
            if wanted(state.log[: state.read]) != key:
                yield f"{key} is dropped", self._row(state, key, None)
            elif row.attempts >= self._attempts and self._mutant != "attempts":
                yield f"{key} is dead", self._row(state, key, Row(attempts=row.attempts, end="dead"))
            else:
                lease = state.leases + 1
                after = self._row(state, key, Row(lease, attempts=row.attempts + 1))._replace(leases=lease)
                yield f"{key} is claimed", self._worker(after, number, Worker(0, key, lease))

    def _work(self, state: JobState, number: int, worker: Worker) -> Iterator[tuple[str, JobState]]:
        if worker.steps < 0:
            yield from self._claim(state, number)
            return
        row = dict(state.rows).get(worker.key)
        ours = row is not None and row.lease == worker.lease != 0
        if state.faults < self._faults and "dies" in self._kinds:
            yield "a worker dies", self._worker(state, number, Worker())._replace(faults=state.faults + 1)
        steps = {
            "look": self._look,
            "connect": self._connect,
            "hold": self._hold,
            "check": self._check,
            "send": self._send,
            "end": self._end,
        }
        yield steps[self._order[worker.steps]](state, number, worker, row if ours else None)

    def _goes_on(self, state: JobState, number: int, worker: Worker, row: Row | None) -> JobState:
        untrue = worker.untrue or row is None or wanted(state.log) != worker.key
        return self._worker(state, number, worker._replace(steps=worker.steps + 1, untrue=untrue))

    def _look(self, state: JobState, number: int, worker: Worker, row: Row | None) -> tuple[str, JobState]:
        """The state is read from the log."""
        if wanted(state.log) == worker.key:
            return "it looks: so it is", self._goes_on(state, number, worker, row)
        return "it looks: gone", self._worker(self._ended(state, worker, row), number, Worker())

    def _connect(self, state: JobState, number: int, worker: Worker, row: Row | None) -> tuple[str, JobState]:
        return "the mail server waits for the text", self._goes_on(state, number, worker, row)

    def _hold(self, state: JobState, number: int, worker: Worker, row: Row | None) -> tuple[str, JobState]:
        """`_RENEW` by key and lease."""
        if row is None:
            return "it asks for its lease: lost", self._worker(state, number, Worker())
        state = self._row(state, worker.key, row._replace(lapsed=False))
        return "it asks for its lease: held", self._goes_on(state, number, worker, row)

    def _check(self, state: JobState, number: int, worker: Worker, row: Row | None) -> tuple[str, JobState]:
        """`HeldJob.held`, by a clock that counts from before the renewal: it is over no later than the lease."""
        if row is None or row.lapsed:
            again = worker._replace(steps=self._order.index("hold"))
            return "its lease is over: again", self._worker(state, number, again)
        return "its lease lasts", self._worker(state, number, worker._replace(steps=worker.steps + 1))

    def _send(self, state: JobState, number: int, worker: Worker, row: Row | None) -> tuple[str, JobState]:
        wrong = set(state.wrong)
        if wanted(state.log) != worker.key:
            wrong.add(CANCELLED)
        if row is None:
            wrong.add(SLEPT)
        if worker.untrue:
            wrong.add(CONFIRMED)
        after = state._replace(sent=(*state.sent, worker.key), wrong=frozenset(wrong))
        return f"it sends {worker.key}", self._worker(after, number, worker._replace(steps=worker.steps + 1))

    def _end(self, state: JobState, number: int, worker: Worker, row: Row | None) -> tuple[str, JobState]:
        """`_DONE` by key and lease."""
        return "it notes the end", self._worker(self._ended(state, worker, row), number, Worker())

    def _ended(self, state: JobState, worker: Worker, row: Row | None) -> JobState:
        return state if row is None else self._row(state, worker.key, Row(attempts=row.attempts, end="done"))

    def _row(self, state: JobState, key: int, row: Row | None) -> JobState:
        rows = {**dict(state.rows), key: row}
        return state._replace(rows=tuple(sorted((k, r) for k, r in rows.items() if r is not None)))

    def _worker(self, state: JobState, number: int, worker: Worker) -> JobState:
        return state._replace(workers=replaced(state.workers, number, worker))
