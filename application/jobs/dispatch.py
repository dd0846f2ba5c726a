"""Which queue the jobs of a kind are in. Their handlers are beside what they work with."""

from collections.abc import Mapping, Sequence

KINDS: Mapping[str, Sequence[str]] = {
    "accounts": ("register", "change_address", "reset_password", "invite", "account_notice", "farewell", "forget"),
    "jobs": ("complete", "expire_hold", "expire_request", "lapse", "match"),
    "urgent": ("remind", "offer"),
    "mail": ("notify",),
    "webhooks": ("deliver",),
}
"""Every kind of job, by its queue.

`accounts`: somebody waits in front of a screen, so the API's processes do them too. `urgent`: mails that lose their
worth while they wait, and must not wait behind a flood of others.
"""
