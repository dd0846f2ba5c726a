"""Who belongs to which organization? A part of each reader that must know, in a table of its own."""

from uuid import UUID

from sqlalchemy import Column, Index, Select, Text, select

from domain.catalog.organization import Organization, Rank
from projections.engine.projection import RecordedEvent
from projections.engine.row_batch import RowBatch
from projections.engine.schema import Table, metadata, uuid


def members(reader: str) -> Table:
    """A reader's own table of members, by organization and account."""
    return Table(
        f"{reader}_member",
        metadata,
        uuid("organization_id", primary_key=True),
        uuid("account_id", primary_key=True),
        Column("rank", Text, nullable=False),
        Index(f"{reader}_member_account", "account_id", "organization_id"),
        comment="Who belongs to which organization?",
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


def organizations_of(table: Table, account: UUID) -> Select[tuple[UUID]]:
    """The organizations that an account belongs to."""
    return select(table.c.organization_id).where(table.c.account_id == account)
