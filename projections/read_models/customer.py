"""Customers that an account knows: itself, its guests, and the customers of its providers."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Index,
    Select,
    Table,
    Text,
    and_,
    false,
    func,
    or_,
    select,
)

from domain.booking.appointment import Appointment
from domain.booking.appointment_fields import BeginFields, MoveFields, ReturnFields
from domain.people.account import Account
from domain.people.customer import Customer
from projections.engine.projection import Projection, RecordedEvent
from projections.engine.row_batch import RowBatch
from projections.engine.schema import json, metadata, sort_key, uuid
from projections.query import text
from projections.query.ownership import AccountId, Owner, Ownership
from projections.query.paging import Page, fetch, narrowed
from projections.query.snapshot import Snapshot
from projections.read_models.membership import OWNER_AGGREGATES, owner_tables, project_owners

customer = Table(
    "customer",
    metadata,
    uuid("id", primary_key=True),
    Column("version", BigInteger, nullable=False),
    uuid("registered_by", index=True),
    Column("name", Text, nullable=False),
    sort_key("sort_key"),
    Column("folded", Text, nullable=False),  # name, e-mail address and digits of the phone number, for search
    Column("name_key", Text),
    Column("email_key", Text),
    Column("phone_key", Text),
    Column("email", Text),
    Column("phone", Text),
    Column("timezone", Text),
    Column("note", Text, nullable=False),
    Column("external_id", Text),
    json("metadata"),
    uuid("organization_id", nullable=True, index=True),
    Column("deleted", Boolean, nullable=False),
    Index("customer_name", "sort_key", "id"),
    Index("customer_name_key", "name_key"),
    Index("customer_email_key", "email_key"),
    Index("customer_phone_key", "phone_key"),
    Index("customer_external_id", "external_id"),
)
_c = customer.c
KEYS = ("name_key", "email_key", "phone_key")
"""The columns in which two records of one person are alike."""
_DIGITS = re.compile(r"[^0-9]+")
_NUMBER = re.compile(r"[+(0-9][0-9().+]*")
_NATIONAL, _SHORTEST = 9, 6  # digits of a phone number: those compared, and the fewest that say anything

visit = Table(
    "visit",
    metadata,
    uuid("appointment_id", primary_key=True),
    uuid("provider_id"),
    uuid("customer_id"),
    uuid("organization_id", nullable=True, index=True),
    Column("organization_recorded", Boolean, nullable=False),
    Index("visit_of_provider", "provider_id", "customer_id"),
    Index("visit_of_customer", "customer_id", "provider_id"),
    comment="Which customers have, or had, an appointment with a provider?",
)

owners = owner_tables("customer", providers="host", claims="claim")


def _registered_or_hosted(account: AccountId) -> ColumnElement[bool]:
    """Whether an account registered the customer for itself, or acts for the business of an appointment."""
    employed = visit.c.provider_id.in_(owners.employed_by(account)) & ~visit.c.organization_recorded
    business = visit.c.organization_id.in_(owners.organizations_of(account))
    hosted = _visitors(owners.owned_by(account)), select(visit.c.customer_id).where(or_(business, employed))
    registered = (_c.registered_by == account) & _c.organization_id.is_(None)
    return or_(registered, *map(_c.id.in_, hosted))


def _visitors(providers: Select[tuple[UUID]]) -> Select[tuple[UUID]]:
    who = providers.subquery()
    return select(visit.c.customer_id).join(who, who.c.provider_id == visit.c.provider_id)


ownership = Ownership(
    table=customer, owners=owners, customer=_c.id, organization=_c.organization_id, also=_registered_or_hosted
)


@dataclass(frozen=True, slots=True)
class ListedCustomer:
    """A customer as of the snapshot."""

    id: UUID
    version: int
    registered_by: UUID
    name: str
    email: str | None
    phone: str | None
    timezone: str | None
    note: str
    external_id: str | None
    metadata: dict[str, str]
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
        case Customer.Claimed() | Customer.AddressNoted():
            rows.set(customer, id, **version)
            project_owners(owners, recorded, rows)
        case Appointment.Booked() | Appointment.Requested():
            rows.put(visit, appointment_id=recorded.stream, **_visited(event))
        case Appointment.Event() if isinstance(event, MoveFields | ReturnFields):
            rows.set(visit, {"appointment_id": recorded.stream}, provider_id=event.provider_id, **_business(event))
        case Appointment.Transferred(organization_id=id_there):
            rows.set(visit, {"appointment_id": recorded.stream}, organization_id=id_there, organization_recorded=True)
        case _:
            project_owners(owners, recorded, rows)


def _visited(event: Appointment.Booked | Appointment.Requested) -> dict[str, Any]:
    return {"provider_id": event.provider_id, "customer_id": event.customer_id, **_business(event)}


def _business(event: BeginFields | MoveFields | ReturnFields) -> dict[str, Any]:
    return {"organization_id": event.organization_id, "organization_recorded": event.organization_recorded}


_NOTHING: dict[str, Any] = {
    "name": "",
    "sort_key": b"",
    "folded": "",
    **dict.fromkeys(KEYS),
    "email": None,
    "phone": None,
    "timezone": None,
    "note": "",
    "external_id": None,
    "metadata": {},
}


def _details(event: Customer.Registered | Customer.Changed) -> dict[str, Any]:
    """Empty for an erased person."""
    details = {**_NOTHING, **(event.details.value or {})}
    return {**details, **_found_by(details["name"], details["email"], details["phone"])}


def _found_by(name: str, email: str | None, phone: str | None) -> dict[str, Any]:
    """The columns that search and the hints at duplicates use."""
    digits = _DIGITS.sub("", phone or "")
    return {
        "sort_key": text.sort_key(name),
        "folded": text.folded(name, email, digits),
        "name_key": text.folded(name) or None,
        "email_key": text.folded(email) or None,
        "phone_key": digits[-_NATIONAL:] if len(digits) >= _SHORTEST else None,
    }


customers = Projection(
    "customer", [customer, visit, *owners.tables], project, (Account, Appointment, *OWNER_AGGREGATES)
)

_contacts = select(*(_c[name] for name in ListedCustomer.__dataclass_fields__)).where(~_c.deleted)


async def get(read: Snapshot, id: UUID, *, owner: Owner | None = None) -> ListedCustomer | None:
    """A customer; None if there is none, or none of the owner's."""
    query = narrowed(_contacts.where(_c.id == id), (owner, ownership.shows))
    found = (await read.connection.execute(query)).one_or_none()
    return None if found is None else ListedCustomer(**found._mapping)


