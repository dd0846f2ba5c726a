"""The customers of the demo town, in the order of their arrival."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from uuid import UUID

from application.access import Caller, Role
from application.people.customer import CreateCustomer, create_customer
from interfaces.demo.charter import Act, Charter
from interfaces.demo.places import PLACES
from interfaces.demo.shop import DemoCalendar

PEOPLE = 300


@dataclass(frozen=True, slots=True)
class Person:
    """A customer. Guests have no account: staff of `host` made them and book for them."""

    id: UUID
    name: str
    home: str
    host: Caller
    guest: bool

    @property
    def caller(self) -> Caller:
        return Caller(self.id, Role.CUSTOMER, means="demo")


def people(charter: Charter, everybody: Sequence[DemoCalendar]) -> list[Person]:
    """The customers in the order of their arrival, distributed over the world like the providers."""
    names = {place: names_of(charter, place) for place in PLACES}
    return [
        Person(charter.id("customer", n), next(names[host.shop.place]), host.shop.place, host.owner, n % 9 == 4)
        for n in range(PEOPLE)
        for host in [everybody[n % len(everybody)]]
    ]


def names_of(charter: Charter, key: str) -> Iterator[str]:
    """The names of people of a place."""
    place = PLACES[key]
    pairs = list(product(place.given.split(), place.family.split()))
    charter.random("names", key).shuffle(pairs)
    for given, family in pairs:
        name = f"{family} {given}" if place.family_first else f"{given} {family}"
        yield name.replace("_", " ")


def arrival(charter: Charter, number: int, person: Person) -> Act:
    """The customer registers: the first one founds the town, the last one comes today."""
    details = {
        "name": person.name,
        "email": None if person.guest else f"customer{number:03}@example.org",
        "phone": None,
        "timezone": PLACES[person.home].zone,
        "note": "",
    }
    by = person.host if person.guest else person.caller
    at = charter.today if number == PEOPLE - 1 else charter.founded + timedelta(minutes=7 * number)
    does = create_customer, CreateCustomer
    return charter.act(at, person.id, (person.id, 1), does, by, id=person.id, details=details)
