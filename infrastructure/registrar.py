"""Accounts made by whoever has the server itself, without mail: the first admin, and those of the demo."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from email_validator import validate_email

from application.access import Role
from application.account import OPERATOR, FindAccount, RegisterAccount, find_account, register_account
from application.log import Store
from application.ports import Credentials as CredentialRows
from application.ports import Passwords as Hashing
from domain.errors import NotFound, Refusal
from infrastructure.credentials import Credentials
from infrastructure.eventstore import EventStore
from infrastructure.passwords import Passwords
from infrastructure.postgres import postgres_store
from infrastructure.rowpool import RowPool
from infrastructure.settings import Settings

PEPPER = "passwords"
"""The name of the system's own secret that goes into every password's hash."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who is to have an account."""

    account_id: UUID
    role: Role
    email: str
    name: str


class Registrar:
    """Makes accounts."""

    def __init__(self, store: Store, credentials: CredentialRows, passwords: Hashing) -> None:
        self._store = store
        self._credentials = credentials
        self._passwords = passwords

    async def make(self, newcomers: Collection[Newcomer], password: str) -> None:
        """Those who are not there yet, all with this password.

        Raises WeakPassword, AddressTaken, and ValueError for what is no e-mail address.
        """
        new = [each for each in newcomers if not await self._is_there(each.account_id)]
        if not new:
            return
        self._passwords.check(password, about=[said for each in new for said in (each.email, each.name)])
        kept = await self._passwords.hash(password)
        for newcomer in new:
            await self._register(newcomer, kept)

    async def _is_there(self, account_id: UUID) -> bool:
        try:
            await find_account(FindAccount(by=OPERATOR, account_id=account_id), self._store)
        except NotFound:
            return False
        return True

    async def _register(self, newcomer: Newcomer, kept: str) -> None:
        email = validate_email(newcomer.email, check_deliverability=False).normalized
        command = RegisterAccount(
            by=OPERATOR,
            account_id=newcomer.account_id,
            role=newcomer.role,
            address=await self._store.address_id(email),
            contact={"email": email, "name": newcomer.name, "timezone": None, "language": None},
        )
        await self._credentials.put(newcomer.account_id, kept, long=True)
        try:
            await register_account(command, self._store)
        except Refusal:
            await self._credentials.drop(newcomer.account_id)
            raise


@asynccontextmanager
async def registrar_of(settings: Settings) -> AsyncIterator[tuple[EventStore, Registrar]]:
    """One for the database of the settings, with its store."""
    database = settings.database
    assert database is not None
    store = postgres_store(database.dsn, settings.masters)
    await store.open()
    try:
        passwords = Passwords(await store.keyring.secret(PEPPER))
        async with RowPool(database.dsn, size=2) as rows:
            yield store, Registrar(store, Credentials(rows, store.keyring), passwords)
        passwords.close()
    finally:
        await store.close()
