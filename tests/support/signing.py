"""Somebody who can sign in, and the parts by which they do, on a database of the test's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import pyotp

from application.access import ANONYMOUS, Role
from application.event_log import Command, EventLog, command
from application.identity.session import Signing
from domain.kernel import new_id
from domain.people.account import Account
from domain.people.email_address import Address
from domain.personal_data import PersonalData
from infrastructure.database.row_pool import RowPool
from infrastructure.event_log.event_store import EventStore
from infrastructure.identity.services import IdentityOptions, IdentityServices, TokenKeys, open_identity_services
from infrastructure.jobs.enqueuing import JobEnqueuer
from tests.support.waiting import PATIENCE

SECRET = "a secret of the tests, long enough to sign with"
PASSWORD = "a quiet harbour at noon"
PEPPER = b"p" * 32
CHEAP = 4  # bcrypt's cost where it does not matter
ASKED_WITHIN = 10.0  # seconds


@asynccontextmanager
async def a_signing(dsn: str, store: EventStore, **options: Any) -> AsyncIterator[IdentityServices]:
    """The parts, as a process of its own would have them. `rows`: an open pool to use."""
    given = options.pop("rows", None)
    keys, cheap = TokenKeys(SECRET), IdentityOptions(**{"cost": CHEAP, **options})
    async with AsyncExitStack() as stack:
        rows = given or await stack.enter_async_context(RowPool(dsn, size=4, patience=PATIENCE))
        jobs = JobEnqueuer(rows, store.keyring)
        yield await stack.enter_async_context(open_identity_services(dsn, store, jobs, keys, rows, cheap))


@dataclass(frozen=True, kw_only=True)
class _Register(Command):
    account_id: UUID
    address: UUID
    email: str
    role: Role


@command
async def _register(cmd: _Register, log: EventLog, now: Any) -> Account:
    address = Address(id=cmd.address, timestamp=now)
    address.claim(cmd.account_id, now)
    account = Account(
        id=Account.id_of(cmd.account_id),
        by=cmd.account_id,
        account_id=cmd.account_id,
        role=str(cmd.role),
        address=address.id,
        contact=PersonalData(cmd.account_id, {"email": cmd.email, "name": "Grace Hopper"}),
        timestamp=now,
    )
    await log.record(account, address)
    return account


@dataclass(frozen=True, kw_only=True)
class _Change(Command):
    account_id: UUID
    what: str
    role: str = ""


@command
async def _change(cmd: _Change, log: EventLog, now: Any) -> Account:
    account = await log.edit(Account, Account.id_of(cmd.account_id))
    if cmd.what == "role":
        account.change_role(new_id(), cmd.role, now)
    elif cmd.what == "forget":
        account.forget(new_id(), now)
    elif cmd.what == "enable":
        account.enable(new_id(), now)
    else:
        account.disable(new_id(), now)
    await log.record(account)
    return account


async def recorded(store: EventStore, email: str, role: Role = Role.CUSTOMER) -> UUID:
    """An account in the event log alone; its id."""
    id = new_id()
    said = _Register(by=ANONYMOUS, account_id=id, address=await store.address_id(email), email=email, role=role)
    await _register(said, store)
    return id


async def an_account(signing: Signing, email: str, *, password: str = PASSWORD, role: Role = Role.CUSTOMER) -> UUID:
    """Somebody with an account; its id."""
    id = await recorded(signing.store, email, role)  # type: ignore[arg-type]
    await signing.credentials.put(id, await signing.passwords.hash(password), long=len(password) >= 15)
    return id


async def change(store: EventStore, account_id: UUID, what: str, role: str = "") -> None:
    """`what`: "disable", "enable", "forget" or "role", as an admin would."""
    await _change(_Change(by=ANONYMOUS, account_id=account_id, what=what, role=role), store)


async def one_time_code(totp: pyotp.TOTP, now: Callable[[], datetime], steps: int = 0) -> str:
    """The code of now, or of so many steps later.

    The code of the step before counts for the rest of this step alone: it is not given so late in a step that it
    might be asked about in the next one.
    """
    left = totp.interval - now().timestamp() % totp.interval
    if steps < 0 and left < ASKED_WITHIN:
        await asyncio.sleep(left)
    return totp.at(now(), counter_offset=steps)
