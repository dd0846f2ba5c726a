"""Customers: who books, or for whom staff book."""

from collections.abc import Mapping
from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field

from application.people.customer import (
    ChangeCustomer,
    CreateCustomer,
    DeleteCustomer,
    change_customer,
    create_customer,
    delete_customer,
)
from domain.errors import NotFound
from domain.kernel import new_id
from domain.people.customer import Customer, CustomerDetails
from interfaces.http.framework.fields import (
    Body,
    Change,
    Name,
    Paging,
    Resource,
    Shape,
    Text,
    Zone,
    absent,
)
from interfaces.http.framework.paging import page, sealed
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import ended, listed, seen, written
from interfaces.http.framework.routing import Route
from projections.read_models import customer
from projections.read_models.customer import ListedCustomer

router = APIRouter(prefix="/v1/customers", tags=["customers"], route_class=Route)

Email = Annotated[
    str,
    Field(max_length=254, pattern=r"^[^@\s\x00-\x1F\x7F]+@[^@\s\x00-\x1F\x7F]+$", examples=["ada@example.org"]),
]
Phone = Annotated[str, Field(pattern=r"^\+?[0-9 ()./-]{3,32}$", examples=["+33 1 23 45 67 89"])]


class CustomerBody(Body):
    """Who books. A customer registers under the own account's id; staff make guests."""

    name: Name
    email: Email | None = None
    phone: Phone | None = None
    timezone: Zone | None = None
    note: Text = ""


class NewCustomer(CustomerBody):
    """`organization_id`: one of the caller's, whose members are to know the guest too."""

    organization_id: UUID | None = None


class CustomerChange(Change, CustomerBody):
    """Only the fields given are changed; null clears an optional one."""

    name: Name = absent()
    note: Text = absent()


class CustomerShown(Resource):
    """Somebody who books, unless `deleted`."""

    name: str
    email: str | None
    phone: str | None
    timezone: str | None
    note: str
    organization_id: UUID | None
    deleted: bool


class CustomerPage(Shape):
    items: list[CustomerShown]
    next: str | None


class CustomerFilters(Paging):
    """Customers by name; of staff, those whom they or their colleagues made or host."""


def shown(customer: Customer | ListedCustomer) -> Mapping[str, Any]:
    """A customer as answered."""
    return {
        "id": customer.id,
        "version": customer.version,
        "name": customer.name,
        "email": customer.email,
        "phone": customer.phone,
        "timezone": customer.timezone,
        "note": customer.note,
        "organization_id": customer.organization_id,
        "deleted": customer.deleted,
    }


def location(customer: Customer) -> str:
    return f"/v1/customers/{customer.id}"


@router.post("", operation_id="create_customer", status_code=201, response_model=CustomerShown)
async def create(ask: RequestContext, body: NewCustomer) -> Response:
    """Register the caller as a customer; staff make a guest."""
    command = CreateCustomer(
        **ask.command(),
        id=new_id(),
        details=cast("CustomerDetails", body.model_dump(exclude={"organization_id"})),
        organization_id=body.organization_id,
        address=await ask.address_of(body.email),
    )
    return written(await create_customer(command, ask.ports.store), shown, location)


@router.get("", operation_id="list_customers", response_model=CustomerPage)
async def find(ask: RequestContext, filters: Annotated[CustomerFilters, Query()]) -> Response:
    """List the customers the caller may know of."""
    async with ask.look("customer") as read:
        rows, bookmark = await customer.find(read, page(ask, filters), owner=ask.owner)
    return listed([shown(row) for row in rows], sealed(ask, filters, bookmark), read.position)


@router.get("/{customer_id}", operation_id="get_customer", response_model=CustomerShown)
async def get(ask: RequestContext, customer_id: UUID) -> Response:
    """Show a customer."""
    async with ask.look("customer") as read:
        row = await customer.get(read, customer_id, owner=ask.owner)
    if row is None:
        raise NotFound("customer", customer_id)
    return seen(ask.given, row.version, shown(row), read.position)


@router.put("/{customer_id}", operation_id="replace_customer", response_model=CustomerShown)
async def replace(ask: RequestContext, customer_id: UUID, body: CustomerBody) -> Response:
    """Replace all the details."""
    return await _changed(ask, customer_id, body.model_dump())


@router.patch("/{customer_id}", operation_id="change_customer", response_model=CustomerShown)
async def change(ask: RequestContext, customer_id: UUID, body: CustomerChange) -> Response:
    """Change some of the details."""
    return await _changed(ask, customer_id, body.model_dump(exclude_unset=True))


async def _changed(ask: RequestContext, customer_id: UUID, details: Mapping[str, Any]) -> Response:
    address = await ask.address_of(details.get("email"))
    command = ChangeCustomer(**ask.command(), customer_id=customer_id, details=details, address=address)
    return written(await change_customer(command, ask.ports.store), shown)


@router.delete("/{customer_id}", operation_id="delete_customer", status_code=204)
async def delete(ask: RequestContext, customer_id: UUID) -> Response:
    """End a customer for the future; history stays."""
    command = DeleteCustomer(**ask.command(), customer_id=customer_id)
    return ended(await delete_customer(command, ask.ports.store))
