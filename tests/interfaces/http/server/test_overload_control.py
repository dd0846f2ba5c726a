"""Admission control in virtual time: on this event loop only the work that requests are said to take lets time pass."""

from __future__ import annotations

import asyncio
from random import Random
from typing import NamedTuple

import pytest

from application.event_log import Unavailable
from interfaces.http.server.admission import Admission

PATH = "/v1/providers"
PARTS, DATABASE = 4, 0.002  # parts of the work on an answer, and seconds that the database takes between two of them
REFUSAL = 0.05  # of the work on an answer
CALM, SETTLED = 3.0, 2.0  # seconds at a quarter of the capacity before; of the load, until admission has adapted


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its clock moves by `work`, and to the next timer when there is nothing to do."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0

    def time(self) -> float:
        return self._now

    def work(self, seconds: float) -> None:
        self._now += seconds

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[has-type]
            self._now = max(self._now, self._scheduled[0]._when)  # type: ignore[has-type]
        super()._run_once()  # type: ignore[misc]


class Answer(NamedTuple):
    due: float
    seconds: float
    is_refused: bool


class Process:
    """One process; an answer costs `work` seconds of its processor."""

    def __init__(self, work: float) -> None:
        self._work = work
        self._loop = VirtualLoop()
        self._admission = Admission()
        self._tasks: list[asyncio.Task[None]] = []
        self.answers: list[Answer] = []

    def run(self, load: float, seconds: float) -> list[Answer]:
        """Requests come at random, `load` times as many as the process can answer; the answers to those."""
        chance, due = Random(1), 0.0
        while due < CALM + seconds:
            due += chance.expovariate((load if due > CALM else 0.25) / self._work)
            self._loop.call_at(due, self._arrive, due)
        self._loop.run_until_complete(asyncio.sleep(CALM + seconds + 10))
        self._loop.close()
        return [each for each in self.answers if each.due > CALM]

    def _arrive(self, due: float) -> None:
        if self._admission.refusal(PATH) is not None:
            self._answered(due, is_refused=True)
        else:
            self._tasks.append(self._loop.create_task(self._answer(due)))

    async def _answer(self, due: float) -> None:
        try:
            leave = await self._admission.enter(PATH)
        except Unavailable:
            self._answered(due, is_refused=True)
            return
        for part in range(PARTS):
            self._loop.work(self._work / PARTS)
            if part < PARTS - 1:
                await asyncio.sleep(DATABASE)
        leave()
        self._answered(due)

    def _answered(self, due: float, *, is_refused: bool = False) -> None:
        if is_refused:
            self._loop.work(self._work * REFUSAL)
        self.answers.append(Answer(due, self._loop.time() - due, is_refused))


def p99(answers: list[Answer], since: float = SETTLED, until: float = float("inf")) -> float:
    """Of what was admitted so many seconds after the load began."""
    took = sorted(each.seconds for each in answers if not each.is_refused and since < each.due - CALM < until)
    return took[int(len(took) * 0.99)]


@pytest.mark.parametrize(("work", "times"), [(0.01, 2.5), (0.0025, 4.5)], ids=["slow", "fast"])
def test_at_three_times_the_capacity_what_is_admitted_stays_fast(work: float, times: float) -> None:
    quiet, crowded = Process(work).run(0.25, 6), Process(work).run(3, 6)
    assert not any(each.is_refused for each in quiet)
    assert p99(crowded) < times * p99(quiet), (p99(crowded), p99(quiet))
    answered = [each for each in crowded if not each.is_refused]
    assert len(answered) * work > 0.75 * 6, "what is refused does not cost what is answered"


def test_however_long_it_lasts_it_stays_as_fast() -> None:
    """What requests take meanwhile is not taken for what they take alone."""
    crowded = Process(0.01).run(3, 25)
    assert p99(crowded, since=20) < 1.3 * p99(crowded, until=SETTLED + 5, since=SETTLED)


@pytest.mark.parametrize("work", [0.01, 0.0025], ids=["slow", "fast"])
def test_a_process_with_room_refuses_hardly_anybody(work: float) -> None:
    answers = Process(work).run(0.7, 10)
    assert sum(each.is_refused for each in answers) < len(answers) / 100


@pytest.mark.parametrize("load", [0, 3], ids=["new", "overloaded before"])
def test_a_burst_is_answered_by_a_process_that_was_idle(load: int) -> None:
    process = Process(0.0025)
    for n in range(int(0.3 * load / 0.0025)):
        process._loop.call_at(n * 0.0025 / 3, process._arrive, n * 0.0025 / 3)
    process._loop.run_until_complete(asyncio.sleep(3))
    process.answers.clear()
    begin = process._loop.time()
    for _ in range(90):
        process._loop.call_at(begin, process._arrive, begin)
    process._loop.run_until_complete(asyncio.sleep(5))
    process._loop.close()
    assert [each for each in process.answers if each.is_refused] == []
