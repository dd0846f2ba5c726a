"""Register, find and change accounts; at least one active admin always stays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from application.access import Role, demand, permit
from application.catalog.provider import check_zone
from application.event_log import Command, EventLog, EventReader, command
from application.people.customer import registered
from application.people.guest import claimed
from application.query import Query, query
from domain.errors import NotFound
from domain.kernel import Aggregate
from domain.people.account import Account, AccountForgotten
from domain.people.admins import Admins
from domain.people.customer import Customer
from domain.people.email_address import Address
from domain.personal_data import PersonalData

SELF_MADE = frozenset({Role.CUSTOMER, Role.PROVIDER})
"""The roles that people register in by themselves."""


@dataclass(frozen=True, kw_only=True)
class FindAccount(Query):
    """By id, or by the stream of its e-mail address."""

    account_id: UUID | None = None
    address: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class RegisterAccount(Command):
    """`address`: the stream of contact's e-mail address, proven to be theirs or vouched for by an admin.

    `contact`: email, name, timezone, language. By the account itself, it is a self-made registration.
    """

    account_id: UUID
    role: Role
    address: UUID
    contact: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ChangeContact(Command):
    """The caller's own. `contact`: the fields to replace, of name, timezone, language."""

    contact: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ChangeAddress(Command):
    """The caller's own. `address`: the stream of `email`, which they have proven to be theirs."""

    email: str
    address: UUID


@dataclass(frozen=True, kw_only=True)
class ChangeAccount(Command):
    """By an admin; None leaves it as it is."""

    account_id: UUID
    role: Role | None = None
    disabled: bool | None = None


@query
async def find_account(asked: FindAccount, log: EventReader, _: datetime) -> Account:
    """The current state of the account; raises NotFound."""
    account_id = asked.account_id
    if asked.address is not None:
        address = await log.find(Address, asked.address)
        account_id = address.holder if address else None
    if account_id is None:
        raise NotFound("account", "of this address")
    return await load_account(log, account_id)


@command
async def register_account(cmd: RegisterAccount, log: EventLog, now: datetime) -> Account:
    """The account, its address and, for a customer, the customer's record; guests of that address are theirs.

    Raises AddressTaken. An account that is there is answered as it is.
    """
    if cmd.by.id != cmd.account_id or cmd.by.role is not cmd.role or cmd.role not in SELF_MADE:
        permit(cmd.by, "create_user")
    check_zone(cmd.contact.get("timezone") or "UTC", "/timezone")
    ids = [Account.id_of(cmd.account_id), cmd.account_id, *([Admins.ID] if cmd.role is Role.ADMIN else [])]
    address, guests, (known, customer, *admins) = await _there(log, cmd.address, ids, now)
    if isinstance(known, Account):
        return known
    address.claim(cmd.account_id, now)
    account = Account(
        id=ids[0],
        by=cmd.by.account,
        account_id=cmd.account_id,
        role=str(cmd.role),
        address=address.id,
        contact=PersonalData(cmd.account_id, dict(cmd.contact)),
        timestamp=now,
    )
    changed: list[Aggregate] = [address, *claimed(account, address, guests, now)]
    if cmd.role is Role.CUSTOMER and customer is None:
        changed.append(registered(cmd.account_id, cmd.account_id, _details(cmd.contact), now))
    changed += [_joined(stream, cmd.account_id, now) for stream in admins]
    await log.record(account, *changed)
    return account


@command
async def change_contact(cmd: ChangeContact, log: EventLog, now: datetime) -> Account:
    """The caller's own name, time zone, language."""
    permit(cmd.by, "change_me")
    check_zone(cmd.contact.get("timezone") or "UTC", "/timezone")
    account = await _own(cmd, log)
    cmd.expect(account)
    contact = await _contact(log, account)
    if {**contact, **cmd.contact} != contact:
        account.change_contact(cmd.by.account, PersonalData(account.account_id, {**contact, **cmd.contact}), now)
    await log.record(account)
    return account


