"""Policy: the rules on cancelling, moving, reminders and closing that an appointment keeps from its booking."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, NotRequired, TypedDict


class Policy(TypedDict):
    """The policy as events record it. Notices and reminders in minutes before the start, money in minor units.

    `max_reschedules`: None for no limit; `late_fee`: with `late_cancel` "fee"; `complete_after`: minutes after the end.
    Appointments booked by early versions lack the last two fields.
    """

    cancel_notice: int
    reschedule_notice: int
    max_reschedules: int | None
    late_cancel: Literal["refuse", "fee"]
    late_fee: int | None
    reminders: NotRequired[list[int]]
    complete_after: NotRequired[int]


REMINDERS = [1440, 120]
COMPLETE_AFTER = 720


def cancellable_until(policy: Policy, starts_at: datetime) -> datetime:
    """The last instant at which a cancellation is not late."""
    return starts_at - timedelta(minutes=policy["cancel_notice"])


def reschedulable_until(policy: Policy, starts_at: datetime) -> datetime:
    """The last instant at which a customer may move the appointment."""
    return starts_at - timedelta(minutes=policy["reschedule_notice"])


def reminders(policy: Policy) -> Sequence[int]:
    """Minutes before the start."""
    return policy.get("reminders", REMINDERS)


def complete_after(policy: Policy) -> timedelta:
    """The time after its end at which an appointment counts as completed."""
    return timedelta(minutes=policy.get("complete_after", COMPLETE_AFTER))
