"""Origin: how a booking came about, and what else its events record for later questions."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, TypedDict
from uuid import UUID

from domain.personal_data import PersonalData
from domain.scheduling.availability import Rule


class Channel(StrEnum):
    """The way by which a booking reached Daybook. STAFF: entered by the people who act for the provider."""

    API = "api"
    STAFF = "staff"
    PAGE = "page"
    WAITLIST = "waitlist"
    SERIES = "series"
    IMPORT = "import"


class ReasonCode(StrEnum):
    """Why an appointment was cancelled or a request declined, for statistics: never a person's state of health."""

    CUSTOMER_PREVENTED = "customer_prevented"
    SCHEDULE_CONFLICT = "schedule_conflict"
    NO_LONGER_NEEDED = "no_longer_needed"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    WEATHER = "weather"
    DUPLICATE = "duplicate"
    OTHER = "other"


class Party(StrEnum):
    """The side that made a change. SYSTEM: Daybook itself, or its operator."""

    CUSTOMER = "customer"
    STAFF = "staff"
    SYSTEM = "system"


class OverridableRule(StrEnum):
    """The rules that staff may set aside by name. HOURS: opening hours and time off."""

    HOURS = "hours"
    NOTICE = "notice"
    WINDOW = "window"
    GRID = "grid"

    @property
    def rules(self) -> frozenset[Rule]:
        """The rules of availability that it names."""
        return _RULES[self]


_RULES: Mapping[OverridableRule, frozenset[Rule]] = {
    OverridableRule.HOURS: frozenset({Rule.CLOSED, Rule.TIME_OFF}),
    OverridableRule.NOTICE: frozenset({Rule.NOTICE}),
    OverridableRule.WINDOW: frozenset({Rule.WINDOW}),
    OverridableRule.GRID: frozenset({Rule.GRID}),
}


class Override(NamedTuple):
    """The rules that staff set aside for one booking or move, and why. The reason is personal data of the customer."""

    rules: frozenset[OverridableRule]
    reason: PersonalData

    @property
    def names(self) -> list[str]:
        """In the order of OverridableRule."""
        return [rule.value for rule in OverridableRule if rule in self.rules]


class PlaceRecord(TypedDict):
    """A calendar that fills a need of the service. `stretches`: [begin, end) in minutes from the start."""

    need: str
    calendar_id: UUID
    stretches: list[list[int]]


class PlacementRecord(TypedDict):
    """The calendars that a booking occupies. `overridden`: the rules that staff set aside.

    Today the one place is that of the host, who is the event's provider.
    """

    places: list[PlaceRecord]
    seats: int
    overridden: list[str]


class Origin(NamedTuple):
    """`demo`: made by the demo town; `organization_id`: of the provider, at the time of the booking."""

    channel: Channel = Channel.API
    demo: bool = False
    organization_id: UUID | None = None


def host_alone(provider_id: UUID, duration: int) -> PlacementRecord:
    """One place, the provider, for the whole duration (minutes)."""
    place: PlaceRecord = {"need": "host", "calendar_id": provider_id, "stretches": [[0, duration]]}
    return {"places": [place], "seats": 1, "overridden": []}


@dataclass(frozen=True)
class OriginFields:
    """The fields that version 2 has added to events that take time.

    `channel`: None where release 0.1.0 recorded the event. `override_reason`: why staff set rules aside.
    """

    class_version = 2

    placement: PlacementRecord
    channel: str | None
    demo: bool
    organization_id: UUID | None
    override_reason: PersonalData | None

    @property
    def organization_recorded(self) -> bool:
        """Whether `organization_id` says under which organization it was made: release 0.1.0 did not record that."""
        return self.channel is not None

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Version 1 recorded the provider and the duration alone."""
        state["placement"] = host_alone(state["provider_id"], state["duration"])
        state.update(channel=None, demo=False, organization_id=None, override_reason=None)
