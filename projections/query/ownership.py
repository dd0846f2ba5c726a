"""Ownership of the rows of a read model: declared once, used as the filter of queries and as row-level security.

A query narrows its rows by `Ownership.shows`. PostgreSQL holds every snapshot to the policy made of the same
condition (`Ownership.policy`), so that a query without its filter shows nothing of others.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Select, Table, Uuid, and_, false, literal, literal_column, or_, select
from sqlalchemy.dialects import postgresql

from projections.engine.schema import SCHEMA, generation_schema

AccountId = ColumnElement[UUID]
"""The id of an account in a statement: a value in filters, a setting of the transaction in policies."""

# A sub-select, which PostgreSQL evaluates once a statement and not for each row.
_SETTING: AccountId = literal_column("(SELECT nullif(current_setting('app.sub', true), '')::uuid)", Uuid)
_KEY = "ownership"


class Owner(NamedTuple):
    """The account whose rows a query shows. `acts`: whether it may act for providers and organizations."""

    account: UUID
    acts: bool = True


@dataclass(frozen=True)
class OwnerTables:
    """A projection's own tables of the owners of providers, the claims of guests, and the members of organizations.

    `providers`: provider_id, owner_id, mostly organization_id; `claims`: customer_id, account_id;
    `members`: organization_id, account_id, rank.
    """

    members: Table
    providers: Table
    claims: Table | None = None

    @property
    def tables(self) -> list[Table]:
        return [table for table in (self.providers, self.members, self.claims) if table is not None]

    def claimed_by(self, account: AccountId) -> Select[tuple[UUID]]:
        """The guests that an account has claimed."""
        assert self.claims is not None
        return select(self.claims.c.customer_id).where(self.claims.c.account_id == account)

    def claimed(self, guest: ColumnElement[UUID]) -> Select[tuple[UUID]]:
        """The account that has claimed a guest."""
        assert self.claims is not None
        return select(self.claims.c.account_id).where(self.claims.c.customer_id == guest)

    def owned_by(self, account: AccountId) -> Select[tuple[UUID]]:
        """The providers that an account owns."""
        return select(self.providers.c.provider_id).where(self.providers.c.owner_id == account)

    def employed_by(self, account: AccountId) -> Select[tuple[UUID]]:
        """The providers of the organizations that an account belongs to."""
        p, m = self.providers.c, self.members.c
        organizations = self.members.join(self.providers, p.organization_id == m.organization_id)
        return select(p.provider_id).select_from(organizations).where(m.account_id == account)

    def organizations_of(self, account: AccountId, ranks: Collection[str] = ()) -> Select[tuple[UUID]]:
        """The organizations that an account belongs to, with one of the ranks if any are given."""
        m = self.members.c
        query = select(m.organization_id).where(m.account_id == account)
        return query.where(m.rank.in_(ranks)) if ranks else query


@dataclass(frozen=True, kw_only=True)
class Ownership:
    """The owners of a table's rows. Declaring it puts row-level security on the table, by its `info`.

    A row belongs to its `customer` (an account, or a guest that an account has claimed), to the owner of its
    `provider` and the members of that one's organization, to the members of its `organization` (with one of
    the `ranks`, if any are named), and to those for whom `also` holds.

    A record belongs to the organization under which it was made, and not to the one that its provider belongs to now:
    `recorded` is true in the rows that say which one that was (`organization`, null for none).
    """

    table: Table
    owners: OwnerTables | None = None
    customer: Column[UUID] | None = None
    provider: Column[UUID] | None = None
    organization: Column[UUID] | None = None
    recorded: Column[bool] | None = None
    ranks: Collection[str] = field(default=())
    also: Callable[[AccountId], ColumnElement[bool]] | None = None

    def __post_init__(self) -> None:
        self.table.info[_KEY] = self

    def shows(self, owner: Owner) -> ColumnElement[bool]:
        """The condition of a query: whether a row is the owner's."""
        account = literal(owner.account, Uuid)
        return self.condition(account) if owner.acts else self.as_customer(account)

    def shows_staff(self, owner: Owner) -> ColumnElement[bool]:
        """Whether a row belongs to the owner because it acts for a provider or an organization."""
        return or_(false(), *self._as_provider(literal(owner.account, Uuid))) if owner.acts else false()

    def shows_customer(self, account: UUID) -> ColumnElement[bool]:
        """Whether a row belongs to an account as the customer, and not because it acts for a provider."""
        return self.as_customer(literal(account, Uuid))

    def policy(self, generation: int) -> str:
        """The condition as SQL for the row-level security of a generation's table."""
        schema: dict[str | None, str | None] = {SCHEMA: generation_schema(generation)}
        options = {"literal_binds": True}
        compiled = self.condition(_SETTING).compile(
            dialect=postgresql.dialect(),  # type: ignore[no-untyped-call]
            schema_translate_map=schema,
            render_schema_translate=True,
            compile_kwargs=options,
        )
        return str(compiled)

    def condition(self, account: AccountId) -> ColumnElement[bool]:
        return or_(self.as_customer(account), *self._as_provider(account))

    def as_customer(self, account: AccountId) -> ColumnElement[bool]:
        if self.customer is None:
            return false()
        if self.owners is None or self.owners.claims is None:
            return self.customer == account
        return or_(self.customer == account, self.customer.in_(self.owners.claimed_by(account)))

    def _as_provider(self, account: AccountId) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.owners is not None and self.provider is not None:
            found += [self.provider.in_(self.owners.owned_by(account))]
            employed = self.provider.in_(self.owners.employed_by(account))
            found += [employed if self.recorded is None else and_(~self.recorded, employed)]
        if self.owners is not None and self.organization is not None:
            found += [self.organization.in_(self.owners.organizations_of(account, self.ranks))]
        if self.also is not None:
            found += [self.also(account)]
        return found


def ownership_of(table: Table) -> Ownership | None:
    """The ownership of a table's rows; None for a table that is public or has no rows of one account."""
    found: Any = table.info.get(_KEY)
    return found if isinstance(found, Ownership) else None
