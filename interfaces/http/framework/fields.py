"""The types of fields and parameters: text, instants, dates, zones, tags, money, minutes."""

import re
import unicodedata
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from application.catalog.currency import is_currency
from domain.log_position import position_of
from domain.scheduling.wallclock import SUPPORTED, UnknownZone, nearest_zone, zone
from interfaces.http.framework.validation_messages import matching
from interfaces.http.vocabulary.enum_name import EnumName
from projections.query.text import words

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:?\d\d)", re.ASCII)
_UNESCAPED = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d{1,9})?)? \d\d:?\d\d", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
T = TypeVar("T")

_NAME = "Must not be empty or contain control characters."
_BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # fillers that Unicode counts as letters or symbols
MOST_WORDS = 10


def _check_visible(name: str) -> str:
    if not any(unicodedata.category(char)[0] in "LNPS" and char not in _BLANK_LETTERS for char in name):
        raise PydanticCustomError("blank", _NAME)
    return name


def _check_words(q: str) -> str:
    found = len(words(q))
    if not found:
        raise PydanticCustomError("words", "Must contain a letter or a digit.")
    if found > MOST_WORDS:
        raise PydanticCustomError("words", f"Must have at most {MOST_WORDS} words.")
    return q


# No control characters on a line; no NUL anywhere, since the log could not keep it.
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True),
    matching(r"^[^\x00-\x1F\x7F]*[^\x00-\x20\x7F\s][^\x00-\x1F\x7F]*$", _NAME, max_length=200, examples=["Haircut"]),
    AfterValidator(_check_visible),
]
Words = Annotated[Name, AfterValidator(_check_words)]
Line = Annotated[str, matching(r"^[^\x00-\x1F\x7F]*$", "Must not contain control characters.", max_length=500)]
Text = Annotated[str, matching(r"^[^\x00]*$", "Must not contain the character U+0000.", max_length=2000)]
Slug = Annotated[
    str,
    matching(
        r"^[a-z0-9]+(-[a-z0-9]+)*$",
        "Use lower-case letters, digits and single hyphens, such as mens-haircut.",
        max_length=50,
        examples=["haircut"],
    ),
]
_CURRENCY = "Use a three-letter ISO 4217 code such as EUR."


def _check_currency(code: str) -> str:
    if not is_currency(code):
        raise PydanticCustomError("currency", f"ISO 4217 lists no currency `{code}`. {_CURRENCY}")
    return code


Currency = Annotated[str, matching(r"^[A-Z]{3}$", _CURRENCY, examples=["EUR"]), AfterValidator(_check_currency)]
Money = Annotated[int, Field(ge=0, le=10**12)]
Notice = Annotated[int, Field(ge=0, le=525_600)]
Ttl = Annotated[int, Field(ge=1, le=43_200)]
Buffer = Annotated[int, Field(ge=0, le=1440)]
LateCancel = Annotated[Literal["refuse", "fee"], EnumName("LateCancellation")]
Length = Annotated[int, Field(ge=1, le=10_080)]


def instant(value: Any) -> datetime:
    """RFC 3339 with an offset, whole seconds, a supported year -> UTC. Raises a validation error."""
    if isinstance(value, str) and _UNESCAPED.fullmatch(value):
        raise PydanticCustomError("instant", "In a URL, write the `+` of the offset as %2B: ...T10:00:00%2B01:00.")
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise PydanticCustomError("instant", "Use RFC 3339 with an offset, such as 2030-01-31T09:00:00Z.")
    try:
        moment = datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("instant", "This time does not exist.") from None
    if moment.microsecond:
        raise PydanticCustomError("instant", "Use whole seconds, such as 2030-01-31T09:00:00Z.")
    if not SUPPORTED.start <= moment < SUPPORTED.end:
        raise PydanticCustomError("instant", "Must lie in the years 1970 to 2199.")
    return moment


