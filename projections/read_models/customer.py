"""Who are my customers?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Column, ColumnElement, Index, Table, Text, or_, select

from domain.booking.appointment import Appointment
from domain.catalog.organization import Organization
from domain.catalog.provider import Provider
from domain.people.account import Account
from domain.people.customer import Customer
from projections.engine.projection import Projection, RecordedEvent
from projections.engine.row_batch import RowBatch
from projections.engine.schema import metadata, uuid, walled
from projections.query.paging import Page, fetch, narrowed
from projections.query.snapshot import Snapshot
from projections.read_models import membership
from projections.read_models.membership import organizations_of

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
    uuid("organization_id", nullable=True, index=True),
    Column("deleted", Boolean, nullable=False),
    Index("customer_name", "name", "id"),
    info=walled(
        "id = {sub} OR registered_by = {sub} AND organization_id IS NULL"
        " OR id IN (SELECT c.customer_id FROM {schema}.claim c WHERE c.account_id = {sub})"
        " OR id IN (SELECT v.customer_id FROM {schema}.visit v"
        " JOIN {schema}.host h USING (provider_id) WHERE h.owner_id = {sub})"
        " OR organization_id IN (SELECT m.organization_id FROM {schema}.customer_member m"
        " WHERE m.account_id = {sub})"
        " OR id IN (SELECT v.customer_id FROM {schema}.visit v JOIN {schema}.host h USING (provider_id)"
        " JOIN {schema}.customer_member m ON m.organization_id = h.organization_id"
        " WHERE m.account_id = {sub})"
    ),
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
    uuid("organization_id", nullable=True, index=True),
    comment="Whose customers are a provider's?",
)

member = membership.members("customer")
claim = Table(
    "claim",
    metadata,
    uuid("customer_id", primary_key=True),
    uuid("account_id", index=True),
    comment="Whose own record is a guest's?",
)


@dataclass(frozen=True, slots=True)
class ListedCustomer:
    """A customer, as far as the reader has read."""

    id: UUID
    version: int
    registered_by: UUID
    name: str
    email: str | None
    phone: str | None
    timezone: str | None
    note: str
    organization_id: UUID | None
    deleted: bool


def project(recorded: RecordedEvent, rows: RowBatch) -> None:
    event, id, version = recorded.event, {"id": recorded.stream}, {"version": recorded.version}
    match event:
        case Customer.Registered():
            fresh = {"registered_by": event.by, "organization_id": None, "deleted": False}
            rows.put(customer, **id, **version, **_details(event), **fresh)
        case Customer.Changed():
            rows.set(customer, id, **version, **_details(event))
        case Customer.Shared():
            rows.set(customer, id, **version, organization_id=event.organization_id)
        case Customer.Deleted():
            rows.set(customer, id, **version, deleted=True)
        case Customer.Forgotten():
            rows.set(customer, id, **version, **_NOTHING, deleted=True)
        case Account.Forgotten():
            rows.clear(customer, "id", event.account_id, **_NOTHING)
        case Customer.Claimed():
            rows.set(customer, id, **version)
            rows.put(claim, customer_id=recorded.stream, account_id=event.account_id)
        case Customer.AddressNoted():
            rows.set(customer, id, **version)
        case Appointment.Booked() | Appointment.Requested():
            who = {"provider_id": event.provider_id, "customer_id": event.customer_id}
            rows.put(visit, appointment_id=recorded.stream, **who)
        case Appointment.Rescheduled():
            rows.set(visit, {"appointment_id": recorded.stream}, provider_id=event.provider_id)
        case Provider.Event():
            _host(recorded, rows)
        case Organization.Event():
            membership.project(member, recorded, rows)
        case _:
            pass


def _host(recorded: RecordedEvent, rows: RowBatch) -> None:
    event, id = recorded.event, {"provider_id": recorded.stream}
    match event:
        case Provider.Joined(profile=profile):
            rows.put(host, **id, owner_id=event.owner_id, organization_id=profile.get("organization_id"))
        case Provider.Changed(profile=profile):
            rows.set(host, id, organization_id=profile.get("organization_id"))
        case _:
            pass


_NOTHING: dict[str, Any] = {"name": "", "email": None, "phone": None, "timezone": None, "note": ""}


def _details(event: Customer.Registered | Customer.Changed) -> dict[str, Any]:
    """Nothing, of somebody who is forgotten."""
    return {**_NOTHING, **(event.details.value or {})}


customers = Projection("customer", [customer, visit, host, member, claim], project)

_contacts = select(customer).where(~customer.c.deleted)


async def get(read: Snapshot, id: UUID, *, of: UUID | None = None, acts: bool = True) -> ListedCustomer | None:
    """A customer; None if there is none, or none of `of`: themselves, who claimed, made or hosts them.

    `acts`: whether `of` may act for providers at all.
    """
    query = narrowed(_contacts.where(customer.c.id == id), (of, _of if acts else _own))
    found = (await read.connection.execute(query)).one_or_none()
    return None if found is None else ListedCustomer(**found._mapping)


async def own(read: Snapshot, account: UUID) -> Sequence[ListedCustomer]:
    """The customer's record of an account, and those of the guests it has claimed."""
    query = _contacts.where(_own(account)).order_by(customer.c.id)
    return [ListedCustomer(**row._mapping) for row in await read.connection.execute(query)]


async def is_claimed(read: Snapshot, id: UUID) -> bool:
    """Whether a guest is an account's."""
    query = select(claim.c.account_id).where(claim.c.customer_id == id)
    return (await read.connection.execute(query)).first() is not None


async def find(
    read: Snapshot, page: Page, *, of: UUID | None = None, acts: bool = True
) -> tuple[Sequence[ListedCustomer], str | None]:
    """Customers by name; and the next part's bookmark. `of`, `acts`: as in `get`."""
    query = narrowed(_contacts, (of, _of if acts else _own))
    return await fetch(read.connection, query.order_by(customer.c.name, customer.c.id), page, ListedCustomer)


def _own(account: UUID) -> ColumnElement[bool]:
    claimed = select(claim.c.customer_id).where(claim.c.account_id == account)
    return or_(customer.c.id == account, customer.c.id.in_(claimed))


def _of(account: UUID) -> ColumnElement[bool]:
    """Themselves; who made them, or if that was for an organization its members; who hosts or hosted them."""
    c, ours = customer.c, organizations_of(member, account)
    hosted = select(visit.c.customer_id).join(host, host.c.provider_id == visit.c.provider_id)
    return or_(
        _own(account),
        (c.registered_by == account) & c.organization_id.is_(None),
        c.organization_id.in_(ours),
        c.id.in_(hosted.where(or_(host.c.owner_id == account, host.c.organization_id.in_(ours)))),
    )
