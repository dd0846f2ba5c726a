"""Who are my customers?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Column, ColumnElement, Index, Table, Text, or_, select

from domain.account import Account
from domain.appointment import Appointment
from domain.customer import Customer
from domain.provider import Provider
from projections.page import Page, fetch
from projections.read import Read
from projections.reader import Reader, Recorded
from projections.rows import Rows
from projections.tables import metadata, uuid

customer = Table(
    "customer",
    metadata,
    uuid("id", primary_key=True),
    Column("version", BigInteger, nullable=False),
    uuid("registered_by", index=True),
    Column("name", Text, nullable=False),
    Column("email", Text),
    Column("phone", Text),
    Column("timezone", Text),
    Column("note", Text, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Index("customer_name", "name", "id"),
)

visit = Table(
    "visit",
    metadata,
    uuid("appointment_id", primary_key=True),
    uuid("provider_id"),
    uuid("customer_id"),
    Index("visit_of_provider", "provider_id", "customer_id"),
    Index("visit_of_customer", "customer_id", "provider_id"),
    comment="Who has, or had, an appointment with whom?",
)

host = Table(
    "host",
    metadata,
    uuid("provider_id", primary_key=True),
    uuid("owner_id", index=True),
    comment="Whose customers are a provider's?",
)


@dataclass(frozen=True, slots=True)
class Contact:
    """A customer, as far as the reader has read."""

    id: UUID
    version: int
    registered_by: UUID
    name: str
    email: str | None
    phone: str | None
    timezone: str | None
    note: str
    deleted: bool


def project(recorded: Recorded, rows: Rows) -> None:
    event, id, version = recorded.event, {"id": recorded.stream}, {"version": recorded.version}
    match event:
        case Customer.Registered():
            rows.put(customer, **id, **version, **_details(event), registered_by=event.by, deleted=False)
        case Customer.Changed():
            rows.set(customer, id, **version, **_details(event))
        case Customer.Deleted():
            rows.set(customer, id, **version, deleted=True)
        case Customer.Forgotten():
            rows.set(customer, id, **version, **_NOTHING, deleted=True)
        case Account.Forgotten():
            rows.clear(customer, "id", event.account_id, **_NOTHING)
        case Appointment.Booked():
            who = {"provider_id": event.provider_id, "customer_id": event.customer_id}
            rows.put(visit, appointment_id=recorded.stream, **who)
        case Appointment.Rescheduled():
            rows.set(visit, {"appointment_id": recorded.stream}, provider_id=event.provider_id)
        case Provider.Joined():
            rows.put(host, provider_id=recorded.stream, owner_id=event.owner_id)
        case _:
            pass


_NOTHING: dict[str, Any] = {"name": "", "email": None, "phone": None, "timezone": None, "note": ""}


def _details(event: Customer.Registered | Customer.Changed) -> dict[str, Any]:
    """Nothing, of somebody who is forgotten."""
    return {**_NOTHING, **(event.details.value or {})}


customers = Reader("customer", [customer, visit, host], project)

_contacts = select(customer).where(~customer.c.deleted)


async def get(read: Read, id: UUID, *, of: UUID | None = None) -> Contact | None:
    """A customer; None if there is none, or none of `of`: themselves, who registered or who hosts them."""
    query = _contacts.where(customer.c.id == id)
    found = (await read.connection.execute(query if of is None else query.where(_of(of)))).one_or_none()
    return None if found is None else Contact(**found._mapping)


async def find(read: Read, page: Page, *, of: UUID | None = None) -> tuple[Sequence[Contact], str | None]:
    """Customers by name; and the next part's bookmark. `of`: as in `get`."""
    query = _contacts if of is None else _contacts.where(_of(of))
    return await fetch(read.connection, query.order_by(customer.c.name, customer.c.id), page, Contact)


def _of(account: UUID) -> ColumnElement[bool]:
    c = customer.c
    hosted = select(visit.c.customer_id).join(host, host.c.provider_id == visit.c.provider_id)
    return or_(
        c.id == account, c.registered_by == account, c.id.in_(hosted.where(host.c.owner_id == account))
    )
