"""Contact fields: e-mail address, phone number, language, links."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from application.people.email_address import NotDeliverable, deliverable
from interfaces.http.framework.validation_messages import matching

_LINK = "Use an address that begins with https://, such as https://example.org/ada.jpg."


def _deliverable(value: str) -> str:
    """The address as it was sent; raises a validation error unless mail can go to it."""
    try:
        return deliverable(value)
    except NotDeliverable as refused:
        raise PydanticCustomError("email", "{reason}", {"reason": str(refused)}) from None


def _check_link(value: str) -> str:
    try:
        parts = urlsplit(value)
        valid = bool(parts.hostname) and parts.username is None and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid:
        raise PydanticCustomError("link", _LINK)
    return value


EmailAddress = Annotated[
    str,
    matching(
        r"^[^@\s\x00-\x1F\x7F]+@[^@\s\x00-\x1F\x7F]+$",
        "Not an e-mail address.",
        max_length=254,
        examples=["ada@example.org"],
    ),
    AfterValidator(_deliverable),
]
Phone = Annotated[
    str,
    matching(
        r"^\+?[0-9 ()./-]{3,32}$", "Not a phone number, such as +33 1 23 45 67 89.", examples=["+33 1 23 45 67 89"]
    ),
]
Language = Annotated[
    str,
    matching(
        r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        "Use a language tag such as en or en-GB.",
        max_length=35,
        examples=["en"],
    ),
]
Link = Annotated[
    str,
    matching(r"^https://[^\s\x00-\x1F\x7F\x22<>\\]+$", _LINK, max_length=500, examples=["https://example.org/ada.jpg"]),
    AfterValidator(_check_link),
]
"""Daybook never opens it: its own pages load nothing from elsewhere."""
