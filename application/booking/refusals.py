"""The refusals of a start, one for each rule of `domain.scheduling.availability`."""

from domain.booking.calendar_day import SlotTaken
from domain.errors import Conflict
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
    """The refusal for the rule against a start of a service with these terms."""
    if rule is Rule.PAST:
        return TooSoon("The start is in the past.", rule=str(rule))
    if rule is Rule.GRID:
        since = "opening time" if terms.align == "opening" else "the first round time after opening"
        return OffGrid(f"Starts are every {terms.step} minutes, counted from {since}.", rule=str(rule))
    return REFUSALS[rule](rule=str(rule))
