"""Service terms: the name, times, price and rules of a service, flat as in the HTTP contract."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal, NotRequired, TypedDict, cast
from uuid import UUID

from domain.booking.policy import COMPLETE_AFTER, REMINDERS, Policy
from domain.errors import Invalid
from domain.external_fields import ExternalFields
from domain.scheduling.availability import BookingWindow, SlotTerms
from domain.scheduling.opening_hours import DAY, OpeningWindow

WindowTerms = TypedDict(
    "WindowTerms",
    {
        "kind": Literal["rolling", "business", "fixed"],
        "days": NotRequired[int | None],
        "from": NotRequired[str | None],
        "to": NotRequired[str | None],
    },
)
"""A booking window. `days`: of a rolling or business one; `from`, `to`: ISO dates of a fixed one."""


class ServiceTerms(Policy, ExternalFields):
    """The terms as events record them. Durations in minutes, money in minor units of the currency, ids as text.

    `step`: None for the duration; `hours`: weekday "0".."6" (Monday first) -> [[opens, closes], ...] in minutes of the
    local day. Services made by early versions lack the fields that are not required.
    """

    name: str
    provider_ids: list[str]
    organization_id: str | None
    duration: int
    step: int | None
    align: Literal["opening", "clock"]
    buffer_before: int
    buffer_after: int
    capacity: int
    price: int
    currency: str
    min_notice: int
    window: WindowTerms | None
    hours: NotRequired[dict[str, list[list[int]]] | None]
    approval: NotRequired[bool]
    approval_ttl: NotRequired[int]
    hold_ttl: NotRequired[int]
    offer_ttl: NotRequired[int]
    tags: list[str]
    description: NotRequired[str | None]
    category: NotRequired[str | None]
    place: NotRequired[str | None]
    meeting_url: NotRequired[str | None]


POLICY = tuple(Policy.__annotations__)
"""The names of the terms that an appointment keeps from its booking."""
DEFAULTS: Mapping[str, Any] = {
    "approval": False,
    "approval_ttl": 1440,
    "hold_ttl": 5,
    "offer_ttl": 15,
    "reminders": REMINDERS,
    "complete_after": COMPLETE_AFTER,
    **dict.fromkeys(("description", "category", "place", "meeting_url", "external_id")),
    "metadata": {},
}
"""The terms that services made by early versions lack. Durations in minutes."""


def term(terms: ServiceTerms, name: str) -> Any:
    """A term, or its default where it is missing."""
    known: Mapping[str, Any] = terms
    return known[name] if name in known else DEFAULTS[name]


def replaced(terms: ServiceTerms, changes: Mapping[str, Any]) -> ServiceTerms:
    """The terms with some of them replaced."""
    return cast("ServiceTerms", {**terms, **changes})


def policy_of(terms: ServiceTerms) -> Policy:
    """The part of the terms that an appointment keeps from its booking."""
    return cast("Policy", {name: term(terms, name) for name in POLICY})


def check_sense(terms: ServiceTerms, before: ServiceTerms | None = None) -> None:
    """Raise Invalid for terms that contradict each other. Those that were so `before`, and do not change, may stay."""

    def new(*names: str) -> bool:
        known: Mapping[str, Any] = before or {}
        return before is None or any(known.get(name) != cast("Mapping[str, Any]", terms)[name] for name in names)

    if terms["late_cancel"] == "refuse" and terms["late_fee"] is not None and new("late_cancel", "late_fee"):
        raise Invalid("A service that refuses late cancellations has no `late_fee`.", "/late_fee")
    window = terms["window"]
    days = window.get("days") if window and window["kind"] == "rolling" else None
    if (
        days is not None and terms["min_notice"] > days * DAY + 60 and new("window", "min_notice")
    ):  # a day may have 25 h
        raise Invalid(f"No start lies {terms['min_notice']} minutes ahead and within {days} days.", "/min_notice")


def slot_terms(service_id: UUID, terms: ServiceTerms) -> SlotTerms:
    """The part of the terms that decides which starts are offered."""
    window = terms["window"]
    return SlotTerms(
        service_id=service_id,
        duration=terms["duration"],
        step=terms["step"] or terms["duration"],
        align=terms["align"],
        buffer_before=terms["buffer_before"],
        buffer_after=terms["buffer_after"],
        capacity=terms["capacity"],
        min_notice=terms["min_notice"],
        window=_window(window) if window else None,
        service_hours=service_hours(terms) or None,
    )


def service_hours(terms: ServiceTerms) -> Mapping[int, tuple[OpeningWindow, ...]]:
    """The service's own weekly hours (0 = Monday); empty where it has none."""
    hours = terms.get("hours") or {}
    return {int(day): tuple(OpeningWindow(*window) for window in windows) for day, windows in hours.items()}


def _window(window: WindowTerms) -> BookingWindow:
    first, last = window.get("from"), window.get("to")
    return BookingWindow(
        kind=window["kind"],
        days=window.get("days"),
        first=date.fromisoformat(first) if first else None,
        last=date.fromisoformat(last) if last else None,
    )
