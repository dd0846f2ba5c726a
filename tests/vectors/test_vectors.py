"""Acceptance cases taken, as facts, from the tests of other booking systems, played on the real functions.

A case that Daybook decides otherwise, or can't play yet, stands in `skipped.json` with its reason.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.vectors import calendars, holds, openings, sessions
from tests.vectors.case import Given, NotOurs

HERE = Path(__file__).parent
CASES: list[dict[str, Any]] = json.loads((HERE / "booking.json").read_text())["cases"]
SKIPPED: dict[str, str] = json.loads((HERE / "skipped.json").read_text())

PLAYERS: dict[str, Callable[[Given, Given], None]] = {
    "slot-grid": openings.slot_grid,
    "notice": openings.notice,
    "weekly-hours": openings.weekly_hours,
    "interval-algebra": openings.interval_algebra,
    "time-off": openings.time_off,
    "dst": openings.dst,
    "schedule": calendars.schedule,
    "booking-window": calendars.booking_window,
    "buffers": calendars.clashes,
    "overlap": calendars.clashes,
    "capacity": sessions.capacity,
    "booking-command": sessions.booking_command,
    "holds": holds.holds,
    "lifecycle": holds.lifecycle,
}


def play(case: dict[str, Any]) -> None:
    if case["family"] not in PLAYERS:
        raise NotOurs(f"nothing plays {case['family']}")
    PLAYERS[case["family"]](case["given"], case["expect"])


@pytest.mark.parametrize("case", [pytest.param(c, id=c["id"]) for c in CASES if c["id"] not in SKIPPED])
def test_daybook_decides_as_the_case_expects(case: dict[str, Any]) -> None:
    play(case)


@pytest.mark.parametrize("case", [pytest.param(c, id=c["id"]) for c in CASES if c["id"] in SKIPPED])
def test_a_skipped_case_would_not_pass(case: dict[str, Any]) -> None:
    with pytest.raises((NotOurs, AssertionError)):
        play(case)


def test_every_case_is_either_played_or_skipped_for_a_reason_and_most_are_played() -> None:
    ids = [case["id"] for case in CASES]
    assert len(ids) == len(set(ids))
    assert set(SKIPPED) <= set(ids)
    assert all(len(reason) > 15 for reason in SKIPPED.values())
    assert len(SKIPPED) < len(ids) / 2
