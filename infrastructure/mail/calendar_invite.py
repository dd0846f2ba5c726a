"""An appointment as an iCalendar event (RFC 5545), in a message that adds or cancels it (RFC 5546)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, vCalAddress, vUri

from application.notifications.appointment_details import AppointmentDetails
from application.notifications.mail import CalendarInvite
from application.notifications.notice import Notice, NoticeKind
from application.notifications.recipient import Recipient, zone_of
from application.people.email_address import in_ascii
from infrastructure.mail.calendar_timezone import timezone_of
from infrastructure.mail.formatting import line

METHODS: Mapping[NoticeKind, tuple[str, str]] = {
    NoticeKind.REQUESTED: ("REQUEST", "TENTATIVE"),
    NoticeKind.BOOKED: ("REQUEST", "CONFIRMED"),
    NoticeKind.MOVED: ("REQUEST", "CONFIRMED"),
    NoticeKind.CANCELLED: ("CANCEL", "CANCELLED"),
    NoticeKind.DECLINED: ("CANCEL", "CANCELLED"),
    NoticeKind.EXPIRED: ("CANCEL", "CANCELLED"),
    NoticeKind.NOT_MOVED: ("REQUEST", "CONFIRMED"),
    NoticeKind.REBOOK: ("REQUEST", "CONFIRMED"),
}
"""Method and status. A request is in the calendar too, so that its decline or expiry cancels it."""
_AROUND = timedelta(days=400)  # before and after the appointment, for which the zone's rules are included


@dataclass(frozen=True, slots=True)
class CalendarSender:
    """`address`: the sender of mails; `host`: what the UID ends with; `link`: of the entry."""

    address: Address
    host: str
    link: str


def invitation(
    notice: Notice, recipient: Recipient, sender: CalendarSender, description: str = ""
) -> CalendarInvite | None:
    """None for a kind of notice without a calendar part. An appointment keeps its UID."""
    visit = notice.visit
    if notice.kind not in METHODS or visit is None:
        return None
    method, status = METHODS[notice.kind]
    event = _event(visit)
    event.add("uid", f"{notice.about}@{sender.host}")
    event.add("status", status)
    event.add("url", vUri(sender.link))
    event.add("description", "\n".join(filter(None, (line(description), sender.link))))
    event.add("organizer", _person(sender.address.addr_spec, visit.provider))
    going = {"role": "REQ-PARTICIPANT", "partstat": "ACCEPTED", "rsvp": "FALSE"}
    event.add("attendee", _person(in_ascii(recipient.email or ""), recipient.name, **going))
    calendar = Calendar()
    calendar.add("prodid", "-//Daybook//Daybook//EN")
    calendar.add("version", "2.0")
    calendar.add("method", method)
    zone, midnight = zone_of(visit.timezone), visit.starts_at.replace(hour=0, minute=0, second=0, microsecond=0)
    if zone.key != "UTC":
        calendar.add_component(timezone_of(zone, midnight - _AROUND, midnight + _AROUND))
    calendar.add_component(event)
    return CalendarInvite(method, calendar.to_ical().decode())


def _event(visit: AppointmentDetails) -> Event:
    zone = zone_of(visit.timezone)
    changed = visit.changed_at or visit.starts_at
    event = Event()
    event.add("sequence", visit.sequence)
    event.add("dtstart", _local(visit.starts_at, zone))
    event.add("dtend", _local(visit.ends_at, zone))
    event.add("dtstamp", changed)  # not the time of sending: a retry sends the same bytes
    event.add("last-modified", changed)
    event.add("summary", " – ".join(filter(None, (line(visit.service), line(visit.provider)))))  # noqa: RUF001
    if visit.address:
        event.add("location", line(visit.address))
    event.add("transp", "OPAQUE")
    return event


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    """The moment in the zone; in UTC if the clock shows this time twice, as calendars take the earlier one."""
    local = moment.astimezone(zone)
    return moment if local.fold else local


def _person(email: str, name: str, **how: str) -> vCalAddress:
    person = vCalAddress(f"mailto:{email}")
    for key, value in ({"cn": line(name)} | how).items():
        if value:
            person.params[key] = value
    return person
