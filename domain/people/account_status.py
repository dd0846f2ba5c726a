"""The states of an account, the refusals of what they do not allow, and the contact of its holder."""

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


class AccountContact(TypedDict):
    """Personal data of the account's holder. `timezone`: an IANA name; `language`: a BCP 47 tag.

    `reminders`: whether the holder gets optional mails; they do where it is absent.
    """

    email: str
    name: str
    timezone: str | None
    language: str | None
    phone: NotRequired[str | None]
    reminders: NotRequired[bool]
