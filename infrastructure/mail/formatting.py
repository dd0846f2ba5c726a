"""Formatting for mails: dates, times and money in the recipient's language and time zone."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time, get_timezone_name
from babel.units import format_unit

from application.notifications.appointment_details import AppointmentDetails
from application.notifications.notice import Notice
from application.notifications.recipient import Recipient, zone_of
from infrastructure.mail.money import money_text

WORLD = Locale.parse("en_001")
"""International English: days before months."""
_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}")
_JOINERS = {"\u200c", "\u200d"}  # joiners shape words and compose emoji
_UNITS = (("day", 24 * 60), ("hour", 60), ("minute", 1))


def locale_of(tag: str, language: str) -> Locale:
    """The locale of a tag such as `en-GB`, for a mail in this language."""
    for name in (tag, language):
        if "-" not in name and name.lower() == WORLD.language:
            return WORLD
        try:
            found = Locale.parse(name, sep="-") if _TAG.fullmatch(name) else None
        except (UnknownLocaleError, ValueError):
            continue
        if found is not None and found.language == language:
            return found
    return WORLD


def template_fields(notice: Notice, recipient: Recipient, locale: Locale) -> Mapping[str, str]:
    """The fields of the notices' templates; empty text for a missing value."""
    visit = notice.visit
    own = zone_of(recipient.timezone, visit.timezone if visit else "")
    formats = Formats(locale, own)
    facts = {name: line(value) for name, value in notice.facts.items()}
    fields = {"reason": "", "customer": "", "url": ""} | facts
    fields |= {"name": line(recipient.name), "about": str(notice.about)}
    fields["until"] = formats.moment(notice.until) if notice.until else ""
    return fields | (formats.visit(visit, notice.fee) if visit else {})


def line(text: str) -> str:
    """One line of plain text, without control and direction characters."""
    return " ".join("".join(_harmless(text)).split())


def _harmless(text: str) -> Iterator[str]:
    for each in text:
        kind = unicodedata.category(each)
        if kind not in {"Cc", "Cf", "Cs", "Zl", "Zp"} or each in _JOINERS:
            yield each
        elif kind != "Cf":
            yield " "


def _spaced(text: str) -> str:
    """The text with no-break spaces that the fonts of all mail readers have."""
    return text.replace("\u202f", "\u00a0")


def _may_cancel(visit: AppointmentDetails) -> str:
    """The sentence about cancelling that applies."""
    if visit.late_fee == 0:
        return "anytime"
    if visit.cancel_until is None:
        return "too-late" if visit.late_fee is None else "fee"
    if visit.cancel_until == visit.starts_at:
        return "anytime"
    return "until" if visit.late_fee is None else "until-free"


class Formats:
    """Formats dates, times, lengths and money for a locale, in a time zone."""

    def __init__(self, locale: Locale, zone: ZoneInfo) -> None:
        self._locale = locale
        self._zone = zone

    def visit(self, visit: AppointmentDetails, fee: int) -> dict[str, str]:
        start, theirs = visit.starts_at.astimezone(self._zone), zone_of(visit.timezone)
        there = visit.starts_at.astimezone(theirs)
        elsewhere = there.utcoffset() != start.utcoffset()
        named = elsewhere or self._zone.key != theirs.key or self._changes(visit)
        return {
            "service": line(visit.service),
            "provider": line(visit.provider),
            "address": line(visit.address),
            "when": f"{self.day(start)}, {self._times(visit)}",
            "date": format_skeleton("MMMMd", start, locale=self._locale),
            "time": self.time(start),
            "zone": self._name(start) if named else "",
            "there": f"{self.day(there)}, {self.time(there)} ({self._name(there)})" if elsewhere else "",
            "duration": self.duration(visit.ends_at - visit.starts_at),
            "price": self.money(visit.price, visit.currency) if visit.price else "",
            "cancel_until": self.moment(visit.cancel_until) if visit.cancel_until else "",
            "late_fee": self.money(visit.late_fee, visit.currency) if visit.late_fee else "",
            "may_cancel": _may_cancel(visit),
            "fee": self.money(fee, visit.currency) if fee else "",
        }

    def _times(self, visit: AppointmentDetails) -> str:
        start, end = visit.starts_at.astimezone(self._zone), visit.ends_at.astimezone(self._zone)
        if start.date() == end.date():
            return f"{self.time(start)} – {self.time(end)}"  # noqa: RUF001  a dash between times is this one
        return f"{self.time(start)} – {self.day(end)}, {self.time(end)}"  # noqa: RUF001

    def _changes(self, visit: AppointmentDetails) -> bool:
        """Whether clocks change during the visit, or show its start twice that day."""
        start, end = visit.starts_at.astimezone(self._zone), visit.ends_at.astimezone(self._zone)
        twice = start.replace(fold=0).utcoffset() != start.replace(fold=1).utcoffset()
        return twice or start.utcoffset() != end.utcoffset()

    def day(self, local: datetime) -> str:
        return _spaced(format_date(local, "full", locale=self._locale))

    def time(self, local: datetime) -> str:
        return _spaced(format_time(local, "short", locale=self._locale))

    def moment(self, moment: datetime) -> str:
        local = moment.astimezone(self._zone)
        return f"{_spaced(format_date(local, 'long', locale=self._locale))}, {self.time(local)}"

    def duration(self, length: timedelta) -> str:
        left, parts = int(length.total_seconds()) // 60, []
        for unit, size in _UNITS:
            count, left = divmod(left, size)
            if count:
                parts.append(format_unit(count, f"duration-{unit}", "long", locale=self._locale))
        return " ".join(parts)

    def money(self, minor: int, currency: str) -> str:
        return money_text(minor, currency, self._locale)

    def _name(self, local: datetime) -> str:
        return get_timezone_name(local, locale=self._locale)
