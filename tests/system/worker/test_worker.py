"""Real workers: what is due is done once and in time, whoever dies, sleeps or is away meanwhile."""

import re
import signal
import time
from pathlib import Path

import httpx
import pytest

from infrastructure.jobs.job_queue import RUNNING
from infrastructure.local.programs import free_port
from interfaces.worker.celery_app import TICK
from tests.support.instances import is_gone, within
from tests.support.waiting import BUSY, PATIENCE
from tests.system.worker.broker import Broker
from tests.system.worker.crew import SOON, Crew, hands, kill

AGAIN_WITHIN = 5.0  # seconds, as promised
MOMENT = 1.0  # seconds


def test_what_is_due_becomes_its_command_once_under_the_requests_id(crew: Crew) -> None:
    ids = crew.past(20)
    with crew.worker(), crew.beat():
        within(SOON, lambda: crew.done(ids))
    assert {each.outcome for each in crew.progress(ids)} == {"completed"}
    assert {each.attempts for each in crew.progress(ids)} == {1}
    query = """SELECT metadata->>'correlation' FROM log.stored_events
        WHERE originator_id = ANY(%s) AND topic = 'Appointment.Booked'"""
    assert sorted(crew.completed(ids)) == sorted(str(row[0]) for row in crew.ask(query, [ids]))


@pytest.mark.fault(9)
def test_two_beats_and_three_workers_do_each_once(crew: Crew) -> None:
    ids = crew.past(200)
    with crew.worker(), crew.worker(), crew.worker(), crew.beat(), crew.beat():
        within(SOON, lambda: crew.done(ids))
    assert len(crew.completed(ids)) == 200
    assert {each.attempts for each in crew.progress(ids)} == {1}


@pytest.mark.fault(8)
def test_the_job_of_a_process_that_is_killed_is_done_by_another_within_seconds(crew: Crew) -> None:
    ids = crew.past()
    with crew.worker() as worker, crew.beat():
        before = hands(worker)
        with crew.stalled():
            within(SOON, lambda: crew.begun(ids))
            kill(*before)
            killed = time.monotonic()
            within(SOON, lambda: crew.progress(ids)[0].attempts == 2)
        took = time.monotonic() - killed
        within(SOON, lambda: crew.done(ids))
        within(SOON, lambda: len(hands(worker)) == 2)
        assert not set(hands(worker)) & set(before)
        assert worker.process.poll() is None
    assert took < AGAIN_WITHIN * BUSY
    assert len(crew.completed(ids)) == 1


@pytest.mark.fault(8)
def test_the_job_of_a_worker_that_is_killed_whole_is_anothers_after_lease_and_tick(crew: Crew) -> None:
    ids = crew.past()
    with crew.beat(), crew.worker() as first:
        everybody = [first.process.pid, *hands(first)]
        with crew.stalled():
            within(SOON, lambda: crew.begun(ids))
            with crew.worker():
                first.kill()
                killed = time.monotonic()
                within(SOON, lambda: crew.progress(ids)[0].attempts == 2)
                took = time.monotonic() - killed
        with crew.worker():
            within(SOON, lambda: crew.done(ids))
        assert all(map(is_gone, everybody)), "its processes end with it"
    assert took < (RUNNING.total_seconds() + TICK + MOMENT) * BUSY
    assert len(crew.completed(ids)) == 1


@pytest.mark.fault(8)
def test_whoever_slept_past_the_lease_finds_the_job_taken_over(crew: Crew) -> None:
    ids = crew.past()
    with crew.beat(), crew.worker() as sleeper:
        with crew.stalled():
            within(SOON, lambda: crew.begun(ids))
            asleep = hands(sleeper)
            kill(*asleep, number=signal.SIGSTOP)
            with crew.worker():
                within(SOON, lambda: crew.progress(ids)[0].attempts == 2)
                kill(*asleep, number=signal.SIGCONT)
                within(SOON, lambda: "job lease lost" in sleeper.said)
        with crew.worker():
            within(SOON, lambda: crew.done(ids))
    assert len(crew.completed(ids)) == 1


@pytest.mark.fault(7)
def test_a_wake_up_that_is_lost_in_the_broker_is_sent_again(crew: Crew, broker: Broker) -> None:
    ids = crew.past(50)
    with crew.beat(), crew.worker("--queues", "sweep"):
        within(SOON, lambda: broker.waiting("jobs"))
        broker.flush()
        within(SOON, lambda: broker.waiting("jobs"))
        with crew.worker():
            within(SOON, lambda: crew.done(ids))
    assert {each.attempts for each in crew.progress(ids)} == {1}
    assert len(crew.completed(ids)) == 50


def test_wake_ups_that_come_late_or_twice_do_nothing(crew: Crew, broker: Broker) -> None:
    ids = crew.past(20)
    with crew.beat(), crew.worker("--queues", "sweep"):
        within(SOON, lambda: broker.waiting("jobs"))
        with broker.client as client:
            (message, *_) = client.lrange("daybook:jobs", 0, 0)  # type: ignore[misc]
            client.rpush("daybook:jobs", *[message] * 50)
        with crew.worker("--queues", "jobs"):
            within(SOON, lambda: crew.done(ids))
            within(SOON, lambda: not broker.waiting("jobs"))
    assert {each.attempts for each in crew.progress(ids)} == {1}
    assert len(crew.completed(ids)) == 20


def test_a_broker_that_comes_back_finds_everybody_at_work_again(crew: Crew, broker: Broker) -> None:
    with crew.beat() as beat, crew.worker() as worker:
        ids = crew.past(20)
        within(SOON, lambda: crew.done(ids))
        broker.stop()
        more = crew.past(20)
        time.sleep(2)
        broker.start()
        within(SOON, lambda: crew.done(more))
        assert worker.process.poll() is None
        assert beat.process.poll() is None
    assert len(crew.completed([*ids, *more])) == 40


def test_what_is_in_hand_when_the_broker_goes_is_done_once(crew: Crew, broker: Broker) -> None:
    ids = crew.past()
    with crew.beat(), crew.worker() as worker:
        before = hands(worker)
        with crew.stalled():
            within(SOON, lambda: crew.begun(ids))
            broker.stop()
            time.sleep(1)
            broker.start()
        within(SOON, lambda: crew.done(ids))
        assert hands(worker) == before, worker.said
    assert crew.progress(ids)[0].attempts == 1
    assert len(crew.completed(ids)) == 1


@pytest.mark.fault(4)
def test_sigterm_finishes_what_is_in_hand(crew: Crew) -> None:
    ids = crew.past()
    with crew.beat(), crew.worker() as worker:
        with crew.stalled():
            within(SOON, lambda: crew.begun(ids))
            worker.process.send_signal(signal.SIGTERM)
            time.sleep(1.5)
            assert worker.process.poll() is None
        assert worker.wait() == 0
    assert crew.done(ids)
    assert crew.progress(ids)[0].attempts == 1


def test_what_a_worker_s_processes_count_is_read_at_its_metrics_port(crew: Crew, tmp_path: Path) -> None:
    ids, port = crew.past(5), free_port()
    said = "--metrics-port", str(port)
    with crew.beat(), crew.worker(*said, PROMETHEUS_MULTIPROC_DIR=str(tmp_path)):
        within(SOON, lambda: crew.done(ids))
        told = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE).text
    (count,) = re.findall(r'^daybook_jobs_total{kind="complete",outcome="completed"} (.*)$', told, re.MULTILINE)
    assert float(count) == 5
    assert "daybook_job_lateness_seconds_bucket" in told
