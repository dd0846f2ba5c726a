"""Mail that takes its time: it arrives once, whoever dies or sleeps while it is on its way."""

import signal
import time
from collections import Counter
from collections.abc import Sequence

import pytest

from tests.support.instances import within
from tests.support.practice import Booked, Practice
from tests.support.smtp_receiver import Receiver
from tests.support.waiting import assert_took
from tests.system.worker.broker import Broker
from tests.system.worker.crew import SOON, Crew, Progress, hands, kill


@pytest.fixture
def practice(crew: Crew) -> Practice:
    return Practice(crew.instance)


@pytest.fixture
def due(crew: Crew, practice: Practice) -> Booked:
    """One appointment, both reminders of which are due."""
    (one,) = some = practice.book(1)
    practice.enrol()
    practice.make_due(some)
    return one


def reminders(crew: Crew, one: Booked) -> list[Progress]:
    return crew.progress([one.id], "remind")


def all_done(crew: Crew, one: Booked) -> bool:
    return all(each.done_at for each in reminders(crew, one))


def too_often(told: Sequence[Progress], receiver: Receiver, *, silent: int = 0) -> Sequence[Progress]:
    """What arrived more than once at each attempt.

    A job has a second attempt only when a lease ran out, as of a worker that a busy machine let wait: then a copy may
    have left before, under the same key. `silent`: attempts that send nothing.
    """
    copies = Counter(mail.key for mail in receiver.mails)
    return [each for each in told if copies[each.key] > each.attempts - silent]


def test_what_is_due_arrives_under_the_key_of_its_job(crew: Crew, due: Booked, receiver: Receiver) -> None:
    with crew.beat(), crew.worker():
        within(SOON, lambda: all_done(crew, due))
    told = reminders(crew, due)
    assert [each.outcome for each in told] == ["done", "done"]
    assert receiver.keys == {each.key for each in told}
    assert too_often(told, receiver) == []


@pytest.mark.fault(10)
def test_a_slow_server_is_waited_for_and_the_mail_is_sent_once(crew: Crew, due: Booked, receiver: Receiver) -> None:
    receiver.slow = 6  # twice the lease, six times what the broker waits
    with crew.beat(), crew.worker(BROKER_VISIBILITY_TIMEOUT="1"):
        within(SOON, lambda: all_done(crew, due))
    assert {each.attempts for each in reminders(crew, due)} == {1}
    assert len(receiver.mails) == 2


def test_what_waits_behind_slow_ones_longer_than_the_broker_remembers_is_sent_once(
    crew: Crew, practice: Practice, receiver: Receiver
) -> None:
    some = practice.book(4)
    practice.enrol()
    practice.make_due(some)
    receiver.slow = 1.5
    with crew.beat(), crew.worker(BROKER_VISIBILITY_TIMEOUT="1"):
        within(SOON, lambda: all(all_done(crew, each) for each in some))
    assert {job.attempts for each in some for job in reminders(crew, each)} == {1}
    assert len(receiver.mails) == 8


def test_the_mail_of_a_process_that_is_killed_is_sent_by_another(crew: Crew, due: Booked, receiver: Receiver) -> None:
    receiver.slow = 3
    with crew.beat(), crew.worker() as worker:
        within(SOON, lambda: receiver.waiting == 2)
        kill(*hands(worker))
        killed = time.monotonic()
        within(SOON, lambda: all(each.attempts == 2 for each in reminders(crew, due)))
        assert_took(killed, 5)
        within(SOON, lambda: all_done(crew, due))
    assert receiver.keys == {each.key for each in reminders(crew, due)}


def test_whoever_sleeps_past_the_lease_sends_nothing_more(crew: Crew, due: Booked, receiver: Receiver) -> None:
    receiver.slow = 1000
    with crew.beat(), crew.worker() as sleeper:
        within(SOON, lambda: receiver.waiting == 2)
        kill(*hands(sleeper), number=signal.SIGSTOP)
        receiver.slow = 0
        with crew.worker():
            within(SOON, lambda: all_done(crew, due))
            kill(*hands(sleeper), number=signal.SIGCONT)
            within(SOON, lambda: sleeper.said.count("job lease lost") >= 2)
    told = reminders(crew, due)
    assert receiver.keys == {each.key for each in told}
    assert too_often(told, receiver, silent=1) == []


@pytest.mark.fault(11)
def test_one_cancelled_or_moved_after_it_was_claimed_is_not_reminded_of(
    crew: Crew, practice: Practice, receiver: Receiver, broker: Broker
) -> None:
    cancelled, moved = some = practice.book(2)
    practice.enrol()
    practice.make_due(some)
    with crew.beat(), crew.worker("--queues", "sweep"):
        within(SOON, lambda: broker.waiting("urgent"))
    practice.cancel([cancelled])
    practice.move([moved])
    with crew.beat(), crew.worker():
        within(SOON, lambda: crew.ask("SELECT 1 FROM work.job WHERE slot = 'moved' AND outcome = 'done'"))
        within(SOON, lambda: crew.ask("SELECT 1 FROM work.job WHERE slot = 'cancelled' AND outcome = 'done'"))
    told = crew.ask("SELECT slot FROM work.job WHERE kind IN ('remind', 'notify') AND outcome = 'done' ORDER BY 1")
    assert told == [("cancelled",), ("moved",)]
    assert len(receiver.mails) == 2


@pytest.mark.fault(10)
def test_a_refusal_for_now_is_tried_again(crew: Crew, due: Booked, receiver: Receiver) -> None:
    receiver.answers = ["451 later", "250 OK"]
    with crew.beat(), crew.worker():
        within(SOON, lambda: all_done(crew, due))
    told = reminders(crew, due)
    assert sum(each.attempts for each in told) >= 3
    assert receiver.keys == {each.key for each in told}
    assert len(receiver.mails) < sum(each.attempts for each in told)
