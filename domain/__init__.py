"""The rules of booking. Imports the standard library and `eventsourcing.domain`, nothing else.

Importing the package registers every topic, so that any event of the log can be read.
"""

from domain.booking import appointment, calendar_day, hold, quota, waitlist
from domain.catalog import invitation, organization, provider, service, tag
from domain.people import account, admins, customer, email_address
from domain.scheduling import schedule
from domain.webhooks import webhook

__all__ = [
    "account",
    "admins",
    "appointment",
    "calendar_day",
    "customer",
    "email_address",
    "hold",
    "invitation",
    "organization",
    "provider",
    "quota",
    "schedule",
    "service",
    "tag",
    "waitlist",
    "webhook",
]
