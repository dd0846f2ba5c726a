"""The queue of each kind of job. The handlers are in the rooms that they belong to."""

from collections.abc import Mapping, Sequence

KINDS: Mapping[str, Sequence[str]] = {
    "accounts": (
        "register",
        "change_address",
        "reset_password",
        "invite",
        "account_notice",
        "farewell",
        "forget",
        "cancel_ahead",
        "transfer_ahead",
        "check_hours",
    ),
    "jobs": ("complete", "expire_hold", "expire_invitation", "expire_request", "lapse", "match", "verify_ledger"),
    "urgent": ("remind", "offer"),
    "mail": ("notify", "waitlist_ended", "agenda", "invite_member"),
    "webhooks": ("deliver",),
}
"""Every kind of job, by its queue.

`accounts`: a person waits for the result, so the API's processes run these jobs too. `urgent`: mails that are useless
when late, and must not wait behind a backlog of other mails.
"""

MAILED = frozenset(
    (
        "register",
        "change_address",
        "reset_password",
        "invite",
        "account_notice",
        "farewell",
        "remind",
        "offer",
        "notify",
        "waitlist_ended",
    )
)
"""The kinds whose jobs do nothing but send one mail, and then end."""
