"""Whoever sends too much, too late, or less than it says is found out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from projections.read_models.jobs.job import key_of
from tests.support.checker import Stored
from tests.support.sends import Sent, misled
from tests.support.smtp_receiver import Mail

NOON = datetime(2030, 1, 7, 12, tzinfo=UTC)
ONE = uuid4()
KEY = key_of(ONE, "remind-0", 1)


def event(topic: str, version: int, minutes: int) -> Stored:
    at = NOON + timedelta(minutes=minutes)
    return Stored(version, ONE, version, f"Appointment.{topic}", b"", uuid4(), at, "{}", b"")


def mail(minutes: float, key: UUID = KEY) -> Mail:
    at = NOON + timedelta(minutes=minutes)
    return Mail(key, "ada@example.org", at, at)


BOOKED, CANCELLED, MOVED = event("Booked", 1, 0), event("Cancelled", 2, 10), event("Rescheduled", 2, 10)
SENT = Sent(KEY, "remind-0", "done")


def test_what_was_sent_in_time_and_once_is_right() -> None:
    cancelled = key_of(ONE, "cancelled", 2)
    told = [mail(5), mail(10, cancelled), mail(60, cancelled)]
    assert [*misled([BOOKED, CANCELLED], [SENT, Sent(cancelled, "cancelled", "done")], told)] == []


@pytest.mark.parametrize("after", [CANCELLED, MOVED, event("Completed", 2, 10)])
def test_a_mail_after_the_end_is_found(after: Stored) -> None:
    (found,) = misled([BOOKED, after], [SENT], [mail(11)])
    assert "0:01:00 after it was over" in found


def test_a_mail_that_nobody_planned_is_found() -> None:
    (found,) = misled([BOOKED], [], [mail(5, uuid4())])
    assert "no event" in found


def test_a_mail_that_never_came_is_found() -> None:
    (found,) = misled([BOOKED], [SENT, SENT._replace(key=uuid4(), outcome="gone")], [])
    assert "nobody got it" in found


def test_the_same_twice_is_one_for_a_receiver_that_honours_keys() -> None:
    assert [*misled([BOOKED], [SENT], [mail(5), replace(mail(5), to="ada@example.org")])] == []
