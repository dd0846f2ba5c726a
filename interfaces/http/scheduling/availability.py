"""Routes of availability: free times, and the next ones. `interfaces/http/audit/why.py` says why a time is not free."""

from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Query, Response
from pydantic import Field, PlainValidator, WithJsonSchema, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import ValidationInfo

from domain.scheduling.interval import Interval
from domain.scheduling.wallclock import day_bounds, zone
from interfaces.http.framework import fields as body
from interfaces.http.framework.fields import LogPosition, Shape, Zone
from interfaces.http.framework.needs import Needs
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import PUBLIC, HttpResponse
from interfaces.http.framework.routing import Router
from projections.read_models.availability import vacancy

router = Router("/v1/availability", "availability")
LONGEST = timedelta(days=62)


def _bound(value: Any) -> date | datetime:
    return body.day(value) if isinstance(value, str) and len(value) <= len("2030-01-31") else body.instant(value)


Bound = Annotated[
    date | datetime,
    PlainValidator(_bound),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}],
            "examples": ["2030-01-31"],
        }
    ),
]


class FindStartsQuery(body.Query):
    """`from` and `to` are dates in `tz`, both included, or instants, `to` excluded. At most 62 days."""

    service_id: UUID
    provider_id: UUID | None = None
    from_: Bound = Field(alias="from")
    to: Bound
    tz: Zone | None = Field(None, validate_default=True, description="The time zone of the dates.")

    @field_validator("to")
    @classmethod
    def _check_length(cls, to: date | datetime, earlier: ValidationInfo) -> date | datetime:
        since = earlier.data.get("from_")
        if since is None:  # which has its own error
            return to
        if isinstance(since, datetime) is not isinstance(to, datetime):
            raise PydanticCustomError("span", "`from` and `to` must both be dates or both be instants.")
        length = to - since if isinstance(to, datetime) else to - since + timedelta(days=1)
        if to < since:
            raise PydanticCustomError("span", "`to` must not be before `from`.")
        if length > LONGEST:
            days = -(-length // timedelta(days=1))
            raise PydanticCustomError("span", f"The range is {days} days long; at most {LONGEST.days} are allowed.")
        return to

    @field_validator("tz")
    @classmethod
    def _check_zone(cls, tz: str | None, earlier: ValidationInfo) -> str | None:
        bounds = [earlier.data.get(name) for name in ("from_", "to")]
        if tz is None and all(bounds) and not any(isinstance(bound, datetime) for bound in bounds):
            raise PydanticCustomError("span", "Required when `from` and `to` are dates.")
        return tz

    @cached_property
    def interval(self) -> Interval:
        """The range in UTC, half-open."""
        if isinstance(self.from_, datetime) and isinstance(self.to, datetime):
            return Interval(self.from_, self.to)
        assert self.tz is not None
        tz = zone(self.tz)
        return Interval(day_bounds(self.from_, tz).start, day_bounds(self.to, tz).end)


class FindEarliestStartsQuery(body.Query):
    """The next free starts of a service, or of all services with a tag."""

    service_id: UUID | None = None
    tag: body.Slug | None = None
    limit: int = Field(10, ge=1, le=200)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.service_id is None) is (self.tag is None):
            raise PydanticCustomError("earliest", "Give either `service_id` or `tag`.")
        return self


class StartResponse(Shape):
    start: datetime
    end: datetime
    provider_id: UUID
    seats_left: int


class StartsResponse(Shape):
    """Free starts, ordered by start and provider: one item for each of both."""

    starts: list[StartResponse]
    timezone: str
    position: LogPosition
    as_of: datetime


class EarliestStartResponse(StartResponse):
    service_id: UUID


class EarliestStartsResponse(Shape):
    starts: list[EarliestStartResponse]
    timezone: str
    position: LogPosition
    as_of: datetime


@router.get("", "find_starts", StartsResponse, needs=Needs(finds=True))
async def starts(request: RequestContext, query: Annotated[FindStartsQuery, Query()]) -> Response:
    """Find free starts."""
    answer = await request.ports.availability.starts(
        query.service_id,
        query.provider_id,
        query.interval,
        now=request.ports.store.now(),
        at_least=await request.reflecting(vacancy.name),
        timezone=query.tz,
    )
    return _answer(answer.body, answer.position)


@router.get("/earliest", "find_earliest_starts", EarliestStartsResponse, needs=Needs(finds=True))
async def earliest(request: RequestContext, query: Annotated[FindEarliestStartsQuery, Query()]) -> Response:
    """Find the earliest free starts."""
    at_least = await request.reflecting(vacancy.name)
    answer = await request.ports.availability.earliest(
        query.service_id, query.tag, query.limit, now=request.ports.store.now(), at_least=at_least
    )
    return _answer(answer.body, answer.position)


def _answer(body: bytes, position: int) -> HttpResponse:
    return HttpResponse(200, body, {b"cache-control": PUBLIC}, position=position)
