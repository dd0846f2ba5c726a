"""Admission control: bursts wait, overload is refused early, operators and the truth about the database remain."""

import asyncio
from collections.abc import Callable

import pytest

from application.event_log import Overloaded, Unavailable
from interfaces.http.app import RESERVED_PATHS
from interfaces.http.server.admission import FEWEST, RESERVED, Admission
from interfaces.http.server.service_times import ServiceTimes, kind_of

READ = "/v1/providers"


def _overloaded(*, silent: bool = False) -> Admission:
    """Late for long enough that only the fewest are admitted."""
    admission = Admission(waits=lambda: 1.0, silent=lambda: silent, reserved=RESERVED_PATHS)
    for _ in range(100):
        admission.adapt(1.0)
    assert admission.limit == FEWEST
    return admission


async def _full(admission: Admission) -> list[Callable[[], None]]:
    return [await admission.enter(READ) for _ in range(int(admission.limit))]


async def test_a_burst_on_an_idle_machine_is_admitted_at_once() -> None:
    admission = Admission()
    leaves = await asyncio.gather(*[admission.enter(READ) for _ in range(120)])
    assert admission.in_flight == 120
    for leave in leaves:
        leave()
    assert admission.in_flight == 0


async def test_one_late_measurement_changes_nothing_and_lasting_delay_halves_what_is_admitted() -> None:
    admission = Admission(target=0.05)
    await _full(admission)
    admission.adapt(0.04)
    admission.adapt(0.3)
    before = admission.limit
    admission.adapt(0.01)
    assert admission.limit >= before
    admission.adapt(0.3)
    admission.adapt(0.3)
    assert FEWEST <= admission.limit < before
    for _ in range(200):
        admission.adapt(0.0)
    assert admission.limit > admission.in_flight


def test_a_busy_process_in_which_requests_take_long_admits_fewer() -> None:
    admission = Admission(target=0.05)
    for _ in range(50):
        admission.adapt(0.004, slowdown=5.0)
    assert admission.limit == FEWEST
    for _ in range(50):
        admission.adapt(0.004, slowdown=1.0)
    assert admission.limit > FEWEST


def test_whoever_allows_any_delay_has_no_admission_control() -> None:
    admission = Admission(target=1_000.0)
    before = admission.limit
    for _ in range(50):
        admission.adapt(2.0, slowdown=50.0)
    assert admission.limit >= before


def test_requests_that_wait_for_others_than_the_processor_are_no_overload() -> None:
    admission = Admission(target=0.05)
    before = admission.limit
    for _ in range(50):
        admission.adapt(0.0, slowdown=50.0)  # each waits for a commit, say
    assert admission.limit >= before


def test_the_slowdown_compares_requests_of_a_kind() -> None:
    times = ServiceTimes()
    get, post = kind_of("GET", "/v1/appointments"), kind_of("POST", "/v1/appointments")
    assert get != post
    assert kind_of("GET", "/v1/appointments/1") == kind_of("GET", "/v1/appointments/2")
    assert kind_of("GET", "/v1/appointments/1/history") != kind_of("GET", "/v1/appointments/1")
    for _ in range(5):
        times.note(get, 0.01, alone=True)
        times.note(post, 0.1, alone=True)
    assert times.slowdown() == pytest.approx(1.0)
    times.note(get, 0.05, alone=False)
    times.note("POST /v1/holds", 9.0, alone=False)  # nobody knows how long it takes alone
    assert times.slowdown() == pytest.approx(5.0)
    assert times.slowdown() == 0.0


async def test_one_more_than_are_admitted_waits_for_its_turn() -> None:
    admission = _overloaded()
    leave, *_ = await _full(admission)
    waiting = asyncio.create_task(admission.enter(READ))
    await asyncio.sleep(0)
    assert not waiting.done()
    leave()
    assert await waiting
    assert admission.in_flight == FEWEST


async def test_a_line_that_does_not_get_shorter_is_refused_with_the_reason() -> None:
    admission = _overloaded()
    await _full(admission)
    answers = await asyncio.gather(*[admission.enter(READ) for _ in range(50)], return_exceptions=True)
    assert {type(each) for each in answers} == {Overloaded}
    for each in answers:
        assert isinstance(each, Overloaded)
        assert each.retry_after in {1, 2, 3}
        assert "database" not in str(each)
    assert admission.in_flight == FEWEST


async def test_the_database_is_blamed_when_it_is_silent() -> None:
    admission = _overloaded(silent=True)
    await _full(admission)
    with pytest.raises(Unavailable, match="The database does not answer") as refused:
        await admission.enter(READ)
    assert type(refused.value) is Unavailable


async def test_a_request_that_is_given_up_in_the_line_leaves_no_trace() -> None:
    admission = _overloaded()
    leave, *_ = await _full(admission)
    waiting = asyncio.create_task(admission.enter(READ))
    other = asyncio.create_task(admission.enter(READ))
    await asyncio.sleep(0)
    leave()  # the turn of `waiting`, which goes at the same time
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await other
    assert admission.in_flight == FEWEST


OPERATORS = ["/health/live", "/health/ready", "/v1/jobs", "/v1/audit/ledger", "/v1/audit/security"]


@pytest.mark.parametrize("path", OPERATORS)
async def test_operators_are_answered_beside_the_others(path: str) -> None:
    admission = _overloaded()
    await _full(admission)
    leaves = [await admission.enter(path) for _ in range(RESERVED)]
    with pytest.raises(Overloaded):  # a reserve, no way in for everybody
        await admission.enter(path)
    leaves[0]()
    await admission.enter(path)
