"""The names of the services, providers and customers of appointments, which a query of the agenda joins."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ColumnElement, FromClause, Table, Text, and_, case, exists, func, literal_column, or_

from domain.catalog.provider import Provider
from domain.catalog.provider_profile import UNREADABLE
from domain.catalog.service import Service
from domain.people.account import Account
from domain.people.customer import Customer
from projections.engine.projection import RecordedEvent
from projections.engine.row_batch import RowBatch
from projections.engine.schema import json, metadata, uuid
from projections.query.ownership import AccountId, Ownership, OwnerTables

services = Table("agenda_service", metadata, uuid("id", primary_key=True), json("shown"))
providers = Table(
    "agenda_provider",
    metadata,
    uuid("id", primary_key=True),
    uuid("owner_id", index=True),
    json("shown"),
    comment="What everybody may read of a provider.",
)
customers = Table(
    "agenda_customer",
    metadata,
    uuid("id", primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", Text),
    Column("phone", Text),
)
TABLES = (services, providers, customers)
_OF_SERVICE = ("name", "category", "place", "meeting_url")
_OF_PROVIDER = ("name", "address", "phone", "email", "photo_url")
_NOBODY: Mapping[str, Any] = {"name": "", "email": None, "phone": None}


def own(owners: OwnerTables, appointments: Table) -> Ownership:
    """A customer's name belongs to the customer, and to those to whom an appointment of theirs belongs."""
    # The outer row: a policy has no outer query to correlate with.
    mine: ColumnElement[UUID] = literal_column("agenda_customer.id")
    theirs = appointments.alias("theirs").c

    def booked(account: AccountId) -> ColumnElement[bool]:
        employed = and_(~theirs.organization_recorded, theirs.provider_id.in_(owners.employed_by(account)))
        member = theirs.organization_id.in_(owners.organizations_of(account))
        by = theirs.provider_id.in_(owners.owned_by(account)), employed, member
        return exists().where(theirs.customer_id == mine, or_(*by))

    return Ownership(table=customers, owners=owners, customer=customers.c.id, also=booked)


def joined(appointments: Table) -> FromClause:
    """Appointments with the three, of which one may be missing: release 0.1.0 did not check every id."""
    a = appointments.c
    return (
        appointments.outerjoin(services, services.c.id == a.service_id)
        .outerjoin(providers, providers.c.id == a.provider_id)
        .outerjoin(customers, customers.c.id == a.customer_id)
    )


def columns() -> list[ColumnElement[Any]]:
    """The columns `service`, `provider` and `customer` of `joined`: JSON, or null."""
    c = customers.c
    person = func.jsonb_build_object("name", c.name, "email", c.email, "phone", c.phone, type_=services.c.shown.type)
    return [
        services.c.shown.label("service"),
        providers.c.shown.label("provider"),
        case((c.id.is_not(None), person)).label("customer"),
    ]


def project(recorded: RecordedEvent, rows: RowBatch) -> None:
    """Keep the names."""
    event, id = recorded.event, {"id": recorded.stream}
    match event:
        case Service.Offered() | Service.Changed():
            rows.put(services, **id, shown={name: event.terms.get(name) for name in _OF_SERVICE})
        case Provider.Joined():
            rows.put(providers, **id, owner_id=event.owner_id, shown=_provider(event.about.value))
        case Provider.Changed() if event.about is not None:
            rows.set(providers, id, shown=_provider(event.about.value))
        case Customer.Registered() | Customer.Changed():
            details = {**_NOBODY, **(event.details.value or {})}
            rows.put(customers, **id, **{name: details[name] for name in _NOBODY})
        case Customer.Forgotten():
            rows.set(customers, id, **_NOBODY)
        case Account.Forgotten():
            rows.clear(customers, "id", event.account_id, **_NOBODY)
            rows.clear(providers, "owner_id", event.account_id, shown=_provider(None))
        case _:
            pass


def _provider(about: Mapping[str, Any] | None) -> dict[str, Any]:
    """The defaults once the owner is erased."""
    known: Mapping[str, Any] = {**UNREADABLE, **(about or {})}
    return {name: known[name] for name in _OF_PROVIDER}
