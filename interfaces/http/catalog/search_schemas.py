"""What searches of the directory are asked and answer beyond the things found."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema, field_validator
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import ValidationInfo

from interfaces.http.framework.fields import Name, Paging, Shape, Slug, plain
from projections.availability.earliest import EarliestStart
from projections.query.text import words
from projections.search.geo import NEARBY, Point

FARTHEST = 500  # km
MOST_WORDS = 10

T = TypeVar("T")

_POINT = re.compile(r"(-?\d{1,2}(?:\.\d{1,15})?),(-?\d{1,3}(?:\.\d{1,15})?)", re.ASCII)


def _point(value: Any) -> Point:
    match = _POINT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise PydanticCustomError("point", "A place is latitude,longitude in degrees: 48.8556,2.3614.")
    point = Point(float(match[1]), float(match[2]))
    if abs(point.lat) > 90 or abs(point.lon) > 180:
        raise PydanticCustomError("point", "Latitudes go from -90 to 90, longitudes from -180 to 180.")
    return point


def _few_words(q: str) -> str:
    if len(words(q)) > MOST_WORDS:
        raise PydanticCustomError("words", f"At most {MOST_WORDS} words.")
    return q


Near = Annotated[
    Point,
    PlainValidator(_point),
    PlainSerializer(list, return_type=list[float], when_used="json"),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^-?([0-8]?\d(\.\d{1,15})?|90),-?((\d{1,2}|1[0-7]\d)(\.\d{1,15})?|180)$",
            "examples": ["48.8556,2.3614"],
        }
    ),
]
Words = Annotated[Name, AfterValidator(_few_words)]


class SearchFilters(Paging):
    """`near` is "latitude,longitude"; a search near a place tells each `distance`."""

    tag: Slug | None = Field(None, description="Or a slug that the tag had before.")
    organization_id: UUID | None = None
    near: Near | None = Field(None, description="Only what is within a distance of this place.")
    within: float | None = Field(
        None, gt=0, le=FARTHEST, description=f"Kilometres from `near`; {NEARBY:g} if not given."
    )

    q: Words | None = None
    sort: str = "name"

    @field_validator("within")
    @classmethod
    def _within_what(cls, within: float | None, told: ValidationInfo) -> float | None:
        return _needs_near("within", within, told)

    @field_validator("sort")
    @classmethod
    def _sort_by_what(cls, sort: str, told: ValidationInfo) -> str:
        return _needs_near("sort=distance", sort, told) if sort == "distance" else sort


def _needs_near(what: str, value: T, told: ValidationInfo) -> T:
    if "near" in told.data and told.data["near"] is None:  # if it is malformed, that is said already
        raise PydanticCustomError("near", f"`{what}` needs `near`.")
    return value


class FirstStart(Shape):
    """The first free start."""

    start: datetime
    end: datetime


class ProviderEarliestStart(FirstStart):
    service_id: UUID


class ServiceEarliestStart(FirstStart):
    provider_id: UUID


def beside(metres: int | None, earliest: EarliestStart | None, whom: str) -> Mapping[str, Any]:
    """What a search adds to a thing found: how far, in km; and the first start. `whom`: whose id it has."""
    added: dict[str, Any] = {}
    if metres is not None:
        added["distance"] = metres / 1000
    if earliest is not None:
        start, end = plain(earliest.start), plain(earliest.end)
        added["earliest"] = {"start": start, "end": end, whom: earliest.with_id}
    return added
