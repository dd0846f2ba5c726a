"""The page that moves an appointment: the free starts of seven days, each a button; week by week, without script."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from starlette.routing import BaseRoute

from application.access import LinkPurpose
from application.booking.appointment import RescheduleAppointment, reschedule_appointment
from application.booking.customer_options import customer_options
from application.current_state import current_state
from application.notifications.appointment_details import visit_of
from application.notifications.link_holder import LinkHolder
from domain.booking.appointment import Appointment
from domain.booking.appointment_status import ENDED, AppointmentEnded
from domain.catalog.service import Service
from domain.errors import Invalid, NotFound, Refusal
from domain.scheduling.interval import Interval
from domain.scheduling.wallclock import UnsupportedTime, day_bounds, local_date, zone
from interfaces.http.framework import fields
from interfaces.http.pages.appointment import PATH, contact_of, loaded, view_of
from interfaces.http.pages.page import PageRequest, PageView, page, refused
from projections.query.snapshot import Behind

WEEK, AHEAD = timedelta(days=7), timedelta(days=61)
LATEST = timedelta(days=800)
Starts = Sequence[tuple[datetime, str]]


async def show(asked: PageRequest) -> PageView:
    holder = await asked.holder(LinkPurpose.APPOINTMENT)
    asked.may(holder, "reschedule_appointment")
    return await _view(asked, holder)


async def move(asked: PageRequest) -> PageView:
    holder = await asked.holder(LinkPurpose.APPOINTMENT)
    text = asked.form.get("start", "")
    try:
        start = fields.instant(text)
    except ValueError:
        raise Invalid("Choose one of the times.", "/start") from None
    command = RescheduleAppointment(
        **asked.command(holder, "reschedule_appointment", text), appointment_id=asked.subject, start=start
    )
    try:
        await reschedule_appointment(command, asked.ports.store)
    except NotFound:
        raise
    except Refusal as error:
        return await _view(asked, holder, error)
    return await view_of(asked, holder, done="moved")


ROUTES: Sequence[BaseRoute] = (page("GET", PATH + "/move", show), page("POST", PATH + "/move", move))


async def _view(asked: PageRequest, holder: LinkHolder, error: Refusal | None = None) -> PageView:
    """The free times; the appointment's own page if it can't be moved now."""
    appointment, provider = await loaded(asked)
    store = asked.ports.store
    can_not = customer_options(appointment, store.now()).move
    if appointment.status in ENDED:
        can_not = AppointmentEnded()
    if can_not is not None:
        return await view_of(asked, holder, error or can_not)
    tz = zone(appointment.timezone)
    today = local_date(store.now(), tz)
    week = _week(asked.query.get("week", ""), today)
    days = await _days(asked, appointment, week, WEEK, tz)
    told = {
        "id": appointment.id,
        "page": asked.link_fields(appointment.version),
        "visit": await visit_of(appointment, provider, store.now(), store),
        "zone": appointment.timezone,
        "provider": contact_of(provider),
        "price": await _new_price(asked, appointment),
        "days": sorted(days.items()),
        "earlier": max(today, week - WEEK).isoformat() if week > today else None,
        "later": week + WEEK if days else await _first_later(asked, appointment, week, tz),
    }
    why = None if error is None else refused(error)
    return PageView("move", told, why[1] if why else 200, "", why, holder.recipient.language, appointment.timezone)


def _week(text: str, today: date) -> date:
    """The first of the seven days: the one asked for, neither in the past nor far away."""
    try:
        return min(max(fields.day(text), today), today + LATEST)
    except ValueError:
        return today


async def _days(
    asked: PageRequest, appointment: Appointment, since: date, length: timedelta, tz: ZoneInfo
) -> Mapping[date, Starts]:
    """The free starts of the same provider, by local date."""
    span = Interval(day_bounds(since, tz).start, day_bounds(since + length - timedelta(days=1), tz).end)
    try:
        found = await asked.ports.availability.starts(
            appointment.service_id, appointment.provider_id, span, now=asked.ports.store.now()
        )
    except (NotFound, Behind, UnsupportedTime):
        return {}
    days: dict[date, list[tuple[datetime, str]]] = {}
    for each in json.loads(found.body)["starts"]:
        start = fields.instant(each["start"])
        days.setdefault(local_date(start, tz), []).append((start, each["start"]))
    return days


async def _first_later(asked: PageRequest, appointment: Appointment, week: date, tz: ZoneInfo) -> date | None:
    """The next date with a free start, within two months."""
    days = await _days(asked, appointment, week, AHEAD, tz)
    return min(days, default=None)


async def _new_price(asked: PageRequest, appointment: Appointment) -> tuple[Any, Any] | None:
    """The price that the customer agrees to by moving, if it is another one."""
    service = await current_state(Service, appointment.service_id, asked.ports.store)
    if service is None:
        return None
    price = service.terms["price"], service.terms["currency"]
    return None if price == (appointment.price, appointment.currency) else price
