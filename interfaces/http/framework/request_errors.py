"""What the door itself refuses, before anybody else is asked."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from domain.errors import Invalid, Refusal

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")
Where = str  # "body", "query" or "path"


class Malformed(Refusal):
    """The request is malformed."""


class KeyMissing(Malformed):
    """This operation needs an Idempotency-Key."""


class BadCursor(Malformed):
    """This cursor is not for these filters."""


class MethodNotAllowed(Refusal):
    """This path has no such method."""


class TooLarge(Refusal):
    """The body is too large."""


class UnsupportedMediaType(Refusal):
    """The body must be JSON."""


class VersionMissing(Refusal):
    """Say in If-Match which version you have seen."""


class InvalidFields(Invalid):
    """Some fields of the request do not fit."""

    def __init__(self, errors: Sequence[Mapping[str, Any]]) -> None:
        first = errors[0]
        super().__init__(f"{first['pointer']}: {first['detail']}", str(first["pointer"]))
        self.errors = errors

    @classmethod
    def of(cls, refused: ValidationError, where: Where) -> "InvalidFields":
        """One error a field, with a JSON Pointer into the body (or to the parameter's name)."""
        place = {} if where == "body" else {"in": where}
        found = refused.errors(include_url=False, include_input=False, include_context=False)
        return cls([{"pointer": pointer(e["loc"]), "detail": _said(e), **place} for e in found[:50]])


def _said(error: Mapping[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        return "There is no such field or parameter."
    return str(error["msg"])


def pointer(loc: Iterable[str | int]) -> str:
    """A JSON Pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in loc)


def kebab(kind: type) -> str:
    """SlotTaken -> slot-taken."""
    return _CAPITAL.sub("-", kind.__name__).lower()
