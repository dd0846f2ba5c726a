"""The projector's pace: what need not be fresh takes many events at once, and is never left behind."""

from dataclasses import replace

import pytest

from projections.engine.apply import Checkpoint
from projections.engine.event_feed import PAGE
from projections.engine.pace import Pace
from projections.registry import PROJECTIONS

SLOW, QUICK = "customer", "account"


@pytest.fixture
def pace(monkeypatch):
    """With a clock that stands still."""
    monkeypatch.setattr("projections.engine.pace.monotonic", lambda: clock[0])
    clock = [1_000.0]
    pace = Pace({each.name: replace(each, interval=10.0 if each.name == SLOW else 0.0) for each in PROJECTIONS})
    pace.clock = clock
    return pace


def at(**positions):
    return {name: Checkpoint(position) for name, position in positions.items()}


def test_only_the_patient_one_waits_and_only_after_a_page(pace):
    assert set(pace.due(at(customer=5, account=5))) == {SLOW, QUICK}
    pace.note_page([SLOW, QUICK], 3)
    assert set(pace.due(at(customer=5, account=5))) == {QUICK}
    pace.clock[0] += 10
    assert set(pace.due(at(customer=5, account=9))) == {SLOW, QUICK}


def test_after_a_full_page_it_goes_on_at_once(pace):
    pace.note_page([SLOW], PAGE)
    assert SLOW in pace.due(at(customer=5, account=5))


def test_a_page_behind_it_does_not_wait(pace):
    pace.note_page([SLOW], 3)
    assert SLOW not in pace.due(at(customer=5, account=4 + PAGE))
    assert SLOW in pace.due(at(customer=5, account=5 + PAGE))


def test_the_projector_wakes_when_the_patient_one_is_due(pace):
    assert pace.pause(at(customer=5, account=9)) is None, "it is due already, and is read in this round"
    pace.note_page([SLOW], 3)
    assert pace.pause(at(customer=9, account=9)) is None, "there is nothing to read"
    pace.clock[0] += 4
    assert pace.pause(at(customer=5, account=9)) == pytest.approx(6)
    pace.clock[0] += 20
    assert pace.pause(at(customer=5, account=9)) == 0
