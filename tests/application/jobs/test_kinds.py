"""Every kind of job is in one queue and has one handler."""

from collections import Counter
from typing import Any

from application.audit.ledger_verification import verification_handlers
from application.booking.closing_jobs import booking_handlers
from application.booking.ending_jobs import ending_handlers
from application.booking.waitlist_matching import waitlist_handlers
from application.identity.account_mail import account_handlers
from application.jobs.dispatch import KINDS
from application.jobs.job import ENQUEUING
from application.notifications.agenda import agenda_handlers
from application.notifications.invitation_mail import invitation_handlers
from application.notifications.notice_jobs import notice_handlers
from application.notifications.waitlist_notice import waitlist_notice_handlers
from application.orphans.hours_check import hours_check_handlers
from application.people.erasure import erasure_handlers
from application.webhooks.delivery import webhook_handlers

TABLES: list[Any] = [
    booking_handlers,
    waitlist_handlers,
    notice_handlers,
    waitlist_notice_handlers,
    agenda_handlers,
    webhook_handlers,
    account_handlers,
    erasure_handlers,
    ending_handlers,
    invitation_handlers,
    hours_check_handlers,
    verification_handlers,
]


def test_each_kind_is_in_one_queue_and_has_one_handler() -> None:
    handled = Counter(kind for table in TABLES for kind in table(None))
    queued = Counter(kind for kinds in KINDS.values() for kind in kinds)
    assert handled == queued
    assert set(handled.values()) == {1}


def test_what_is_enqueued_has_a_handler() -> None:
    assert {kind for kinds in ENQUEUING.values() for kind in kinds} <= {*KINDS["accounts"], "notify", "verify_ledger"}
