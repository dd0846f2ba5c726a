"""Metrics of commands, of the events they record, and of the appends to the log."""

from functools import cache

from prometheus_client import Counter, Gauge, Histogram

from application.event_log import ConcurrencyConflict, Unavailable
from domain.errors import Refusal

_COMMANDS = Counter("daybook_commands", "Commands that ended, by outcome", ["command", "outcome"])
CONFLICTS = Counter("daybook_command_conflicts", "Attempts of commands that another writer overtook")
_EVENTS = Counter("daybook_events_recorded", "Events recorded by this process, by topic", ["event"])
APPEND = Histogram(
    "daybook_append_duration_seconds",
    "Seconds from the call of an append until its commit",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0),
)
BATCH = Histogram(
    "daybook_append_batch_commands", "Commands that share one commit", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
)
QUEUE = Gauge("daybook_append_queue_commands", "Commands that wait for the writer", multiprocess_mode="livesum")
FAILURES = Counter("daybook_append_failures", "Appends that the database refused or did not answer")

BUSINESS = (
    "Appointment.Booked",
    "Appointment.Requested",
    "Appointment.Rescheduled",
    "Appointment.Cancelled",
    "Appointment.Completed",
    "Appointment.NoShow",
    "Hold.Placed",
    "Hold.Expired",
    "Waiting.Joined",
    "Waiting.Offered",
    "Waiting.Accepted",
)
"""Events that are counted from the start, so that the first one is an increase too."""
count_event = cache(_EVENTS.labels)
for _topic in BUSINESS:
    count_event(_topic)
_count_command = cache(_COMMANDS.labels)


def count_command(command: str, outcome: str, error: BaseException | None) -> None:
    """Count an attempt that has ended. `outcome`: of one without an error."""
    match error:
        case None:
            _count_command(command, outcome).inc()
        case ConcurrencyConflict():
            CONFLICTS.inc()
        case Refusal():
            _count_command(command, "refused").inc()
        case Unavailable():
            _count_command(command, "unavailable").inc()
        case Exception():
            _count_command(command, "failed").inc()
        case _:
            _count_command(command, "cancelled").inc()
