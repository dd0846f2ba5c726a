"""Owners of providers, claims of guests, members of organizations. Each projection that needs them has own tables."""

from sqlalchemy import Column, Index, Text

from domain.catalog.organization import Organization, Rank
from domain.catalog.provider import Provider
from domain.people.customer import Customer
from projections.engine.projection import RecordedEvent
from projections.engine.row_batch import RowBatch
from projections.engine.schema import Table, metadata, uuid
from projections.query.ownership import OwnerTables

OWNER_AGGREGATES = (Customer, Organization, Provider)
"""Those whose events `project_owners` uses."""


def members(projection: str) -> Table:
    """A projection's own table of members, by organization and account."""
    return Table(
        f"{projection}_member",
        metadata,
        uuid("organization_id", primary_key=True),
        uuid("account_id", primary_key=True),
        Column("rank", Text, nullable=False),
        Index(f"{projection}_member_account", "account_id", "organization_id"),
        comment="Who belongs to which organization?",
    )


def owner_tables(projection: str, *, providers: str, claims: str | None = None) -> OwnerTables:
    """A projection's own tables of owners: of members, and by these names of providers and claimed guests.

    `claims`: None if no row of the projection belongs to a customer.
    """
    return OwnerTables(
        members(projection),
        Table(
            providers,
            metadata,
            uuid("provider_id", primary_key=True),
            uuid("owner_id", index=True),
            uuid("organization_id", nullable=True, index=True),
            comment="Who owns a provider, and to which organization does it belong?",
        ),
        None if claims is None else _claims(claims),
    )


def _claims(name: str) -> Table:
    return Table(
        name,
        metadata,
        uuid("customer_id", primary_key=True),
        uuid("account_id", index=True),
        comment="Which account has claimed a guest?",
    )


def project(table: Table, recorded: RecordedEvent, rows: RowBatch) -> None:
    """Keep a table of members."""
    event, of = recorded.event, {"organization_id": recorded.stream}
    match event:
        case Organization.Founded():
            rows.put(table, **of, account_id=event.owner_id, rank=Rank.OWNER.value)
        case Organization.MemberAdded() | Organization.MemberRanked():
            rows.put(table, **of, account_id=event.account_id, rank=event.rank)
        case Organization.MemberRemoved():
            rows.drop(table, {**of, "account_id": event.account_id})
        case _:
            pass


def project_owners(owners: OwnerTables, recorded: RecordedEvent, rows: RowBatch) -> None:
    """Keep all the tables of owners."""
    match recorded.event:
        case Provider.Joined() as joined:
            organization_id = joined.profile.get("organization_id")
            provider = {"provider_id": recorded.stream, "owner_id": joined.owner_id}
            rows.put(owners.providers, **provider, organization_id=organization_id)
        case Provider.Changed(profile=profile):
            provider = {"provider_id": recorded.stream}
            rows.set(owners.providers, provider, organization_id=profile.get("organization_id"))
        case Organization.Event():
            project(owners.members, recorded, rows)
        case Customer.Claimed(account_id=account_id) if owners.claims is not None:
            rows.put(owners.claims, customer_id=recorded.stream, account_id=account_id)
        case _:
            pass
