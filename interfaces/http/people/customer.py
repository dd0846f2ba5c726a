"""Routes of customers: the people who book, and guests that staff book for."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from fastapi import Query, Response

from application.customer_record import current_record
from application.ending import EndingKind
from application.event_log import CommandResult
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
from interfaces.http.booking.appointments_ahead import EndingQuery, EndingResponse, ended
from interfaces.http.framework.details.contact import EmailAddress, Phone
from interfaces.http.framework.details.external import ExternalId, Metadata
from interfaces.http.framework.fields import (
    Body,
    Change,
    Name,
    Paging,
    Resource,
    Shape,
    Text,
    Words,
    Zone,
    absent,
)
from interfaces.http.framework.paging import next_cursor, page
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import command_response, page_response, resource_response
from interfaces.http.framework.routing import Router
from interfaces.http.vocabulary.enum_name import EnumName
from projections.read_models import customer
from projections.read_models.customer import ListedCustomer
from projections.search.customer_duplicates import CustomerDuplicate, alike

router = Router("/v1/customers", "customers")


class ReplaceCustomerBody(Body):
    """A customer's details. A customer's id is their account's; staff create guests."""

    name: Name
    email: EmailAddress | None = None
    phone: Phone | None = None
    timezone: Zone | None = None
    note: Text = ""
    external_id: ExternalId | None = None
    metadata: Metadata = {}


class CreateCustomerBody(ReplaceCustomerBody):
    """`organization_id`: one of the caller's organizations, whose members see the guest too."""

    organization_id: UUID | None = None


class ChangeCustomerBody(Change, ReplaceCustomerBody):
    """Only the given fields change; null clears an optional one."""

    name: Name = absent()
    note: Text = absent()
    staff_note: Text = absent()
    metadata: Metadata = absent()


class CustomerResponse(Resource):
    """A customer, who can book unless `deleted`. `staff_note`: there for those alone who keep the record."""

    name: str
    email: str | None
    phone: str | None
    timezone: str | None
    note: str
    external_id: str | None
    metadata: dict[str, str]
    organization_id: UUID | None
    deleted: bool
    staff_note: str = absent()


class CustomerPage(Shape):
    items: list[CustomerResponse]
    next: str | None


class CustomerDuplicateResponse(CustomerResponse):
    """A customer who may be the same person. `alike`: what both have in common."""

    alike: list[Annotated[Literal["name", "email", "phone"], EnumName("CustomerLikeness")]]


class CustomerDuplicatePage(Shape):
    items: list[CustomerDuplicateResponse]
    next: str | None


class CustomerDuplicateFilters(Paging):
    """Customers in the order of their names."""


class CustomerFilters(Paging):
    """Customers in the order of their names; for staff, their organizations' guests and visitors."""

    q: Words | None = None
    external_id: ExternalId | None = None


def customer_response(customer: Customer | ListedCustomer) -> Mapping[str, Any]:
    """A customer as JSON. Only a read model knows whether the caller may see the staff note."""
    noted = isinstance(customer, ListedCustomer) and customer.for_staff
    return {
        "id": customer.id,
        "version": customer.version,
        "name": customer.name,
        "email": customer.email,
        "phone": customer.phone,
        "timezone": customer.timezone,
        "note": customer.note,
        "external_id": customer.external_id,
        "metadata": customer.metadata,
        "organization_id": customer.organization_id,
        "deleted": customer.deleted,
        **({"staff_note": customer.staff_note} if noted else {}),
    }


def noted_response(customer: Customer) -> Mapping[str, Any]:
    """A customer as JSON, for a caller who has just written the staff note."""
    return {**customer_response(customer), "staff_note": customer.staff_note}


def location(customer: Customer) -> str:
    return f"/v1/customers/{customer.id}"


