"""Filters of searches for providers and services, and the fields that a search adds."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema, field_validator
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import ValidationInfo

from interfaces.http.framework.fields import Paging, Shape, Slug, Words, plain
from projections.availability.earliest import EarliestStart
from projections.search.geo import NEARBY, Point

FARTHEST = 500  # km

T = TypeVar("T")

_POINT = re.compile(r"(-?\d{1,2}(?:\.\d{1,15})?),(-?\d{1,3}(?:\.\d{1,15})?)", re.ASCII)


def _point(value: Any) -> Point:
    match = _POINT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise PydanticCustomError("point", "Use latitude,longitude in degrees, such as 48.8556,2.3614.")
    point = Point(float(match[1]), float(match[2]))
    if abs(point.lat) > 90 or abs(point.lon) > 180:
        raise PydanticCustomError("point", "Latitude must be -90 to 90, longitude -180 to 180.")
    return point


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


class SearchFilters(Paging):
    """`near` is "latitude,longitude"; a search near a place adds each `distance`."""

    tag: Slug | None = Field(None, description="A tag's slug, present or former.")
    organization_id: UUID | None = None
    near: Near | None = Field(None, description="Only results within `within` of this place.")
    within: float | None = Field(None, gt=0, le=FARTHEST, description=f"Kilometres from `near`; default {NEARBY:g}.")

    managed: bool = Field(
        default=False,
        description="Those that the caller may act for, also paused and ended ones, by name: admins and auditors all.",
    )
    q: Words | None = None
    sort: str = "name"

    @field_validator("within")
    @classmethod
    def _check_within(cls, within: float | None, info: ValidationInfo) -> float | None:
        return _needs_near("within", within, info)

    @field_validator("sort")
    @classmethod
    def _check_sort(cls, sort: str, info: ValidationInfo) -> str:
        return _needs_near("sort=distance", sort, info) if sort == "distance" else sort


def _needs_near(what: str, value: T, info: ValidationInfo) -> T:
    if "near" in info.data and info.data["near"] is None:  # a malformed `near` has its own error
        raise PydanticCustomError("near", f"`{what}` requires `near`.")
    return value


class FirstStart(Shape):
    """The first free start."""

    start: datetime
    end: datetime


class ProviderEarliestStart(FirstStart):
    service_id: UUID


class ServiceEarliestStart(FirstStart):
    provider_id: UUID


def search_fields(metres: int | None, earliest: EarliestStart | None, whom: str) -> Mapping[str, Any]:
    """The fields that a search adds: distance in km, and the first start. `whom`: the name of its id field."""
    added: dict[str, Any] = {}
    if metres is not None:
        added["distance"] = metres / 1000
    if earliest is not None:
        start, end = plain(earliest.start), plain(earliest.end)
        added["earliest"] = {"start": start, "end": end, whom: earliest.with_id}
    return added
