"""Refusals of the HTTP ring itself, before a command or a query runs."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from domain.errors import Invalid, NotFound, Refusal
from interfaces.http.framework.validation_messages import message_of, unknown_name

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")
Where = str  # "body", "query" or "path"


class Malformed(Refusal):
    """The request is malformed."""


class KeyMissing(Malformed):
    """An Idempotency-Key is required."""


class BadCursor(Malformed):
    """This cursor is not valid here. Start again without `cursor`."""


class MethodNotAllowed(Refusal):
    """This method is not allowed here."""


class TooLarge(Refusal):
    """The body is too large."""


class UrlTooLong(Refusal):
    """The URL is too long."""


class HeadersTooLarge(Refusal):
    """The headers are too large."""


class RequestTimeout(Refusal):
    """The request did not arrive in time."""


class UnsupportedMediaType(Refusal):
    """Unsupported media type."""


class VersionMissing(Refusal):
    """If-Match is required: send the ETag of the version you read."""


class InvalidFields(Invalid):
    """Some fields are invalid."""

    def __init__(self, errors: Sequence[Mapping[str, Any]]) -> None:
        first = errors[0]
        place = f"{first['pointer']}: " if first["pointer"] else ""
        super().__init__(f"{place}{first['detail']}", str(first["pointer"]))
        self.errors = errors

    @classmethod
    def of(cls, refused: ValidationError, where: Where, model: type[BaseModel]) -> "InvalidFields":
        """One error a field, with a JSON Pointer into the body (or to the parameter's name).

        A parameter of several values is one string of the query: the pointer has no index of a value.
        """
        kind, depth = ("field", None) if where == "body" else ("parameter", 1)
        found = refused.errors(include_url=False)
        return cls([field_error(e["loc"][:depth], message_of(e, model, kind), where) for e in found[:50]])


def not_found(detail: str) -> NotFound:
    """A NotFound about no particular thing."""
    refusal = NotFound("", "")
    refusal.args = (detail,)
    return refusal


def field_error(loc: Iterable[str | int], detail: str, where: Where) -> dict[str, str]:
    """A member of `errors`."""
    place = {} if where == "body" else {"in": where}
    return {"pointer": pointer(loc), "detail": detail, **place}


def repeated(names: Sequence[str], where: Where) -> Sequence[Mapping[str, str]]:
    """One error for each name that is there more than once."""
    counts = Counter(names)
    return [field_error([n[:100]], f"`{n[:100]}` was given more than once.", where) for n in counts if counts[n] > 1]


def unknown_parameter(name: str) -> dict[str, str]:
    """The error for a query parameter where none is taken."""
    return field_error([name[:100]], unknown_name("parameter", name), "query")


def pointer(loc: Iterable[str | int]) -> str:
    """A JSON Pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in loc)


def kebab(kind: type) -> str:
    """SlotTaken -> slot-taken."""
    return _CAPITAL.sub("-", kind.__name__).lower()
