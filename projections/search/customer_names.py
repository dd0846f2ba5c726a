"""The names of customers, for lists that refer to them by their ids."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select

from projections.query.ownership import Owner
from projections.query.paging import narrowed
from projections.query.snapshot import Snapshot
from projections.read_models.customer import customer, ownership


async def customer_names(read: Snapshot, ids: Sequence[UUID], *, owner: Owner | None = None) -> Mapping[UUID, str]:
    """The names of customers, of an owner alone or of all; also of deleted ones."""
    c = customer.c
    query = narrowed(select(c.id, c.name).where(c.id.in_(ids)), (owner, ownership.shows))
    return {row.id: row.name for row in await read.connection.execute(query) if row.name}
