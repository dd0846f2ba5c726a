"""What is true about booking. Imports the standard library and `eventsourcing.domain`, nothing else.

Importing the package registers every topic, so that any event of the log can be read.
"""

from domain import (
    account,
    address,
    admin,
    appointment,
    customer,
    day,
    hold,
    organization,
    provider,
    schedule,
    service,
    tag,
    waitlist,
    webhook,
)

__all__ = [
    "account",
    "address",
    "admin",
    "appointment",
    "customer",
    "day",
    "hold",
    "organization",
    "provider",
    "schedule",
    "service",
    "tag",
    "waitlist",
    "webhook",
]
