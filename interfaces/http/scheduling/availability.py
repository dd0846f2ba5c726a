"""Which times are free, the next ones, and why one is not."""

from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Query, Response
from pydantic import Field, PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError, to_json

from domain.scheduling.interval import Interval
from domain.scheduling.wallclock import day_bounds, zone
from interfaces.http.framework import fields as body
from interfaces.http.framework.fields import Instant, Shape, Zone
from interfaces.http.framework.needs import Needs
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import PUBLIC, HttpResponse
from interfaces.http.framework.routing import Router
from projections.availability.evaluation import UnavailableReason

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
    """`from` and `to` are dates, both included, read in `tz`; or instants, `to` excluded. At most 62 days."""

    service_id: UUID
    provider_id: UUID | None = None
    from_: Bound = Field(alias="from")
    to: Bound
    tz: Zone | None = Field(None, description="The zone of the dates.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        dates = [not isinstance(bound, datetime) for bound in (self.from_, self.to)]
        if dates[0] is not dates[1]:
            raise PydanticCustomError("span", "`from` and `to` are both dates or both instants.")
        if all(dates) and self.tz is None:
            raise PydanticCustomError("span", "Dates need `tz`.")
        length = self.to - self.from_
        if length < timedelta(0):
            raise PydanticCustomError("span", "`to` lies before `from`.")
        if length + timedelta(days=all(dates)) > LONGEST:
            raise PydanticCustomError("span", "At most 62 days.")
        return self

    @cached_property
    def interval(self) -> Interval:
        """The span in UTC, half-open."""
        if isinstance(self.from_, datetime) and isinstance(self.to, datetime):
            return Interval(self.from_, self.to)
        assert self.tz is not None
        tz = zone(self.tz)
        return Interval(day_bounds(self.from_, tz).start, day_bounds(self.to, tz).end)


class FindEarliestStartsQuery(body.Query):
    """The next starts of a service, or of all services with a tag."""

    service_id: UUID | None = None
    tag: body.Slug | None = None
    limit: int = Field(10, ge=1, le=200)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.service_id is None) is (self.tag is None):
            raise PydanticCustomError("earliest", "Name either service_id or tag.")
        return self


class ExplainAvailabilityQuery(body.Query):
    """One start of one provider; without a provider, of any."""

    service_id: UUID
    provider_id: UUID | None = None
    start: Instant


class StartResponse(Shape):
    start: datetime
    end: datetime
    provider_id: UUID
    seats_left: int


class StartsResponse(Shape):
    """What is offered, by start and provider; one item for each start and provider."""

    starts: list[StartResponse]
    timezone: str
    position: int
    as_of: datetime


class EarliestStartResponse(StartResponse):
    service_id: UUID


class EarliestStartsResponse(Shape):
    starts: list[EarliestStartResponse]
    timezone: str
    position: int
    as_of: datetime


class AvailabilityExplanationResponse(Shape):
    """Whether a start is offered, and the rule that stands against it if not."""

    offered: bool
    rule: UnavailableReason | None
    detail: str
    position: int


@router.get("", "find_starts", StartsResponse, needs=Needs(finds=True))
async def starts(request: RequestContext, span: Annotated[FindStartsQuery, Query()]) -> Response:
    """List the starts that are offered."""
    answer = await request.ports.availability.starts(
        span.service_id,
        span.provider_id,
        span.interval,
        now=request.ports.store.now(),
        at_least=request.at_least,
        timezone=span.tz,
    )
    return _sent(answer.body, answer.position)


@router.get("/earliest", "find_earliest_starts", EarliestStartsResponse, needs=Needs(finds=True))
async def earliest(request: RequestContext, asked: Annotated[FindEarliestStartsQuery, Query()]) -> Response:
    """List the next starts, the earliest first."""
    answer = await request.ports.availability.earliest(
        asked.service_id, asked.tag, asked.limit, now=request.ports.store.now(), at_least=request.at_least
    )
    return _sent(answer.body, answer.position)


@router.get("/why", "explain_availability", AvailabilityExplanationResponse, needs=Needs(finds=True))
async def why(request: RequestContext, asked: Annotated[ExplainAvailabilityQuery, Query()]) -> Response:
    """Whether a start is offered, or what stands against it."""
    found = await request.ports.availability.why(
        asked.service_id, asked.provider_id, asked.start, now=request.ports.store.now(), at_least=request.at_least
    )
    return _sent(to_json(found._asdict()), found.position)


def _sent(body: bytes, position: int) -> HttpResponse:
    return HttpResponse(200, body, {b"daybook-position": b"%d" % position, b"cache-control": PUBLIC})
