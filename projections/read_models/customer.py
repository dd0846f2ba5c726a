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
    Uuid,
    and_,
    false,
    literal,
    or_,
    select,
    true,
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
    Column("staff_note", Text, nullable=False),
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
    return or_(_registered(account), *map(_c.id.in_, hosted))


def _registered(account: AccountId) -> ColumnElement[bool]:
    return (_c.registered_by == account) & _c.organization_id.is_(None)


def _visitors(providers: Select[tuple[UUID]]) -> Select[tuple[UUID]]:
    who = providers.subquery()
    return select(visit.c.customer_id).join(who, who.c.provider_id == visit.c.provider_id)


ownership = Ownership(
    table=customer, owners=owners, customer=_c.id, organization=_c.organization_id, also=_registered_or_hosted
)


@dataclass(frozen=True, slots=True)
class ListedCustomer:
    """A customer as of the snapshot. `for_staff`: whether the snapshot's owner keeps the record, or sees everything."""

    id: UUID
    version: int
    registered_by: UUID
    name: str
    email: str | None
    phone: str | None
    timezone: str | None
    note: str
    staff_note: str
    external_id: str | None
    metadata: dict[str, str]
    organization_id: UUID | None
    deleted: bool
    for_staff: bool


def project(recorded: RecordedEvent, rows: RowBatch) -> None:
    event, id, version = recorded.event, {"id": recorded.stream}, {"version": recorded.version}
    match event:
        case Customer.Registered():
            fresh = {"registered_by": event.by, "organization_id": None, "deleted": False, "staff_note": ""}
            rows.put(customer, **id, **version, **_details(event), **fresh)
        case Customer.Changed():
            rows.set(customer, id, **version, **_details(event))
        case Customer.StaffNoted(note=note):
            rows.set(customer, id, **version, staff_note=(note.value if note else None) or "")
        case Customer.ConsentGiven() | Customer.ConsentWithdrawn() | Customer.Absorbed():
            rows.set(customer, id, **version)
        case Customer.Shared():
            rows.set(customer, id, **version, organization_id=event.organization_id)
        case Customer.Deleted():
            rows.set(customer, id, **version, deleted=True)
        case Customer.Merged():
            rows.set(customer, id, **version, deleted=True)
            rows.clear(visit, "customer_id", recorded.stream, customer_id=event.into)
        case Customer.Forgotten():
            rows.set(customer, id, **version, **_NOTHING, staff_note="", deleted=True)
        case Account.Forgotten():
            rows.clear(customer, "id", event.account_id, **_NOTHING, staff_note="")
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

COLUMNS = tuple(name for name in ListedCustomer.__dataclass_fields__ if name != "for_staff")


def listed(owner: Owner | None = None, *more: ColumnElement[Any]) -> Select[Any]:
    """Customers of an owner, or of all, with more columns."""
    query = select(*(_c[name] for name in COLUMNS), _for_staff(owner).label("for_staff"), *more).where(~_c.deleted)
    return narrowed(query, (owner, ownership.shows))


def _for_staff(owner: Owner | None) -> ColumnElement[bool]:
    """Whether the owner keeps the record, and is not the person that it is about."""
    if owner is None:
        return true()
    account = literal(owner.account, Uuid)
    keeps = or_(_registered(account), _c.organization_id.in_(owners.organizations_of(account)))
    return and_(~ownership.as_customer(account), keeps) if owner.acts else false()


async def get(read: Snapshot, id: UUID, *, owner: Owner | None = None) -> ListedCustomer | None:
    """A customer; None if there is none, or none of the owner's."""
    found = (await read.connection.execute(listed(owner).where(_c.id == id))).one_or_none()
    return None if found is None else ListedCustomer(**found._mapping)


async def own(read: Snapshot, account: UUID) -> Sequence[ListedCustomer]:
    """The customer's record of an account, and those of the guests it has claimed, with all that is kept there."""
    query = listed().where(ownership.shows_customer(account)).order_by(_c.id)
    return [ListedCustomer(**row._mapping) for row in await read.connection.execute(query)]


async def find(
    read: Snapshot, page: Page, *, owner: Owner | None = None, q: str | None = None, external_id: str | None = None
) -> tuple[Sequence[ListedCustomer], str | None]:
    """Customers by name, of an owner alone or of all; and the next page's cursor.

    `q`: words, all of which are in the name, the e-mail address or the digits of the phone number.
    """
    query = narrowed(listed(owner), (q, _has_words), (external_id, _c.external_id.__eq__))
    return await fetch(read.connection, query.order_by(_c.sort_key, _c.id), page, ListedCustomer)


def _has_words(q: str) -> ColumnElement[bool]:
    return and_(*(_c.folded.like(text.pattern(word), escape="/") for word in _words(q)))


def _words(q: str) -> Iterator[str]:
    """The folded words; of a phone number the digits, without the zero of a national number."""
    for word in text.words(q):
        yield (_DIGITS.sub("", word).lstrip("0") or word) if _NUMBER.fullmatch(word) else word
