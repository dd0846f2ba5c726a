"""The refusals of a start, one for each rule of `domain.scheduling.availability`."""

from domain.booking.calendar_day import SlotTaken
from domain.errors import Conflict, Forbidden
from domain.scheduling.availability import Rule
from domain.scheduling.slot_terms import SlotTerms


class NotOffered(Conflict):
    """This start is not offered."""


class OutsideHours(NotOffered):
    """This time lies outside opening hours."""


class OffGrid(NotOffered):
    """Appointments do not start at this minute."""


class TooSoon(NotOffered):
    """This start is too soon."""


class OutsideWindow(NotOffered):
    """This start lies outside the booking window."""


class OverrideByStaff(Forbidden):
    """Only the provider's staff may set booking rules aside."""


REFUSALS: dict[Rule, type[Conflict]] = {
    Rule.PAST: TooSoon,
    Rule.NOTICE: TooSoon,
    Rule.WINDOW: OutsideWindow,
    Rule.CLOSED: OutsideHours,
    Rule.TIME_OFF: OutsideHours,
    Rule.GRID: OffGrid,
    Rule.TAKEN: SlotTaken,
    Rule.FULL: SlotTaken,
}


def refusal(rule: Rule, terms: SlotTerms) -> Conflict:
    """The refusal for the rule against a start of a service with these terms. Names the setting behind the rule."""
    kind = REFUSALS[rule]
    since = "opening time" if terms.align == "opening" else "the first round time after opening"
    details = {
        Rule.PAST: "The start is in the past.",
        Rule.NOTICE: f"The service needs {terms.min_notice} minutes of notice (`min_notice`).",
        Rule.WINDOW: f"The service can be booked {_window(terms)} (`window`).",
        Rule.CLOSED: "The provider is closed then (`weekly`, overrides and holidays of the schedule).",
        Rule.TIME_OFF: "The provider has time off then (`time-off` of the schedule).",
        Rule.GRID: f"Starts are every {terms.step} minutes, counted from {since} (`step`, `align`).",
        Rule.FULL: f"All {terms.capacity} places of this session are taken (`capacity`).",
    }
    return kind(details.get(rule, ""), rule=str(rule))


def _window(terms: SlotTerms) -> str:
    window = terms.window
    if window is None or window.kind == "fixed":
        first, last = (window.first, window.last) if window else (None, None)
        return f"from {first or 'now'} to {last or 'any date'}"
    unit = "business days" if window.kind == "business" else "days"
    return f"{window.days} {unit} ahead"
