"""The organizations of the demo year, with their chairs, and the customers who found their way to them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, cycle
from uuid import UUID

from application.access import Caller, Role
from application.catalog.organization import CreateOrganization, create_organization
from application.people.customer import CreateCustomer, create_customer
from interfaces.demo.charter import Act, Charter
from interfaces.demo.customer import names_of
from interfaces.demo.places import PLACES, DemoShop
from interfaces.demo.shop import DemoCalendar, chairs

HOUSES = (
    DemoShop("Salon Käthe", "hair", "berlin", "shop", ("Käthe", "Meral", "Jörg")),
    DemoShop("Wexcombe Physiotherapy", "physio", "london", "practice", ("Harriet", "Rohan")),
    DemoShop("Yoga Niamh", "yoga", "dublin", "classes", ("Niamh",)),
)
PEOPLE = 150
"""Customers of a house over the year, the last of whom comes when all else is done."""
_REGULARS = 60  # who are there from the beginning


@dataclass(frozen=True, slots=True)
class Visitor:
    """A customer of a house. `since`, `until`: from when on, and how long, they come; `keen`: how often."""

    id: UUID
    name: str
    house: int
    since: datetime
    until: datetime
    keen: float

    @property
    def caller(self) -> Caller:
        return Caller(self.id, Role.CUSTOMER, means="demo")


def house_calendars(charter: Charter) -> list[list[DemoCalendar]]:
    """The chairs of each house."""
    return [
        list(chairs(charter, shop, "year", n, organization_id=charter.id("organization", "year", n)))
        for n, shop in enumerate(HOUSES)
    ]


def foundings(charter: Charter, houses: Sequence[Sequence[DemoCalendar]]) -> Iterator[Act]:
    """The organizations, before their providers join."""
    for n, (shop, calendars) in enumerate(zip(HOUSES, houses, strict=True)):
        id, owner = charter.id("organization", "year", n), calendars[0].owner
        profile = {"name": shop.name, "timezone": PLACES[shop.place].zone, "bio": None, "address": None}
        does = create_organization, CreateOrganization
        at = charter.founded + timedelta(minutes=30 + n)
        yield charter.act(at, owner.account, (id, 1), does, owner, id=id, profile=profile)


def visitors(charter: Charter) -> list[Visitor]:
    """All customers in the order of their arrival, house by house. No person has an address to write to."""
    names = cycle(chain.from_iterable(names_of(charter, place) for place in PLACES))
    return [_visitor(charter, house, n, next(names)) for house in range(len(HOUSES)) for n in range(PEOPLE)]


def _visitor(charter: Charter, house: int, number: int, name: str) -> Visitor:
    id = charter.id("customer", "year", house, number)
    dice = charter.random("visitor", id)
    late = max(0, number - _REGULARS) / (PEOPLE - _REGULARS)
    since = charter.founded + timedelta(minutes=number) + late * (charter.history - timedelta(days=20))
    stays = timedelta(days=30 + dice.expovariate(1 / 400))
    return Visitor(id, name, house, since.replace(microsecond=0), since + stays, dice.paretovariate(1.6))


def arrival(charter: Charter, visitor: Visitor) -> Act:
    """The customer registers."""
    zone = PLACES[HOUSES[visitor.house].place].zone
    details = {"name": visitor.name, "email": None, "phone": None, "timezone": zone, "note": ""}
    does = create_customer, CreateCustomer
    id, by = visitor.id, visitor.caller
    return charter.act(visitor.since, id, (id, 1), does, by, id=id, details=details)