@router.post("", "create_customer", CustomerResponse, status=201)
async def create(request: RequestContext, body: CreateCustomerBody) -> Response:
    """Create the caller's customer, or a guest if the caller is staff."""
    command = CreateCustomer(
        **request.command(),
        id=new_id(),
        details=cast("CustomerDetails", body.model_dump(exclude={"organization_id"})),
        organization_id=body.organization_id,
        address=await request.address_of(body.email),
    )
    return command_response(await create_customer(command, request.ports.store), customer_response, location)


@router.get("", "list_customers", CustomerPage)
async def find(request: RequestContext, filters: Annotated[CustomerFilters, Query()]) -> Response:
    """List the customers that the caller may see."""
    narrow = filters.model_dump(include={"q", "external_id"})
    async with request.snapshot("customer") as read:
        rows, bookmark = await customer.find(read, page(request, filters), owner=request.owner, **narrow)
    return page_response(
        [customer_response(row) for row in rows], next_cursor(request, filters, bookmark), read.position
    )


@router.get("/{customer_id}", "get_customer", CustomerResponse)
async def get(request: RequestContext, customer_id: UUID) -> Response:
    """Get a customer. The id of one that was merged leads to the record that stands for it."""
    async with request.snapshot("customer") as read:
        row = await customer.get(read, customer_id, owner=request.owner)
    if row is None and (record := await current_record(customer_id, request.ports.store)) is not None:
        async with request.snapshot("customer") as read:
            row = await customer.get(read, record.id, owner=request.owner)
    if row is None:
        raise NotFound("customer", customer_id)
    request.shows(row.id)
    return resource_response(request.sent, row.version, customer_response(row), read.position)


@router.get("/{customer_id}/duplicates", "list_customer_duplicates", CustomerDuplicatePage)
async def duplicates(
    request: RequestContext, customer_id: UUID, filters: Annotated[CustomerDuplicateFilters, Query()]
) -> Response:
    """List the customers who may be the same person: with the same name, e-mail address or phone number."""
    async with request.snapshot("customer") as read:
        if await customer.get(read, customer_id, owner=request.owner) is None:
            raise NotFound("customer", customer_id)
        rows, bookmark = await alike(read, customer_id, page(request, filters), owner=request.owner)
    for person in (customer_id, *(row.id for row in rows)):
        request.shows(person)
    items = [{**customer_response(row), "alike": _alike(row)} for row in rows]
    return page_response(items, next_cursor(request, filters, bookmark), read.position)


def _alike(row: CustomerDuplicate) -> list[str]:
    return [key.removesuffix("_key") for key in customer.KEYS if getattr(row, key)]


@router.put("/{customer_id}", "replace_customer", CustomerResponse)
async def replace(request: RequestContext, customer_id: UUID, body: ReplaceCustomerBody) -> Response:
    """Replace a customer's details."""
    return await _changed(request, customer_id, body.model_dump())


@router.patch("/{customer_id}", "change_customer", CustomerResponse)
async def change(request: RequestContext, customer_id: UUID, body: ChangeCustomerBody) -> Response:
    """Change some of a customer's details."""
    changes = body.model_dump(exclude_unset=True)
    return await _changed(request, customer_id, changes, changes.pop("staff_note", None))


async def _changed(
    request: RequestContext, customer_id: UUID, details: Mapping[str, Any], staff_note: str | None = None
) -> Response:
    command = ChangeCustomer(
        **request.command(),
        customer_id=customer_id,
        details=details,
        staff_note=staff_note,
        address=await request.address_of(details.get("email")),
    )
    to_body = customer_response if staff_note is None else noted_response
    return command_response(await change_customer(command, request.ports.store), to_body)


@router.delete("/{customer_id}", "delete_customer", EndingResponse)
async def delete(request: RequestContext, customer_id: UUID, query: Annotated[EndingQuery, Query()]) -> Response:
    """Delete a customer. They take no new bookings; history stays. Says what becomes of appointments."""

    async def end(choice: Mapping[str, Any]) -> CommandResult[Any]:
        command = DeleteCustomer(**request.command(), **choice, customer_id=customer_id)
        return await delete_customer(command, request.ports.store)

    return await ended(request, query, (EndingKind.CUSTOMER, customer_id), end)
