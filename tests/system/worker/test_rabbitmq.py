"""The same with RabbitMQ as the broker: what is due is done once, whoever is killed meanwhile."""

import time
from dataclasses import replace

import pytest

from tests.support.instances import within
from tests.support.practice import Practice
from tests.support.rabbitmq import RabbitMQ
from tests.support.smtp_receiver import Receiver
from tests.support.waiting import BUSY
from tests.system.worker.crew import SOON, Crew, hands, kill


@pytest.fixture
def rabbits(crew: Crew, rabbitmq: RabbitMQ) -> Crew:
    """A crew that hears of its work from RabbitMQ."""
    return replace(crew, env=crew.env | {"BROKER_URL": rabbitmq.url})


def test_what_is_due_becomes_its_command_and_its_mail_once(rabbits: Crew, receiver: Receiver) -> None:
    practice = Practice(rabbits.instance)
    some = practice.book(5)
    practice.enrol()
    practice.make_due(some)
    ids = rabbits.past(50)
    with rabbits.worker(), rabbits.worker(), rabbits.beat(), rabbits.beat():
        within(SOON, lambda: rabbits.done(ids))
        within(SOON, lambda: len(receiver.keys) == 10)
    assert {each.attempts for each in rabbits.progress(ids)} == {1}
    assert len(rabbits.completed(ids)) == 50
    assert len(receiver.mails) == 10


def test_the_job_of_a_process_that_is_killed_is_done_by_another_within_seconds(rabbits: Crew) -> None:
    ids = rabbits.past()
    with rabbits.worker() as worker, rabbits.beat():
        with rabbits.stalled():
            within(SOON, lambda: rabbits.begun(ids))
            kill(*hands(worker))
            killed = time.monotonic()
            within(SOON, lambda: rabbits.progress(ids)[0].attempts == 2)
            took = time.monotonic() - killed
        within(SOON, lambda: rabbits.done(ids))
    assert took < 5 * BUSY
    assert len(rabbits.completed(ids)) == 1


def test_a_broker_that_comes_back_finds_everybody_at_work_again(rabbits: Crew, rabbitmq: RabbitMQ) -> None:
    with rabbits.beat() as beat, rabbits.worker() as worker:
        ids = rabbits.past(10)
        within(SOON, lambda: rabbits.done(ids))
        rabbitmq.stop()
        more = rabbits.past(10)
        rabbitmq.start()
        within(2 * SOON, lambda: rabbits.done(more))
        assert worker.process.poll() is None
        assert beat.process.poll() is None
    assert len(rabbits.completed([*ids, *more])) == 20
