"""Every door at which an e-mail address is said refuses the addresses that mail can't go to, in the same way."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from interfaces.http.app import ROUTERS
from interfaces.http.framework.parameters import parameters_of
from interfaces.http.framework.routing import Route
from interfaces.http.identity.password import RequestPasswordResetBody
from tests.interfaces.http.town import Town, pointers

DOORS = {
    body[1].__name__: body[1]
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, Route) and (body := parameters_of(route.endpoint).body)
    if issubclass(body[1], BaseModel) and any("email" in name for name in body[1].model_fields)
    if body[1] is not RequestPasswordResetBody  # an address that is looked up: no mail goes to one that is unknown
}
UNDELIVERABLE = ("x@b.example,postmaster", "x@b.example, y@b.example", "ada@localhost", "jörg@example.org", "a\r\n@b.c")


def refused(door: type[BaseModel], email: str) -> bool:
    said: dict[str, Any] = {"email": email}
    try:
        door.model_validate(said)
    except ValidationError as error:
        return any(each["loc"] == ("email",) for each in error.errors())
    return False


def test_the_doors_are_known() -> None:
    assert len(DOORS) >= 13
    assert {name for door in DOORS.values() for name in door.model_fields if "email" in name} == {"email"}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("email", UNDELIVERABLE)
def test_no_door_takes_what_mail_can_not_go_to(door: str, email: str) -> None:
    assert refused(DOORS[door], email)
    assert not refused(DOORS[door], "ida@bücher.example")


async def test_staff_enter_no_guest_with_two_addresses_in_one(village: Town) -> None:
    said = {"name": "Guest", "email": "x@b.example,postmaster"}
    assert pointers(await village.api.post("/v1/customers", said, village.owner)) == ["/email"]
