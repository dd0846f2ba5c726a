"""To what has a customer consented, in which words, and does it stand?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Column, ColumnElement, Index, Table, Text, or_, select

from domain.people.account import Account
from domain.people.customer import Customer
from projections.engine.projection import Projection, RecordedEvent
from projections.engine.row_batch import RowBatch
from projections.engine.schema import instant, metadata, uuid
from projections.query.ownership import AccountId, Owner, Ownership
from projections.query.paging import Page, fetch, narrowed
from projections.query.snapshot import Snapshot
from projections.read_models.membership import OWNER_AGGREGATES, owner_tables, project_owners

consent = Table(
    "consent",
    metadata,
    uuid("id", primary_key=True),
    uuid("customer_id"),
    Column("purpose", Text, nullable=False),
    Column("text", Text, nullable=False),
    instant("given_at"),
    uuid("by"),
    Column("by_customer", Boolean, nullable=False),
    instant("withdrawn_at", nullable=True),
    uuid("withdrawn_by", nullable=True),
    Index("consent_of_customer", "customer_id", "given_at", "id"),
)

keeper = Table(
    "consent_keeper",
    metadata,
    uuid("customer_id", primary_key=True),
    Column("version", BigInteger, nullable=False),
    uuid("registered_by", index=True),
    uuid("organization_id", nullable=True, index=True),
    comment="Who keeps the record of a customer, and which version does it have?",
)

owners = owner_tables("consent", providers="consent_provider", claims="consent_claim")
_c, _k = consent.c, keeper.c


def _kept_by(account: AccountId) -> ColumnElement[bool]:
    """Whether the account registered the customer for itself, or belongs to the organization that keeps the record."""
    registered = (_k.registered_by == account) & _k.organization_id.is_(None)
    kept = or_(registered, _k.organization_id.in_(owners.organizations_of(account)))
    return _c.customer_id.in_(select(_k.customer_id).where(kept))


ownership = Ownership(table=consent, owners=owners, customer=_c.customer_id, also=_kept_by)


@dataclass(frozen=True, slots=True)
class ListedConsent:
    """A consent as of the snapshot. `version`: of the customer."""

    id: UUID
    customer_id: UUID
    version: int
    purpose: str
    text: str
    given_at: datetime
    by: UUID
    by_customer: bool
    withdrawn_at: datetime | None
    withdrawn_by: UUID | None


def project(recorded: RecordedEvent, rows: RowBatch) -> None:
    event, of = recorded.event, {"customer_id": recorded.stream}
    match event:
        case Customer.Registered():
            rows.put(keeper, **of, version=recorded.version, registered_by=event.by, organization_id=None)
            return
        case Customer.Shared():
            rows.set(keeper, of, organization_id=event.organization_id)
        case Customer.ConsentGiven():
            given = {"purpose": event.purpose, "text": event.text.value or "", "given_at": event.given_at}
            by = {"by": event.by, "by_customer": event.by_customer}
            rows.put(consent, id=event.consent_id, **of, **given, **by, withdrawn_at=None, withdrawn_by=None)
        case Customer.ConsentWithdrawn():
            ending = {"withdrawn_at": event.withdrawn_at, "withdrawn_by": event.by}
            rows.set(consent, {"id": event.consent_id}, **ending)
        case Customer.Forgotten():
            rows.clear(consent, "customer_id", recorded.stream, text="")
        case Account.Forgotten():
            rows.clear(consent, "customer_id", event.account_id, text="")
        case _:
            pass
    if isinstance(event, Customer.Event):
        rows.set(keeper, of, version=recorded.version)
    project_owners(owners, recorded, rows)


consents = Projection("consent", [consent, keeper, *owners.tables], project, (Account, *OWNER_AGGREGATES))

_listed = select(
    *(_k.version if name == "version" else _c[name] for name in ListedConsent.__dataclass_fields__)
).join_from(consent, keeper, _k.customer_id == _c.customer_id)


async def get(read: Snapshot, customer_id: UUID, id: UUID, *, owner: Owner | None = None) -> ListedConsent | None:
    """A consent of a customer; None if there is none, or none of the owner's."""
    query = narrowed(_listed.where(_c.customer_id == customer_id, _c.id == id), (owner, ownership.shows))
    found = (await read.connection.execute(query)).one_or_none()
    return None if found is None else ListedConsent(**found._mapping)


async def of_customer(
    read: Snapshot, customer_id: UUID, page: Page, *, owner: Owner | None = None
) -> tuple[Sequence[ListedConsent], str | None]:
    """The consents of a customer, the last given first; and the next page's cursor."""
    query = narrowed(_listed.where(_c.customer_id == customer_id), (owner, ownership.shows))
    return await fetch(read.connection, query.order_by(_c.given_at.desc(), _c.id.desc()), page, ListedConsent)


async def own(read: Snapshot, account: UUID) -> Sequence[ListedConsent]:
    """All consents of an account, and of the guests it has claimed, in order."""
    query = _listed.where(ownership.shows_customer(account)).order_by(_c.given_at, _c.id)
    return [ListedConsent(**row._mapping) for row in await read.connection.execute(query)]
