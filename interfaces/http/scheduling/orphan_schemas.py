"""Bodies and answers about the appointments that a change of opening hours leaves outside them."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import ValidationInfo

from application.orphans.preview import PreviewHours
from application.scheduling.hours_change import DECIDE_LATER, OrphanHandling
from domain.booking.origin import ReasonCode
from domain.booking.orphan import OrphanChoice
from domain.scheduling.interval import Interval
from interfaces.http.framework.fields import Body, Instant, LogPosition, Query, Shape, Text, Zone
from interfaces.http.scheduling.opening_hours import DayWindow, WeeklyWindow, minutes, minutes_of_week

LONGEST = timedelta(days=62)
DEFAULT_SPAN = timedelta(days=28)
MOST_ORPHANS, MOST_STARTS = 200, 100
"""As many of each are listed; all are counted."""


class SingleOrphanBody(Body):
    """What becomes of one appointment."""

    appointment_id: UUID
    choice: OrphanChoice


class OrphanHandlingBody(Body):
    """What becomes of the appointments that the change leaves outside the opening hours."""

    choice: OrphanChoice | None = None
    reason: Text = ""
    reason_code: ReasonCode | None = None
    each: Annotated[list[SingleOrphanBody], Field(max_length=MOST_ORPHANS)] = []

    @property
    def command(self) -> OrphanHandling:
        return OrphanHandling(
            choice=self.choice,
            reason=self.reason,
            reason_code=self.reason_code,
            each={one.appointment_id: one.choice for one in self.each},
        )


class HoursBody(Body):
    """A change of opening hours."""

    orphans: OrphanHandlingBody | None = None

    @property
    def handling(self) -> OrphanHandling:
        """Without a choice, staff decide later."""
        return self.orphans.command if self.orphans else DECIDE_LATER


class OrphanHandlingQuery(Query):
    """What becomes of the appointments that the change leaves outside the opening hours."""

    orphans: OrphanChoice | None = None
    reason: Text = ""
    reason_code: ReasonCode | None = None

    @property
    def handling(self) -> OrphanHandling:
        """Without a choice, staff decide later."""
        return OrphanHandling(choice=self.orphans, reason=self.reason, reason_code=self.reason_code)


class PreviewedOverrideBody(Body):
    """The hours of one date; null: the weekly hours apply again."""

    date: date
    hours: Annotated[list[DayWindow], Field(max_length=48)] | None


class PreviewedTimeOffBody(Body):
    """From `start` until `end`."""

    start: Instant
    end: Instant

    @model_validator(mode="after")
    def _check_order(self) -> "PreviewedTimeOffBody":
        if self.end <= self.start:
            raise PydanticCustomError("time_off", "`end` must be after `start`.")
        return self


class PreviewScheduleBody(Body):
    """The changes to preview, all optional. Starts are compared from `from` to `to`: by default the next 28 days."""

    timezone: Zone | None = None
    weekly: Annotated[list[WeeklyWindow], Field(max_length=336)] | None = None
    overrides: Annotated[list[PreviewedOverrideBody], Field(max_length=62)] = []
    time_off: Annotated[list[PreviewedTimeOffBody], Field(max_length=20)] = []
    cancelled_time_off: Annotated[list[UUID], Field(max_length=20)] = []
    from_: Instant | None = Field(None, alias="from")
    to: Instant | None = None

    @field_validator("to")
    @classmethod
    def _check_order(cls, to: datetime | None, earlier: ValidationInfo) -> datetime | None:
        since = earlier.data.get("from_")
        if to is not None and since is not None and to < since:
            raise PydanticCustomError("order", "`to` must not be before `from`.")
        return to

    def span(self, now: datetime) -> Interval:
        """The span in which starts are compared."""
        since = max(self.from_ or now, now)
        return Interval(since, min(self.to or since + DEFAULT_SPAN, since + LONGEST))

    def asked(self, calendar_id: UUID, who: dict[str, Any]) -> PreviewHours:
        """The look-up. `who`: of the request."""
        return PreviewHours(
            **who,
            calendar_id=calendar_id,
            timezone=self.timezone,
            weekly=None if self.weekly is None else minutes_of_week(self.weekly),
            overrides={each.date: None if each.hours is None else minutes(each.hours) for each in self.overrides},
            time_off=[Interval(each.start, each.end) for each in self.time_off],
            cancelled_time_off=self.cancelled_time_off,
        )


class OrphanResponse(Shape):
    """An upcoming appointment that would lie outside the opening hours. `listed`: it does so already, unsettled."""

    appointment_id: UUID
    start: datetime
    end: datetime
    listed: bool


class ServiceStartsResponse(Shape):
    """The starts of a service that the change adds and takes away: how many, and the first ones."""

    service_id: UUID
    gained: int
    lost: int
    gained_starts: list[datetime]
    lost_starts: list[datetime]


class SchedulePreviewResponse(Shape):
    """What a change of opening hours would do. `version`: of the schedule that it would change.

    `reopened`: how many listed appointments would lie within the hours again.
    """

    version: int
    orphan_count: int
    orphans: list[OrphanResponse]
    reopened: int
    services: list[ServiceStartsResponse]
    from_: datetime = Field(alias="from")
    to: datetime
    position: LogPosition
