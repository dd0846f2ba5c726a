"""Customers who may be the same person as another."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import false, func, or_, select

from projections.query.ownership import Owner
from projections.query.paging import Page, fetch
from projections.query.snapshot import Snapshot
from projections.read_models.customer import KEYS, ListedCustomer, customer, listed

_c = customer.c


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
    own = select(*(_c[key] for key in KEYS)).where(_c.id == id).cte("own")
    same = [(_c[key] == own.c[key]).label(key) for key in KEYS]
    query = listed(owner, *(func.coalesce(each, false()).label(each.name) for each in same))
    query = query.join_from(customer, own, or_(*same)).where(_c.id != id)
    return await fetch(read.connection, query.order_by(_c.sort_key, _c.id), page, CustomerDuplicate)
