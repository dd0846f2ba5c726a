"""A zone as calendars describe it: two parsers read the same offsets from it that the zone has."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from dateutil.tz import tzical
from icalendar import Calendar

from infrastructure.mail.calendar_timezone import timezone_of

FIRST, LAST = datetime(2025, 10, 1, tzinfo=UTC), datetime(2027, 12, 1, tzinfo=UTC)
ZONES = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Asuncion",
    "America/Havana",
    "America/New_York",
    "America/Santiago",
    "America/Scoresbysund",
    "America/St_Johns",
    "America/Vancouver",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Kolkata",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/London",
    "Pacific/Apia",
    "Pacific/Auckland",
    "Pacific/Chatham",
]


def described(zone: str) -> str:
    calendar = Calendar()
    calendar.add("prodid", "-//tests//EN")
    calendar.add("version", "2.0")
    calendar.add_component(timezone_of(ZoneInfo(zone), FIRST, LAST))
    text: str = calendar.to_ical().decode()
    return text


def by_icalendar(zone: str) -> tzinfo:
    found: tzinfo = Calendar.from_ical(described(zone)).timezones[0].to_tz(lookup_tzid=False)
    return found


def by_dateutil(zone: str) -> tzinfo:
    found = tzical(StringIO(described(zone))).get(zone)  # type: ignore[no-untyped-call]
    assert isinstance(found, tzinfo)
    return found


def unambiguous(zone: ZoneInfo) -> Iterator[datetime]:
    """Times that the zone's clocks show once: each half hour within a day of a change, otherwise every seven hours."""
    moment = FIRST + timedelta(days=2)
    while moment < LAST - timedelta(days=2):
        local = moment.astimezone(zone)
        if local.utcoffset() == local.replace(fold=not local.fold).utcoffset():
            yield local
        day = timedelta(days=1)
        near = {each.astimezone(zone).utcoffset() for each in (moment - day, moment, moment + day)}
        moment += timedelta(minutes=30) if len(near) > 1 else timedelta(hours=7)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("parsed", [by_icalendar, by_dateutil])
def test_a_parser_reads_the_offsets_of_the_zone(zone: str, parsed: object) -> None:
    read = parsed(zone)  # type: ignore[operator]
    wrong = [
        local
        for local in unambiguous(ZoneInfo(zone))
        if local.replace(tzinfo=read, fold=0).utcoffset() != local.utcoffset()
    ]
    assert wrong == []


@pytest.mark.parametrize("zone", ZONES)
def test_each_change_is_written_in_the_offset_before_it(zone: str) -> None:
    (there,) = Calendar.from_ical(described(zone)).walk("VTIMEZONE")
    for change in there.subcomponents:
        before, after = change["TZOFFSETFROM"].td, change["TZOFFSETTO"].td
        instant = (change["DTSTART"].dt - before).replace(tzinfo=UTC)
        offsets = [each.astimezone(ZoneInfo(zone)).utcoffset() for each in (instant - timedelta(seconds=1), instant)]
        assert offsets == [before, after]


def test_the_clocks_of_berlin_change_at_two_and_at_three() -> None:
    text = described("Europe/Berlin")
    for onset in ("DTSTART:20260329T020000", "DTSTART:20261025T030000"):
        assert onset in text
