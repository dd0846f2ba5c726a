"""E-mail addresses whose stream has another id by the present rule: recorded anew, once.

Release 0.1.0 folded addresses by `str.casefold`, which made one of straße and strasse. Nothing is rewritten: the
accounts and guests concerned move by events.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import structlog

from application.access import SYSTEM
from application.current_state import current_state
from application.event_log import EventStore
from application.people.address_stream import MoveAddress, move_account_address, move_guest_address
from domain.people.account import Account
from domain.people.account_status import AccountStatus
from domain.people.customer import Customer
from domain.people.email_address import AddressTaken
from infrastructure.event_log.postgres_journal import postgres_store
from infrastructure.privacy.master_keys import MasterKeys

AT_ONCE = 16  # streams
_MARK = "SELECT upto, (SELECT coalesce(max(upto), 0) FROM log.seal) FROM auth.address_mark"
_FOUND = """
    SELECT DISTINCT originator_id, topic = 'Customer.AddressNoted' FROM log.stored_events
    WHERE notification_id > %s AND notification_id <= %s
    AND topic IN ('Account.Registered', 'Account.AddressChanged', 'Customer.AddressNoted')"""
_DONE = "UPDATE auth.address_mark SET upto = greatest(upto, %s)"
_UPGRADE = replace(SYSTEM, means="cli")
logger = structlog.get_logger(__name__)


def move_addresses(owner_dsn: str, masters: MasterKeys) -> int:
    """Move all that are to move, of what was recorded since the last run; how many. Safe to repeat."""
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        mark, head = _row(connection, _MARK)
        found = connection.execute(_FOUND, [mark, head]).fetchall()
        moved = asyncio.run(_move(owner_dsn, masters, found)) if found else 0
        connection.execute(_DONE, [head])
    return moved


def _row(connection: psycopg.Connection, query: str) -> tuple[Any, ...]:
    found = connection.execute(query.encode()).fetchone()
    assert found is not None
    return found


async def _move(dsn: str, masters: MasterKeys, found: Sequence[tuple[UUID, bool]]) -> int:
    store = postgres_store(dsn, masters)
    await store.open()
    try:
        moved = 0
        for start in range(0, len(found), AT_ONCE):
            page = [_moved(store, *each) for each in found[start : start + AT_ONCE]]
            moved += sum(await asyncio.gather(*page))
    finally:
        await store.close()
    if moved:
        logger.info("e-mail addresses moved to their own streams", count=moved)
    return moved


async def _moved(store: EventStore, id: UUID, is_guest: bool) -> bool:
    address, email = await (_guest(store, id) if is_guest else _account(store, id))
    present = await store.address_id(email) if email else None
    if address is None or present is None or address == present:
        return False
    command = MoveAddress(by=_UPGRADE, cause="upgrade", id=id, former=address, address=present)
    try:
        await (move_guest_address if is_guest else move_account_address)(command, store)
    except AddressTaken:
        logger.warning("an account shares its e-mail address with another", account=str(id))
        return False
    return True


async def _account(store: EventStore, id: UUID) -> tuple[UUID | None, str | None]:
    """The stream of the account's address, and the address; None once the person is erased."""
    account = await current_state(Account, id, store)
    if account is None or account.status is AccountStatus.FORGOTTEN:
        return None, None
    return account.address, account.contact.get("email")


async def _guest(store: EventStore, id: UUID) -> tuple[UUID | None, str | None]:
    """As `_account`, for a guest; None for others."""
    guest = await current_state(Customer, id, store)
    return (guest.address, guest.email) if guest and guest.is_guest and not guest.deleted else (None, None)
