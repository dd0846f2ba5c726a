"""Holds: which times are kept, for whom, until when?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import BigInteger, Column, Index, Table, Text, select

from domain.booking.hold import Hold, HoldStatus
from domain.people.customer import Customer
from projections.engine.projection import Projection, RecordedEvent
from projections.engine.row_batch import RowBatch
from projections.engine.schema import instant, metadata, uuid
from projections.query.ownership import Owner, Ownership
from projections.query.paging import Page, fetch, narrowed
from projections.query.snapshot import Snapshot
from projections.read_models.membership import OWNER_AGGREGATES, owner_tables, project_owners

hold = Table(
    "hold",
    metadata,
    uuid("id", primary_key=True),
    Column("version", BigInteger, nullable=False),
    uuid("service_id"),
    uuid("provider_id"),
    uuid("customer_id"),
    instant("starts_at"),
    instant("ends_at"),
    Column("timezone", Text, nullable=False),
    instant("expires_at"),
    Index("hold_starts_at", "starts_at", "id"),
    Index("hold_of_provider", "provider_id", "starts_at", "id"),
    Index("hold_of_customer", "customer_id", "starts_at", "id"),
)
owners = owner_tables("hold", providers="holder", claims="hold_claim")
ownership = Ownership(table=hold, owners=owners, customer=hold.c.customer_id, provider=hold.c.provider_id)


@dataclass(frozen=True, slots=True)
class ListedHold:
    """A hold that has not ended, as of the snapshot."""

    id: UUID
    version: int
    service_id: UUID
    provider_id: UUID
    customer_id: UUID
    starts_at: datetime
    ends_at: datetime
    timezone: str
    expires_at: datetime

    @property
    def status(self) -> HoldStatus:
        """Rows of other holds are dropped."""
        return HoldStatus.HELD


def project(recorded: RecordedEvent, rows: RowBatch) -> None:
    event, id, version = recorded.event, {"id": recorded.stream}, recorded.version
    match event:
        case Hold.Placed():
            rows.put(
                hold,
                **id,
                version=version,
                service_id=event.service_id,
                provider_id=event.provider_id,
                customer_id=event.customer_id,
                starts_at=event.starts_at,
                ends_at=event.starts_at + timedelta(minutes=event.duration),
                timezone=event.timezone,
                expires_at=event.expires_at,
            )
        case Hold.Extended():
            rows.set(hold, id, version=version, expires_at=event.expires_at)
        case Hold.Released() | Hold.Expired() | Hold.Used():
            rows.drop(hold, id)
        case Customer.Merged(into=into):
            rows.clear(hold, "customer_id", recorded.stream, customer_id=into)
        case _:
            project_owners(owners, recorded, rows)


holds = Projection("hold", [hold, *owners.tables], project, (Hold, *OWNER_AGGREGATES))
_h = hold.c


async def find(
    read: Snapshot,
    page: Page,
    now: datetime,
    *,
    provider_id: UUID | None = None,
    customer_id: UUID | None = None,
    owner: Owner | None = None,
) -> tuple[Sequence[ListedHold], str | None]:
    """Holds that keep their time at `now`, by start, of an owner alone or of all; and the next page's cursor."""
    query = narrowed(
        select(hold).where(_h.expires_at > now),
        (owner, ownership.shows),
        (provider_id, _h.provider_id.__eq__),
        (customer_id, _h.customer_id.__eq__),
    )
    return await fetch(read.connection, query.order_by(_h.starts_at, _h.id), page, ListedHold)
