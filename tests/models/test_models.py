"""Each model breaks exactly the promises that the catalogue lists, and finds each fault that is planted."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import islice, product
from pathlib import Path

import pytest
import structlog

from domain.kernel import new_id
from tests.infrastructure.event_log.entries import row
from tests.models.catalogue import MODELS, Listed, titles_in
from tests.models.checker import Model, check
from tests.models.planted_faults import MUTANTS, Mutant
from tests.models.protocols import batches
from tests.models.protocols.stream_locks import CIRCLE, LockModel, lock_models


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The real parts that models call say each time that a log is another."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


@pytest.mark.parametrize(
    "model",
    [pytest.param(each, id=each.title, marks=[pytest.mark.long] if each.long else []) for each in MODELS],
)
def test_exactly_the_listed_promises_are_broken(model: Listed) -> None:
    found = check(model.make())
    assert found.complete
    assert (found.traces.keys(), found.states, found.depth) == (model.broken, model.states, model.depth), str(found)


def test_each_model_stands_beside_its_promise() -> None:
    guarantees = Path(__file__).parents[2] / "docs/guarantees.md"
    assert titles_in(guarantees.read_text(encoding="utf-8")) == {each.title for each in MODELS}


@pytest.mark.parametrize("mutant", [pytest.param(each, id=each.title) for each in MUTANTS])
def test_a_planted_fault_is_found(mutant: Mutant) -> None:
    found = check(mutant.make())
    assert found.traces.keys() == mutant.broken, str(found)
    assert all(found.traces.values()), "each with the steps that lead to it"


@pytest.mark.parametrize("size", [2, pytest.param(3, marks=pytest.mark.long)])
def test_no_commands_wait_in_a_circle(size: int) -> None:
    models = list(lock_models(size))
    assert len(models) > 20
    assert [found for found in map(check, models) if found.traces] == []


def test_commands_that_lock_in_their_own_order_do() -> None:
    assert check(LockModel([["D1", "D2"], ["D2", "D1"]])).traces.keys() == {CIRCLE}


QUICK = 20_000
"""Batches of `make test`, of all logs and all first commands; the long set tries all of them."""


@pytest.mark.parametrize("most", [QUICK, pytest.param(None, marks=pytest.mark.long)])
def test_what_a_batch_records_could_have_been_recorded_one_by_one(most: int | None) -> None:
    every = list(batches.wishes())
    for log, used in batches.logs():
        for batch in islice(product(every, every[::-1], every), most and most // 8):
            assert not batches.unserial(log, used, batch, batches.verdicts(log, used, batch))


def test_a_verdict_that_forgets_earlier_commands_of_the_batch_is_found() -> None:
    stream, key = batches.STREAMS[0], batches.KEYS
    twice = [batches.Wish(each, ((stream, 0),), (stream,)) for each in key]
    log = dict.fromkeys(batches.STREAMS, 0)
    assert batches.verdicts(log, (), twice) == "rm"
    assert batches.unserial(log, (), twice, "rr") == [twice[1]]


def test_the_writer_takes_together_what_can_be_recorded_together() -> None:
    writer = batches.Writer(row(new_id(), 1))
    every = [wish for wish in batches.wishes() if set(dict(wish.reads).values()) <= {0}]
    try:
        for queue in product(every, repeat=3):
            taken = writer.batches(queue)
            assert sorted(number for batch in taken for number in batch) == [0, 1, 2]
            assert not any(batches.needless(queue, batch) for batch in taken), queue
    finally:
        writer.close()


class _Counter(Model[int]):
    """Counts to three, and from there to one again."""

    possible, inevitable = "can reach five", "reaches five"

    def initial(self) -> int:
        return 0

    def steps(self, state: int) -> Iterator[tuple[str, int]]:
        yield f"to {state + 1}", state + 1 if state < 3 else 1

    def broken(self, state: int) -> Iterator[str]:
        if state == 2:
            yield "is not two"

    def is_goal(self, state: int) -> bool:
        return state == 5


def test_the_checker_shows_the_shortest_way_to_each_broken_promise() -> None:
    found = check(_Counter())
    assert (found.states, found.depth, found.complete) == (4, 3, True)
    assert found.traces == {"is not two": ["to 1", "to 2"], "can reach five": [], "reaches five": ["to 1"]}
    assert not check(_Counter(), most=2).complete
