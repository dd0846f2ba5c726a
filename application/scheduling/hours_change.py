"""A change of opening hours: what becomes of the appointments that it leaves outside, and the job that applies that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from application.jobs.job import JobRequest, enqueues
from domain.booking.origin import ReasonCode
from domain.booking.orphan import OrphanChoice
from domain.catalog.organization import Organization
from domain.errors import Invalid
from domain.scheduling.schedule import Schedule


@dataclass(frozen=True, kw_only=True)
class OrphanHandling:
    """What becomes of orphans. None: staff decide later. `reason`: why they are cancelled; their customers read it.

    `each`: another choice for single appointments.
    """

    choice: OrphanChoice | None = None
    reason: str = ""
    reason_code: ReasonCode | None = None
    each: Mapping[UUID, OrphanChoice] = field(default_factory=dict)

    def of_appointment(self, id: UUID) -> "OrphanHandling":
        """The choice for one appointment."""
        return replace(self, choice=self.each.get(id, self.choice))

    def check(self) -> None:
        """Raise Invalid for a cancellation without a reason."""
        if OrphanChoice.CANCEL in {self.choice, *self.each.values()} and not self.reason:
            raise Invalid("Staff must give a reason.", "/orphans/reason")

    @property
    def recorded(self) -> str | None:
        """The choice as events record it."""
        return self.choice and self.choice.value

    def said(self) -> Mapping[str, Any]:
        """As the payload of a job, which is encrypted."""
        each = {str(id): choice.value for id, choice in self.each.items()}
        return {"choice": self.recorded, "reason": self.reason, "reason_code": self.reason_code, "each": each}

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "OrphanHandling":
        """From the payload of a job."""
        choice, code = said["choice"], said["reason_code"]
        each = {UUID(id): OrphanChoice(other) for id, other in said["each"].items()}
        chosen = choice and OrphanChoice(choice)
        return cls(choice=chosen, reason=said["reason"], reason_code=code and ReasonCode(code), each=each)


DECIDE_LATER = OrphanHandling()


@enqueues("check_hours")
def schedule_check(
    before: Mapping[str, Any], schedule: Schedule, by: UUID, now: datetime, orphans: OrphanHandling = DECIDE_LATER
) -> Sequence[JobRequest]:
    """The job for a changed schedule. `before`: its `rules` before the change.

    None if nothing was changed, nor for the first hours of a calendar, which leave no appointment outside.
    """
    changes = len(schedule.pending_events)
    if not changes or schedule.version == 1 + changes:
        return ()
    said = {"by": str(by), **orphans.said(), "before": before, "after": schedule.rules(now)}
    return [JobRequest("check_hours", said, subject=schedule.calendar_id)]


@enqueues("check_hours")
def holiday_check(
    organization: Organization, day: date, by: UUID, orphans: OrphanHandling = DECIDE_LATER
) -> Sequence[JobRequest]:
    """The job for a holiday that was set or removed; none if nothing was changed."""
    if not organization.pending_events:
        return ()
    said = {"by": str(by), **orphans.said(), "holiday": day.isoformat()}
    return [JobRequest("check_hours", said, subject=organization.id)]
