"""Accounts: role and status."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Column, Index, Table, Text, select

from domain.people.account import Account
from domain.people.account_status import NOTIFICATIONS, AccountStatus
from domain.personal_data import PersonalData
from projections.engine.projection import Projection, RecordedEvent
from projections.engine.row_batch import RowBatch
from projections.engine.schema import instant, json, metadata, uuid
from projections.query import text
from projections.query.ownership import Ownership
from projections.query.paging import Page, fetch, narrowed
from projections.query.snapshot import Snapshot

CONTACT = ("email", "name", "timezone", "language", "phone")

account = Table(
    "account",
    metadata,
    uuid("stream", primary_key=True),
    uuid("id", unique=True),
    Column("version", BigInteger, nullable=False),
    Column("role", Text, nullable=False),
    Column("standing", Text, nullable=False),
    Column("email", Text),
    Column("name", Text),
    Column("timezone", Text),
    Column("language", Text),
    Column("phone", Text),
    Column("folded", Text, nullable=False),  # e-mail address and name, for search
    Column("reminders", Boolean, nullable=False),
    json("notifications"),
    instant("created_at"),
    instant("forgetting_due", nullable=True),
    Index("account_created_at", "created_at", "id"),
)
ownership = Ownership(table=account, customer=account.c.id)


@dataclass(frozen=True, slots=True)
class ListedAccount:
    """An account as of the snapshot. Personal data is None once its person is erased.

    `reminders`: whether its holder wants optional mails; `notifications`: which changes of their providers'
    appointments they are told of.
    """

    id: UUID
    version: int
    role: str
    standing: str
    email: str | None
    name: str | None
    timezone: str | None
    language: str | None
    phone: str | None
    reminders: bool
    notifications: Mapping[str, bool]
    created_at: datetime
    forgetting_due: datetime | None


def project(recorded: RecordedEvent, rows: RowBatch) -> None:
    event, stream, version = recorded.event, {"stream": recorded.stream}, {"version": recorded.version}
    match event:
        case Account.Registered():
            rows.put(account, **stream, **version, **_registered(event))
        case Account.ContactChanged() | Account.AddressChanged():
            rows.set(account, stream, **version, **_contact(event.contact))
        case Account.RoleChanged():
            rows.set(account, stream, **version, role=event.role)
        case Account.Disabled():
            rows.set(account, stream, **version, standing=AccountStatus.DISABLED.value)
        case Account.Enabled():
            rows.set(account, stream, **version, standing=AccountStatus.ACTIVE.value)
        case Account.ForgettingAsked():
            rows.set(account, stream, **version, forgetting_due=event.due_at)
        case Account.ForgettingCancelled():
            rows.set(account, stream, **version, forgetting_due=None)
        case Account.Forgotten():
            rows.set(account, stream, **version, **_FORGOTTEN)
        case Account.Event():
            rows.set(account, stream, **version)
        case _:
            pass


_FORGOTTEN: dict[str, Any] = {
    "standing": AccountStatus.FORGOTTEN.value,
    "forgetting_due": None,
    **dict.fromkeys(CONTACT),
    "folded": "",
    "reminders": False,
    "notifications": dict.fromkeys(NOTIFICATIONS, False),
}


def _registered(event: Account.Registered) -> dict[str, Any]:
    return {
        "id": event.account_id,
        "role": event.role,
        "standing": AccountStatus.ACTIVE.value,
        "created_at": event.timestamp,
        "forgetting_due": None,
        **_contact(event.contact),
    }


def _contact(contact: PersonalData) -> dict[str, Any]:
    folded = text.folded(contact.get("email"), contact.get("name"))
    known = {name: contact.get(name) for name in CONTACT}
    return {"folded": folded, **known, **wanted(contact)}


def wanted(contact: PersonalData) -> dict[str, Any]:
    """The mails that an account's holder wants: `reminders` and `notifications`. None once the person is erased."""
    there = contact.value is not None
    chosen = contact.get("notifications") or {}
    return {
        "reminders": there and contact.get("reminders") is not False,
        "notifications": {name: there and chosen.get(name, default) for name, default in NOTIFICATIONS.items()},
    }


accounts = Projection("account", [account], project, (Account,))

_holders = select(*(account.c[name] for name in ListedAccount.__dataclass_fields__))


async def get(read: Snapshot, id: UUID) -> ListedAccount | None:
    """The account; None if there is none."""
    found = (await read.connection.execute(_holders.where(account.c.id == id))).one_or_none()
    return None if found is None else ListedAccount(**found._mapping)


async def names(read: Snapshot, ids: Collection[UUID]) -> Mapping[UUID, str]:
    """The names of accounts; an erased or unknown person has none."""
    query = select(account.c.id, account.c.name).where(account.c.id.in_(ids), account.c.name.is_not(None))
    return {row.id: row.name for row in await read.connection.execute(query)}


async def find(
    read: Snapshot, page: Page, *, role: str | None = None, standing: str | None = None, q: str | None = None
) -> tuple[Sequence[ListedAccount], str | None]:
    """Accounts by age; and the next page's cursor. `q`: words, all in the e-mail address or the name."""
    a = account.c
    query = narrowed(
        _holders,
        (role, a.role.__eq__),
        (standing, a.standing.__eq__),
        (q, lambda q: text.has_words(a.folded, q)),
    )
    return await fetch(read.connection, query.order_by(a.created_at, a.id), page, ListedAccount)