def day(value: Any) -> date:
    """YYYY-MM-DD of a supported year. Raises a validation error (a ValueError)."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise PydanticCustomError("day", "Use YYYY-MM-DD, such as 2030-01-31.")
    try:
        parsed = date.fromisoformat(value)
    except ValueError:
        raise PydanticCustomError("day", "This date does not exist.") from None
    if not SUPPORTED.start.date() <= parsed < SUPPORTED.end.date():
        raise PydanticCustomError("day", "Must lie in the years 1970 to 2199.")
    return parsed


def _zone(value: str) -> str:
    try:
        zone(value)
    except UnknownZone:
        near = nearest_zone(value)
        hint = f"Did you mean `{near}`?" if near else "Use an IANA name such as Europe/Moscow."
        raise PydanticCustomError("zone", "Unknown time zone `{zone}`. {hint}", {"zone": value, "hint": hint}) from None
    return value


def _distinct(values: list[T]) -> list[T]:
    return list(dict.fromkeys(values))


def _all_distinct(values: list[T]) -> list[T]:
    if len({*values}) < len(values):
        raise PydanticCustomError("distinct", "Every value may be given only once.")
    return values


Instant = Annotated[
    datetime,
    PlainValidator(instant),
    PlainSerializer(lambda moment: moment.isoformat(), return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2030-01-31T09:00:00Z"]}),
]
LogPosition = Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+$", examples=["0.4711"])]
"""In answers; opaque to clients."""


def _log_position(value: Any) -> int:
    position = position_of(value) if isinstance(value, str) else None
    if position is None:
        raise PydanticCustomError("position", "Use a position from an earlier answer, such as 0.4711.")
    return position


LogPositionQuery = Annotated[
    int,
    PlainValidator(_log_position),
    WithJsonSchema({"type": "string", "pattern": r"^(0\.)?[0-9]{1,18}$", "examples": ["0.4711"]}),
]
"""Sent by clients; those of 0.1.0 send numbers alone."""
Date = Annotated[
    date,
    PlainValidator(day),
    PlainSerializer(lambda value: value.isoformat(), return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date", "examples": ["2030-01-31"]}),
]
Zone = Annotated[str, Field(max_length=64), AfterValidator(_zone), Field(examples=["Europe/Paris"])]
Tags = Annotated[list[Slug], Field(max_length=50), AfterValidator(_distinct)]
Reminders = Annotated[list[Annotated[int, Field(ge=1, le=43_200)]], Field(max_length=5), AfterValidator(_all_distinct)]
Ids = Annotated[list[UUID], Field(min_length=1, max_length=100), AfterValidator(_distinct)]


class Body(BaseModel):
    """A request body. Strict: unknown fields and other types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class Form(Body):
    """A request body as a form (application/x-www-form-urlencoded), as OAuth 2 demands."""


class EmptyBody(Body):
    """An empty object."""


class Query(BaseModel):
    """Query parameters. Unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _each(values: Any) -> Any:
    return values.split(",") if isinstance(values, str) else values


Several = BeforeValidator(_each)
"""A query parameter of several values, a tuple: given several times, or once with commas."""


class Paging(Query):
    """A page of a list. The filters must stay the same from page to page."""

    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=2000)

    def filters(self) -> str:
        """The filters alone, for which a cursor is valid."""
        return self.model_dump_json(exclude={"limit", "cursor"}, exclude_none=True)


class Shape(BaseModel):
    """The schema of an answer, for the documentation alone: answers are rendered without it."""

    model_config = ConfigDict(extra="forbid", serialize_by_alias=True)


class Resource(Shape):
    id: UUID
    version: int = Field(ge=1)


class Change(Body):
    """Only the given fields change."""

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> Any:
        """A field left out keeps its value, so that defaults are not documented."""
        described = handler.resolve_ref_schema(handler(schema))
        for each in described.get("properties", {}).values():
            each.pop("default", None)
        return described


def renamed(name: str, former: str, **more: Any) -> Any:
    """A field whose name was another before 0.2: clients may still send that one."""
    return Field(validation_alias=AliasChoices(name, former), **more)


def absent() -> Any:
    """The default of a field that may be left out but must not be null."""
    return Field(default_factory=lambda: None)


def plain(moment: datetime) -> datetime:
    """An instant of an answer: UTC, whole seconds."""
    return moment.astimezone(UTC).replace(microsecond=0)
