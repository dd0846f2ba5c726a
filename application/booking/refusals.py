"""The refusals of a start, one for each rule of `domain.scheduling.availability`."""

from domain.booking.calendar_day import SlotTaken
from domain.errors import Conflict
from domain.scheduling.availability import Rule


class NotOffered(Conflict):
    """This start is not offered."""


class OutsideHours(NotOffered):
    """This time lies outside opening hours."""


class OffGrid(NotOffered):
    """No start is offered at this minute."""


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


def refusal(rule: Rule) -> Conflict:
    """The refusal for the rule against a start."""
    detail = "The start is in the past." if rule is Rule.PAST else ""
    return REFUSALS[rule](detail, rule=str(rule))
