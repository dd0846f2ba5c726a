"""Accounts that the operator creates without mail: the first admin, and those of the demo."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from application.access import OPERATOR, Role
from application.event_log import EventStore
from application.identity.credentials import Credentials as CredentialRows
from application.identity.totp import reset_totp
from application.people.account import FindAccount, RegisterAccount, find_account, register_account
from application.people.email_address import deliverable
from domain.errors import NotFound, Refusal
from infrastructure.database.row_pool import RowPool
from infrastructure.event_log.postgres_journal import postgres_store
from infrastructure.identity.credentials import Credentials
from infrastructure.identity.passwords import Passwords
from infrastructure.identity.services import TokenKeys, open_identity_services
from infrastructure.jobs.enqueuing import JobEnqueuer
from infrastructure.settings import Settings

PEPPER = "passwords"
"""The name of the system's own secret in every password's hash."""


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to create."""

    account_id: UUID
    role: Role
    email: str
    name: str


class AccountProvisioning:
    """Creates accounts. `pepper`: the system's own secret in every password's hash; `breached`: refused passwords."""

    def __init__(
        self, store: EventStore, credentials: CredentialRows, pepper: bytes, breached: Path | None = None
    ) -> None:
        self._breached = breached
        self._store = store
        self._credentials = credentials
        self._pepper = pepper

    async def settle(self, newcomers: Collection[NewAccount], password: str) -> None:
        """As `make`, but skip newcomers whose id or address has an account already."""
        await self.make([each for each in newcomers if not await self._exists(each)], password)

    async def make(self, newcomers: Collection[NewAccount], password: str) -> None:
        """Create accounts with this password. Raises WeakPassword, AddressTaken, ValueError for a bad address."""
        if not newcomers:
            return
        passwords = Passwords(self._pepper, breached=self._breached)  # only when needed: creating it hashes a password
        about = [word for each in newcomers for word in (each.email, each.name)]
        passwords.check(password, about=about)
        hashed = await passwords.hash(password)
        passwords.close()
        for newcomer in newcomers:
            await self._register(newcomer, hashed)

    async def _exists(self, newcomer: NewAccount) -> bool:
        by_id = FindAccount(by=OPERATOR, account_id=newcomer.account_id)
        by_address = FindAccount(by=OPERATOR, address=await self._store.address_id(newcomer.email))
        return await self._finds(by_id) or await self._finds(by_address)

    async def _finds(self, asked: FindAccount) -> bool:
        try:
            await find_account(asked, self._store)
        except NotFound:
            return False
        return True

    async def _register(self, newcomer: NewAccount, hashed: str) -> None:
        email = deliverable(newcomer.email)
        command = RegisterAccount(
            by=OPERATOR,
            account_id=newcomer.account_id,
            role=newcomer.role,
            address=await self._store.address_id(email),
            contact={"email": email, "name": newcomer.name, "timezone": None, "language": None},
        )
        await self._credentials.put(newcomer.account_id, hashed, long=True)
        try:
            await register_account(command, self._store)
        except Refusal:
            await self._credentials.drop(newcomer.account_id)
            raise


async def reset_totp_of(settings: Settings, email: str) -> None:
    """Switch two-step sign-in off for the account of this address. Raises NotFound, NoCodes."""
    database, keys = settings.database, TokenKeys(settings.secret_key.get_secret_value())
    assert database is not None
    store = postgres_store(database.dsn, settings.masters)
    await store.open()
    try:
        async with RowPool(database.dsn, size=2) as rows:
            jobs = JobEnqueuer(rows, store.keyring)
            async with open_identity_services(database.dsn, store, jobs, keys, rows) as opened:
                asked = FindAccount(by=OPERATOR, address=await store.address_id(email))
                account = (await find_account(asked, store)).aggregate
                await reset_totp(account.account_id, opened.signing)
    finally:
        await store.close()


@asynccontextmanager
async def registrar_of(settings: Settings) -> AsyncIterator[AccountProvisioning]:
    """Account provisioning on the database of the settings."""
    database = settings.database
    assert database is not None
    store = postgres_store(database.dsn, settings.masters)
    await store.open()
    try:
        async with RowPool(database.dsn, size=2) as rows:
            credentials = Credentials(rows, store.keyring)
            pepper = await store.keyring.secret(PEPPER)
            yield AccountProvisioning(store, credentials, pepper, settings.breached_passwords)
    finally:
        await store.close()
