"""Moves accounts and guests to the streams that their e-mail addresses have by the present rule."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.access import demand_system
from application.event_log import Command, EventLog, command
from application.people.guest import keep, noted
from domain.kernel import Aggregate
from domain.people.account import Account
from domain.people.customer import Customer
from domain.people.email_address import Address
from domain.personal_data import PersonalData


@dataclass(frozen=True, kw_only=True)
class MoveAddress(Command):
    """Move the account or guest `id` (its stream) from one stream to another, if it is still at the first one."""

    id: UUID
    former: UUID
    address: UUID


@command
async def move_account_address(cmd: MoveAddress, log: EventLog, now: datetime) -> Account:
    """Claim the stream for the account, and release the former one. Raises AddressTaken."""
    demand_system(cmd.by)
    await log.edit_all(Aggregate, [cmd.id, cmd.former, cmd.address])
    account = await log.unseal(await log.edit(Account, cmd.id))
    if account.address != cmd.former or account.contact.value is None:
        return account
    address, former = await log.edit_all(Address, [cmd.address, cmd.former])
    address = address or Address(id=cmd.address, timestamp=now)
    address.claim(account.account_id, now)
    contact = PersonalData(account.account_id, {**account.contact.value})
    account.readdress(cmd.by.account, address.id, contact, now)
    changed = [address]
    if former is not None:
        former.release(account.account_id, now)
        changed.append(former)
    await log.record(account, *changed)
    return account


@command
async def move_guest_address(cmd: MoveAddress, log: EventLog, now: datetime) -> Customer:
    """Note the guest at the stream, and no more at the former one."""
    demand_system(cmd.by)
    await keep(log, cmd.id, cmd.address)
    guest = await log.edit(Customer, cmd.id)
    if guest.address == cmd.former:
        await log.record(guest, *await noted(log, guest, cmd.address, now))
    return guest
