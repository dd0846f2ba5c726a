"""Queries and answers about metrics."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import ValidationInfo

from interfaces.http.framework.fields import Date, LogPosition, Several, Shape
from interfaces.http.framework.fields import Query as Filters
from interfaces.http.vocabulary.enum_name import EnumName
from projections.analysis.metric import PERIODS, Dimension, Unit
from projections.reporting.question import MOST_DAYS

MOST_DIMENSIONS = 2
MetricFormat = Annotated[Literal["json", "csv"], EnumName("MetricFormat")]


class MetricQuery(Filters):
    """A period, whose figures, and what to tell them apart by."""

    from_: Date = Field(alias="from")
    to: Date
    group_by: Annotated[tuple[Dimension, ...] | None, Field(max_length=MOST_DIMENSIONS), Several] = None
    organization_id: UUID | None = None
    provider_id: UUID | None = None
    format: MetricFormat = "json"

    @field_validator("to")
    @classmethod
    def _check_period(cls, to: date, earlier: ValidationInfo) -> date:
        since = earlier.data.get("from_")
        if since is not None and to < since:
            raise PydanticCustomError("order", "`to` must not be before `from`.")
        if since is not None and (to - since).days >= MOST_DAYS:
            raise PydanticCustomError("period", f"The period may have at most {MOST_DAYS} days, both dates included.")
        return to

    @field_validator("group_by")
    @classmethod
    def _check_dimensions(cls, group_by: tuple[Dimension, ...] | None) -> tuple[Dimension, ...]:
        group_by = group_by or ()
        if len({*group_by}) < len(group_by):
            raise PydanticCustomError("distinct", "Every value may be given only once.")
        if sum(each in PERIODS for each in group_by) > 1:
            raise PydanticCustomError("periods", f"Give only one of {', '.join(f'`{each}`' for each in PERIODS)}.")
        return group_by


class MeasureResponse(Shape):
    """A number of a metric."""

    name: str
    unit: Unit
    meaning: str


class MetricDescriptionResponse(Shape):
    """A metric: what it says, by which dimensions it can be told apart, and its measures."""

    name: str
    title: str
    explanation: str
    dimensions: list[Dimension]
    counts_customers: bool
    measures: list[MeasureResponse]


class MetricDictionary(Shape):
    items: list[MetricDescriptionResponse]
    next: None


class MetricRowResponse(Shape):
    """The figures of one combination of dimensions."""

    dimensions: dict[str, str | int | None]
    measures: dict[str, float | None]
    suppressed: bool


class MetricFiguresResponse(Shape):
    """The figures of a metric over a period, as of a position."""

    metric: str
    from_: Date = Field(alias="from")
    to: Date
    group_by: list[Dimension]
    rows: list[MetricRowResponse]
    position: LogPosition
