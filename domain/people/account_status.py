"""The states of an account, the refusals of what they do not allow, and the contact of its holder."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NotRequired, TypedDict

from domain.errors import Conflict, Forbidden


class AccountDisabled(Forbidden):
    """This account is disabled."""


class AccountForgotten(Conflict):
    """This person's data has been erased."""


class ForgettingAhead(Conflict):
    """This person's data is about to be erased."""


class OwnRole(Forbidden):
    """You cannot change your own role or status."""


class AccountStatus(StrEnum):
    ACTIVE = "active"
    DISABLED = "disabled"
    FORGOTTEN = "forgotten"


NOTIFICATIONS: Mapping[str, bool] = {
    "booked": True,
    "moved": True,
    "cancelled": True,
    "agenda": False,
    "team": False,
}
"""The mails that a provider's owner gets about changes of appointments and about each day, unless they choose.

`team`: whether a member of an organization gets those about its other providers too.
"""


class AccountContact(TypedDict):
    """Personal data of the account's holder. `timezone`: an IANA name; `language`: a BCP 47 tag.

    `reminders`: whether the holder gets optional mails. `notifications`: whether they are told of the changes of their
    providers' appointments, by kind; NOTIFICATIONS says what counts where one is absent.
    """

    email: str
    name: str
    timezone: str | None
    language: str | None
    phone: NotRequired[str | None]
    reminders: NotRequired[bool]
    notifications: NotRequired[dict[str, bool]]
