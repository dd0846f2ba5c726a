"""What becomes of an appointment of the demo year: moved, cancelled, missed, or kept."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.booking.appointment_fields import Reason
from domain.booking.calendar_day import days_touched
from domain.booking.origin import ReasonCode
from domain.scheduling.availability import Start
from domain.scheduling.wallclock import local_date, zone
from interfaces.demo.book import Book, Visit
from interfaces.demo.lifetime import Deed, Step
from interfaces.demo.trades import REASONS

MOVED = 0.08
FATES = {"kept": 0.82, "cancelled": 0.08, "by staff": 0.02, "late": 0.03, "missed": 0.05}
_CUSTOMERS = (ReasonCode.CUSTOMER_PREVENTED, ReasonCode.SCHEDULE_CONFLICT, ReasonCode.NO_LONGER_NEEDED, None)
_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)


def course(book: Book, visit: Visit) -> list[Step]:
    """The steps after the booking, all of them before the year ends."""
    if book.dice.random() < MOVED and (moved := _moved(book, visit)) is not None:
        step, start = moved
        return [step, *_end(book, visit._replace(start=start, asked=step.at))]
    return _end(book, visit)


def _moved(book: Book, visit: Visit) -> tuple[Step, Start] | None:
    """To a later date, some time before the notice for that runs out; None if there is no such time."""
    start, latest = visit.start.start, visit.start.start - visit.terms["reschedule_notice"] * _MINUTE
    day = local_date(start, zone(book.calendar.home.zone)) + book.dice.randint(1, 7) * _DAY
    if latest <= visit.asked or day > book.last or book.is_busy(visit.visitor, day):
        return None
    at, offer = book.between(visit.asked, latest), book.offers[visit.service_id]
    before = {*days_touched(*offer.stretch(start))}
    offered = [
        each
        for each in book.offered(visit.service_id, day, at)
        if before.isdisjoint(days_touched(*offer.stretch(each.start)))
    ]
    if not offered:
        return None
    chosen = book.dice.choice(offered)
    book.occupy(visit._replace(start=chosen), day, None)
    return Step(at, Deed.MOVE, book.dice.random() < 0.7, chosen.start), chosen


def _end(book: Book, visit: Visit) -> list[Step]:
    dice, (start, end, _), asked = book.dice, visit.start, visit.asked
    in_time = max(asked, start - visit.terms["cancel_notice"] * _MINUTE)
    match dice.choices(list(FATES), list(FATES.values()))[0]:
        case "cancelled" if asked < in_time:
            return [_cancelled(book.between(asked, in_time), dice.choice(_CUSTOMERS))]
        case "late" if visit.terms["late_cancel"] == "fee":
            return [_cancelled(book.between(in_time, start), ReasonCode.CUSTOMER_PREVENTED)]
        case "by staff":
            reason = Reason(dice.choice(REASONS), ReasonCode.PROVIDER_UNAVAILABLE)
            return [Step(book.between(asked, start), Deed.CANCEL, reason=reason)]
        case "missed":
            return [Step(start + 15 * _MINUTE, Deed.MISS)]
        case _:
            pass
    arrived = max(asked, start - dice.randint(-5, 9) * _MINUTE)
    came = [Step(arrived, Deed.CHECK_IN)] if dice.random() < 0.5 else []
    return [*came, Step(end + dice.randint(0, 20) * _MINUTE, Deed.COMPLETE)]


def _cancelled(at: datetime, code: ReasonCode | None) -> Step:
    return Step(at, Deed.CANCEL, by_customer=True, reason=Reason("", code))