async def own(read: Snapshot, account: UUID) -> Sequence[ListedCustomer]:
    """The customer's record of an account, and those of the guests it has claimed."""
    query = _contacts.where(ownership.shows_customer(account)).order_by(_c.id)
    return [ListedCustomer(**row._mapping) for row in await read.connection.execute(query)]


async def find(
    read: Snapshot, page: Page, *, owner: Owner | None = None, q: str | None = None, external_id: str | None = None
) -> tuple[Sequence[ListedCustomer], str | None]:
    """Customers by name, of an owner alone or of all; and the next page's cursor.

    `q`: words, all of which are in the name, the e-mail address or the digits of the phone number.
    """
    query = narrowed(_contacts, (owner, ownership.shows), (q, _has_words), (external_id, _c.external_id.__eq__))
    return await fetch(read.connection, query.order_by(_c.sort_key, _c.id), page, ListedCustomer)


def _has_words(q: str) -> ColumnElement[bool]:
    return and_(*(_c.folded.like(text.pattern(word), escape="/") for word in _words(q)))


def _words(q: str) -> Iterator[str]:
    """The folded words; of a phone number the digits, without the zero of a national number."""
    for word in text.words(q):
        yield (_DIGITS.sub("", word).lstrip("0") or word) if _NUMBER.fullmatch(word) else word


@dataclass(frozen=True, slots=True)
class CustomerDuplicate(ListedCustomer):
    """A customer who may be the same person as another. `name_key` and so on: whether these are alike."""

    name_key: bool
    email_key: bool
    phone_key: bool


async def alike(
    read: Snapshot, id: UUID, page: Page, *, owner: Owner | None = None
) -> tuple[Sequence[CustomerDuplicate], str | None]:
    """Customers of the owner who have the name, the e-mail address or the phone number of this one, by name.

    Neither capitals and accents count, nor how a phone number is written.
    """
    own = _named.where(_c.id == id).cte("own")
    same = [(_c[key] == own.c[key]).label(key) for key in KEYS]
    columns = [_c[name] for name in ListedCustomer.__dataclass_fields__]
    others = select(*columns, *(func.coalesce(each, false()).label(each.name) for each in same))
    query = others.join_from(customer, own, or_(*same)).where(_c.id != id, ~_c.deleted)
    query = narrowed(query, (owner, ownership.shows))
    return await fetch(read.connection, query.order_by(_c.sort_key, _c.id), page, CustomerDuplicate)


_named = select(*(_c[key] for key in KEYS))
