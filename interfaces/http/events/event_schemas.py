"""Filters and answers of the feed."""

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from domain.webhooks.webhook import TYPES
from interfaces.http.framework.fields import LogPosition, LogPositionQuery, Query, Several, Shape
from interfaces.http.webhooks.message_schemas import Message
from interfaces.http.webhooks.webhook_schemas import Type


class EventPage(Shape):
    """Events in the order of the log. `next`: how far Daybook has looked; never null."""

    items: list[Message]
    next: LogPosition


def _check_known(types: tuple[str, ...]) -> tuple[str, ...]:
    if not {*types} <= {*TYPES}:
        raise PydanticCustomError("types", f"Use one or more of: {', '.join(TYPES)}.")
    return types


class _Types(Query):
    types: Annotated[tuple[Type, ...], Several, AfterValidator(_check_known)] = Field((), max_length=100)


class EventFilters(_Types):
    """The events after a position. Without one: from the beginning of the log."""

    after: LogPositionQuery | None = None
    limit: int = Field(50, ge=1, le=200)


class StreamFilters(_Types):
    """The events after a position. Without one: those from now on."""

    after: LogPositionQuery | None = None
