"""Formatting for mails: dates, times and money in the recipient's language and time zone."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time, get_timezone_location
from babel.units import format_unit

from application.notifications.appointment_details import AppointmentDetails, FormerPlace
from application.notifications.notice import Notice
from application.notifications.recipient import Recipient, zone_of
from infrastructure.mail.money import money_text

WORLD = Locale.parse("en_001")
"""International English: days before months."""
_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}")
_JOINERS = {"\u200c", "\u200d"}  # joiners shape words and compose emoji
_SPACES = re.compile(" {2,}")  # no-break spaces stay
_LETTER_BY_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)")
_OF_THE_YEAR = "\u00a0\u0433."  # in Russian dates; its dot would stand beside that of the sentence
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


def template_fields(
    notice: Notice, recipient: Recipient, locale: Locale, words: Mapping[str, Any]
) -> Mapping[str, str]:
    """The fields of the notices' templates; empty text for a missing value. `words`: those of the mail's language."""
    visit = notice.visit
    formats = Formats(locale, zone_of(recipient.timezone, visit.timezone if visit else ""), words)
    fields = {"reason": "", "customer": "", "url": "", "by": "", "why": "", **notice.facts}
    fields |= {"name": recipient.name, "about": str(notice.about), "until": ""}
    if visit is None:
        return fields
    if notice.until:
        fields["until"] = formats.moment(notice.until, beside=visit.starts_at)
    shown = formats.visit(visit, notice.fee)
    fields["when"] = f"{shown['date']}, {shown['times']}"
    return {**fields, **shown, **formats.former(visit, notice.former)}


def line(text: str) -> str:
    """One line of plain text, without control and direction characters."""
    return _SPACES.sub(" ", "".join(_harmless(text))).strip()


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


def _change(visit: AppointmentDetails) -> str:
    """What the customer can do now: both, cancel, move or neither."""
    if _may_cancel(visit) == "too-late":
        return "move" if visit.may_move else "neither"
    return "both" if visit.may_move else "cancel"


class Formats:
    """Formats for a locale, in a time zone. `words`: those of the language, for zones and moments."""

    def __init__(self, locale: Locale, zone: ZoneInfo, words: Mapping[str, Any]) -> None:
        self._locale = locale
        self._zone = zone
        self._words = words

    def visit(self, visit: AppointmentDetails, fee: int) -> dict[str, str]:
        start, theirs = visit.starts_at.astimezone(self._zone), zone_of(visit.timezone)
        there = visit.starts_at.astimezone(theirs)
        elsewhere = there.utcoffset() != start.utcoffset()
        named = elsewhere or self._zone.key != theirs.key or self._changes(visit)
        return {
            "service": visit.service,
            "provider": visit.provider,
            "address": visit.address,
            "contact": ", ".join(filter(None, (visit.phone, visit.email))),
            "email": visit.email,
            "date": self.date(start),
            "times": self.times(visit.starts_at, visit.ends_at),
            "starts": f"{self.date(start)}, {self.time(start)}",
            "day": self.day(start),
            "time": self.time(start),
            "zone": self._name(start) if named else "",
            "there": f"{self.date(there)}, {self.time(there)}" if elsewhere else "",
            "there_zone": self._name(there) if elsewhere else "",
            "duration": self.duration(visit.ends_at - visit.starts_at),
            "price": self._price(visit.price, visit),
            "fee": self._price(fee, visit),
            **self._terms(visit),
        }

    def _terms(self, visit: AppointmentDetails) -> dict[str, str]:
        """What the customer can do, until when, and for how much."""
        until = visit.cancel_until
        return {
            "cancel_until": self.moment(until, beside=visit.starts_at) if until else "",
            "late_fee": self._price(visit.late_fee, visit),
            "may_cancel": _may_cancel(visit),
            "change": _change(visit),
        }

    def _price(self, amount: int | None, visit: AppointmentDetails) -> str:
        return self.money(amount, visit.currency) if amount else ""

    def former(self, visit: AppointmentDetails, former: FormerPlace | None) -> dict[str, str]:
        """Time and provider before a move, where they are others."""
        fields = {"old_when": "", "old_provider": ""}
        if former is None:
            return fields
        if former.starts_at != visit.starts_at:
            start = former.starts_at.astimezone(self._zone)
            fields["old_when"] = f"{self.date(start)}, {self.time(start)}"
        if former.provider != visit.provider:
            fields["old_provider"] = former.provider
        return fields

    def local_day(self, moment: datetime) -> str:
        """As `day`, of the instant in the zone."""
        return self.day(moment.astimezone(self._zone))

    def times(self, starts_at: datetime, ends_at: datetime) -> str:
        """Start and end, which has a date of its own if that is another."""
        start, end = starts_at.astimezone(self._zone), ends_at.astimezone(self._zone)
        until = self.time(end) if start.date() == end.date() else f"{self.date(end)}, {self.time(end)}"
        range_pattern: str = self._words["range"]
        return range_pattern % {"start": self.time(start), "end": until}

    def _changes(self, visit: AppointmentDetails) -> bool:
        """Whether clocks change during the visit, or show its start twice that day."""
        start, end = visit.starts_at.astimezone(self._zone), visit.ends_at.astimezone(self._zone)
        twice = start.replace(fold=0).utcoffset() != start.replace(fold=1).utcoffset()
        return twice or start.utcoffset() != end.utcoffset()

    def date(self, local: datetime) -> str:
        """The date in full, with the day of the week."""
        return _spaced(format_date(local, "full", locale=self._locale))

    def day(self, local: datetime) -> str:
        """A short date for subjects: Mon 30 Nov."""
        return _spaced(format_skeleton("MMMEd", local, locale=self._locale)).replace(", ", " ")

    def time(self, local: datetime) -> str:
        return _spaced(format_time(local, "short", locale=self._locale))

    def moment(self, moment: datetime, *, beside: datetime | None = None) -> str:
        """Date and time. Without the year if it is that of `beside`, which the mail shows in full."""
        local = moment.astimezone(self._zone)
        same = beside is not None and beside.astimezone(self._zone).year == local.year
        date = format_skeleton("MMMMd" if same else "yMMMMd", local, locale=self._locale)
        date = _spaced(date).removesuffix(_OF_THE_YEAR)
        moment_pattern: str = self._words["moment"]
        return moment_pattern % {"date": date, "time": self.time(local)}

    def moment_and_offset(self, moment: datetime) -> str:
        """As `moment`, with the year, and the offset from UTC, for mails that name no other time."""
        return f"{self.moment(moment)} ({_offset(moment.astimezone(self._zone))})"

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
        """The zone as people know it: its city, and the offset on that day."""
        if self._city(local) in {"UTC", ""}:
            return _offset(local)
        zone_pattern: str = self._words["zone"]
        return zone_pattern % {"city": self._city(local), "offset": _offset(local)}

    def _city(self, local: datetime) -> str:
        zone = local.tzinfo
        if not isinstance(zone, ZoneInfo) or "/" not in zone.key or zone.key.startswith("Etc/"):
            return ""  # such as UTC or CET
        return get_timezone_location(zone, locale=self._locale, return_city=True)


def _offset(local: datetime) -> str:
    """UTC, UTC+1, UTC\u22125:30."""
    minutes = round((local.utcoffset() or timedelta()).total_seconds() / 60)
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    sign = "+" if minutes > 0 else "\u2212"
    return f"UTC{sign}{hours}" + (f":{rest:02}" if rest else "")
