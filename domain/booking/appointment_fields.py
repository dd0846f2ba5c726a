"""The fields that the events of an appointment share, and what older versions of the events lack."""

from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from domain.booking.origin import OriginFields, ReasonCode
from domain.booking.placement import BookingFields, Placement, PlacementFields
from domain.booking.policy import Policy
from domain.personal_data import PersonalData


class BookedTerms(NamedTuple):
    """The terms that an appointment keeps from its booking. `price`: in minor units of the currency."""

    price: int
    currency: str
    policy: Policy


class ConfirmedPlace(NamedTuple):
    """Where and on which terms an appointment stands, whatever other time its customer asks for."""

    placement: Placement
    terms: BookedTerms
    organization_id: UUID | None
    organization_recorded: bool
    free_cancellation: bool

    def fields(self) -> dict[str, Any]:
        """The fields of ReturnFields."""
        placement, terms, *others = self
        return {**placement._asdict(), **terms._asdict(), **dict(zip(self._fields[2:], others, strict=True))}


class Reason(NamedTuple):
    """Why somebody ends an appointment. `text`: in their own words, which Daybook encrypts; may be empty."""

    text: str = ""
    code: ReasonCode | None = None

    def fields(self, customer_id: UUID) -> dict[str, Any]:
        """The fields of DeclineFields; the words are personal data of the customer."""
        return {
            "reason": PersonalData(customer_id, self.text) if self.text else None,
            "reason_code": self.code and self.code.value,
        }


@dataclass(frozen=True)
class TermsFields:
    price: int
    currency: str
    policy: Policy


@dataclass(frozen=True)
class BeginFields(OriginFields, TermsFields, PlacementFields, BookingFields):
    """Of the events that begin an appointment. `told`: its texts (`appointment_text.DEFAULTS`)."""

    told: PersonalData | None


@dataclass(frozen=True)
class _WhoMoves:
    by: UUID
    by_customer: bool
    provider_id: UUID


@dataclass(frozen=True)
class MoveFields(OriginFields, TermsFields, PlacementFields, _WhoMoves):
    """Of a move. `free_cancellation`: the customer may cancel at no cost until the start, because staff moved it."""

    free_cancellation: bool
    reason: PersonalData | None

    def moving(self) -> dict[str, Any]:
        """Who moved the appointment or asked for it, without the words."""
        return {"by": self.by, "by_customer": self.by_customer}

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Version 1 recorded neither a reason nor free cancellation."""
        OriginFields.upcast_v1_v2(state)
        state.update(free_cancellation=False, reason=None)


@dataclass(frozen=True)
class _ProviderField:
    provider_id: UUID


@dataclass(frozen=True)
class ReturnFields(TermsFields, PlacementFields, _ProviderField):
    """Of a requested move that does not take place: where and on which terms the appointment stays."""

    organization_id: UUID | None
    organization_recorded: bool
    free_cancellation: bool


@dataclass(frozen=True)
class DeclineFields:
    """Of a declined request, and of a cancellation. `reason_code`: None where none was given."""

    class_version = 2

    by: UUID
    reason: PersonalData | None
    reason_code: str | None

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Version 1 recorded the reason in words alone."""
        state["reason_code"] = None

    def ending(self) -> dict[str, Any]:
        """Who ended the appointment, and why, without the words."""
        return {"by": self.by, "reason_code": self.reason_code}


@dataclass(frozen=True)
class CancelFields(DeclineFields):
    """Of a cancellation. `party`: the side that cancelled; None where release 0.1.0 recorded the event."""

    late: bool
    fee: int
    party: str | None

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Version 1 did not record the side."""
        DeclineFields.upcast_v1_v2(state)
        state["party"] = None

    def ending(self) -> dict[str, Any]:
        """As of a declined request, with the side and what it costs (`fee` in minor units)."""
        return {**super().ending(), "party": self.party, "late": self.late, "fee": self.fee}
