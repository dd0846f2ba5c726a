"""The providers of the demo town, their opening hours and services."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from random import Random
from typing import Any
from uuid import UUID

from application.access import Caller, Role
from application.catalog.provider import CreateProvider, create_provider
from application.catalog.service import CreateService, create_service
from application.catalog.tag import CreateTag, create_tag
from application.event_log import Command
from application.scheduling.schedule import (
    ReplaceOverride,
    ReplaceSchedule,
    TakeTimeOff,
    replace_override,
    replace_schedule,
    take_time_off,
)
from domain.catalog.tag import Tag
from domain.scheduling.interval import Interval
from domain.scheduling.opening_hours import OpeningHours, window
from domain.scheduling.schedule import Schedule, hours_of
from domain.scheduling.wallclock import day_bounds, local_date, zone
from interfaces.demo.charter import AHEAD, Act, Charter, Handler, admin
from interfaces.demo.places import PLACES, SHOPS, DemoPlace, DemoShop
from interfaces.demo.trades import CURRENCIES, HOURS, TAGS, TRADES

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class DemoCalendar:
    """A provider as the generator knows it: its owner, place and hours. `services`: id -> terms.

    `organization_id`: of the owner's organization; None: the owner has none.
    """

    provider_id: UUID
    name: str
    owner: Caller
    shop: DemoShop
    hours: OpeningHours
    closings: Sequence[tuple[Interval, str]]
    services: dict[UUID, dict[str, Any]]
    organization_id: UUID | None = None

    @property
    def home(self) -> DemoPlace:
        return PLACES[self.shop.place]


def calendars(charter: Charter) -> list[DemoCalendar]:
    """All providers."""
    return [calendar for number, shop in enumerate(SHOPS) for calendar in chairs(charter, shop, number)]


def chairs(
    charter: Charter, shop: DemoShop, *key: object, organization_id: UUID | None = None
) -> Iterator[DemoCalendar]:
    """The providers of a shop. `key`: names it among all shops."""
    names = [f"{shop.name}: {chair}" for chair in shop.chairs] or [shop.name]
    ids = [charter.id("provider", *key, n) for n in range(len(names))]
    owner = Caller(charter.id("owner", *key), Role.PROVIDER, means="demo")
    organization = {"organization_id": organization_id and str(organization_id)}
    services = {
        charter.id("service", *key, n): _terms(charter, shop, offering, ids) | organization
        for n, offering in enumerate(TRADES[shop.trade])
    }
    for id, name in zip(ids, names, strict=True):
        hours, closings = _opening(charter, shop, charter.random("hours", id))
        yield DemoCalendar(id, name, owner, shop, hours, closings, services, organization_id)


def _terms(charter: Charter, shop: DemoShop, offering: dict[str, Any], ids: Sequence[UUID]) -> dict[str, Any]:
    currency = PLACES[shop.place].currency
    units, unit = CURRENCIES[currency]
    terms = {name: value for name, value in offering.items() if name not in {"euros", "fee"}}
    price = round(offering["euros"] * units / unit) * unit
    fee = offering["fee"]
    if terms["window"] == {"kind": "fixed"}:
        last = charter.today + 2 * AHEAD
        terms["window"] = {"kind": "fixed", "from": f"{charter.founded:%F}", "to": f"{last:%F}"}
    return {
        **terms,
        "provider_id": str(ids[0]) if len(ids) == 1 else None,
        "provider_ids": [str(id) for id in ids],
        "organization_id": None,
        "price": price,
        "currency": currency,
        "late_cancel": "refuse" if fee is None else "fee",
        "late_fee": None if fee is None else price * fee // 100,
        "hours": _weekly(offering["hours"]) if offering["hours"] else None,
        "tags": [shop.trade, *offering["tags"]],
    }


def _weekly(written: str) -> dict[str, list[list[int]]]:
    """From 'mon-fri 09:00-12:00 13:00-17:00, sat ...' to minutes by weekday."""
    weekly: dict[str, list[list[int]]] = {}
    for part in written.split(", "):
        days, *windows = part.split()
        first, _, last = days.partition("-")
        start = _WEEKDAYS.index(first)
        for n in range((_WEEKDAYS.index(last or first) - start) % 7 + 1):
            weekly[str((start + n) % 7)] = [list(window(*clock.split("-"))) for clock in windows]
    return weekly


def _opening(charter: Charter, shop: DemoShop, dice: Random) -> tuple[OpeningHours, list[tuple[Interval, str]]]:
    """Weekly hours, a few overrides, past and future time off."""
    tz = zone(PLACES[shop.place].zone)
    first = local_date(charter.founded, tz)
    length = (charter.history + AHEAD).days
    different = {
        (first + timedelta(days=n)).isoformat(): dice.choice([[], [], [[600, 780]], [[840, 1200]]])
        for n in dice.sample(range(3, length), dice.randint(1, 4))
    }
    closings = []
    for reason, since, until, longest in (("Holiday", 10, 80, 9), ("Away at a fair", 105, length, 3)):
        if dice.random() < 0.6:
            start = first + timedelta(days=dice.randrange(since, until))
            end = start + timedelta(days=dice.randint(1, longest))
            closings.append((Interval(day_bounds(start, tz).start, day_bounds(end, tz).start), reason))
    weekly = _weekly(HOURS[shop.hours])
    return hours_of(tz.key, weekly, different, [off for off, _ in closings]), closings


def tags(charter: Charter) -> Iterator[Act]:
    """The tags, created before a service uses them."""
    for n, (slug, name) in enumerate(TAGS.items()):
        id, at = Tag.id_of(slug), charter.founded + timedelta(minutes=n)
        yield charter.act(at, id, (id, 1), (create_tag, CreateTag), admin(charter.seed), slug=slug, name=name)


def openings(charter: Charter, everybody: Sequence[DemoCalendar]) -> Iterator[Act]:
    """Providers, their hours, and what they offer; all of one owner in one lane."""
    minutes = count(60)
    for calendar in everybody:
        for place, does, fields in [*_joining(charter, calendar), *_offering(calendar, everybody)]:
            at = charter.founded + timedelta(minutes=next(minutes))
            yield charter.act(at, calendar.owner.account, place, does, calendar.owner, **fields)


Founding = tuple[tuple[UUID, int], tuple[Handler, type[Command]], dict[str, Any]]


def _joining(charter: Charter, calendar: DemoCalendar) -> Iterator[Founding]:
    id, hours = calendar.provider_id, calendar.hours
    schedule, steps = Schedule.id_of(id), count(2)
    yield (id, 1), (create_provider, CreateProvider), {"id": id, "profile": _profile(charter, calendar)}
    weekly = {str(day): [list(w) for w in windows] for day, windows in hours.weekly.items()}
    fields = {"calendar_id": id, "timezone": hours.timezone, "weekly": weekly}
    yield (schedule, next(steps)), (replace_schedule, ReplaceSchedule), fields
    for day, windows in hours.overrides.items():
        fields = {"calendar_id": id, "date": day, "hours": [list(w) for w in windows]}
        yield (schedule, next(steps)), (replace_override, ReplaceOverride), fields
    for n, (off, reason) in enumerate(calendar.closings):
        fields = {"calendar_id": id, "id": charter.id("time off", id, n), "off": off, "reason": reason}
        yield (schedule, next(steps)), (take_time_off, TakeTimeOff), fields


def _offering(calendar: DemoCalendar, everybody: Sequence[DemoCalendar]) -> Iterator[Founding]:
    """The services of a shop, which the last of its calendars offers."""
    last = [other for other in everybody if other.owner == calendar.owner][-1]
    for id, terms in calendar.services.items() if calendar is last else ():
        yield (id, 1), (create_service, CreateService), {"id": id, "terms": terms}


def _profile(charter: Charter, calendar: DemoCalendar) -> dict[str, Any]:
    home, dice = calendar.home, charter.random("profile", calendar.provider_id)
    lat, lon = (round(at + dice.uniform(-0.04, 0.04), 5) for at in (home.lat, home.lon))
    return {
        "name": calendar.name,
        "timezone": home.zone,
        "organization_id": calendar.organization_id and str(calendar.organization_id),
        "bio": f"{TAGS[calendar.shop.trade]}, {home.town}",
        "address": f"{home.street} {dice.randint(1, 140)}, {home.town}",
        "location": {"lat": lat, "lon": lon},
        "tags": [calendar.shop.trade],
    }