@command
async def change_address(cmd: ChangeAddress, log: EventLog, now: datetime) -> Account:
    """Another e-mail address, which was proven. Guests noted at it are the account's. Raises AddressTaken."""
    permit(cmd.by, "change_me")
    id = Account.id_of(cmd.by.account)
    former = (await load_account(log, cmd.by.account)).address
    address, guests, (_, left) = await _there(log, cmd.address, (id, former), now)
    account = await _own(cmd, log)
    if account.address == address.id:
        return account
    contact = await _contact(log, account)
    address.claim(account.account_id, now)
    told = PersonalData(account.account_id, {**contact, "email": cmd.email})
    account.change_address(cmd.by.account, address.id, told, now)
    changed: list[Aggregate] = [address, *claimed(account, address, guests, now)]
    if isinstance(left, Address):
        left.release(account.account_id, now)
        changed.append(left)
    await log.record(account, *changed)
    return account


@command
async def change_account(cmd: ChangeAccount, log: EventLog, now: datetime) -> Account:
    """Another role, or may act no longer, or again. Raises OwnRole, LastAdmin."""
    demand(cmd.by, "change_user", "account", cmd.account_id)
    id = Account.id_of(cmd.account_id)
    account, admins = await log.edit_all(Aggregate, [id, Admins.ID])
    if not isinstance(account, Account):
        raise NotFound("account", cmd.account_id)
    cmd.expect(account)
    if cmd.role is not None:
        account.change_role(cmd.by.account, str(cmd.role), now)
    if cmd.disabled is not None:
        (account.disable if cmd.disabled else account.enable)(cmd.by.account, now)
    await log.record(account, *counted(admins, account, now))
    return account


def counted(admins: Aggregate | None, account: Account, now: datetime) -> Sequence[Admins]:
    """The stream of admins, brought in line with the account; for every command that may make it none.

    Raises LastAdmin if nobody would be left.
    """
    if account.active and account.role == Role.ADMIN:
        return [_joined(admins, account.account_id, now)]
    if isinstance(admins, Admins):
        admins.leave(account.account_id, now)
        return [admins]
    return []


async def load_account(log: EventReader, account_id: UUID) -> Account:
    """To read; raises NotFound."""
    return await log.load(Account, Account.id_of(account_id))


async def _own(cmd: Command, log: EventLog) -> Account:
    """The caller's account, to change; raises AccountDisabled, AccountForgotten."""
    account = await log.edit(Account, Account.id_of(cmd.by.account))
    account.check_active()
    return account


async def _contact(log: EventLog, account: Account) -> Mapping[str, Any]:
    """As the person told it; raises AccountForgotten if nobody can read it any more."""
    contact = (await log.unseal(account)).contact.value
    if contact is None:
        raise AccountForgotten
    return dict(contact)


async def _there(
    log: EventLog, address_id: UUID, ids: Sequence[UUID], now: datetime
) -> tuple[Address, Sequence[Customer], Sequence[Aggregate | None]]:
    """To change: an address, its guests, and others. All in one go, so that nobody waits in a circle."""
    seen = await log.find(Address, address_id)
    guests = seen.guests if seen else ()
    address, *rest = await log.edit_all(Aggregate, [address_id, *ids, *guests])
    noted = [guest for guest in rest[len(ids) :] if isinstance(guest, Customer)]
    stream = address if isinstance(address, Address) else Address(id=address_id, timestamp=now)
    return stream, noted, rest[: len(ids)]


def _joined(admins: Aggregate | None, account_id: UUID, now: datetime) -> Admins:
    stream = admins if isinstance(admins, Admins) else Admins(id=Admins.ID, timestamp=now)
    stream.join(account_id, now)
    return stream


def _details(contact: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a new customer's record says."""
    told = {name: contact.get(name) for name in ("name", "email", "timezone")}
    return {**told, "phone": None, "note": ""}
