"""Switch optional mails off and on: reminders and offers. All other mails state changes, and always go."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.access import demand
from application.current_state import current_state
from application.event_log import Command, CommandResult, EventLog, EventStore, command
from domain.errors import NotFound
from domain.kernel import Aggregate
from domain.people.account import Account
from domain.people.account_status import AccountForgotten
from domain.people.customer import Customer
from domain.people.email_address import Address
from domain.personal_data import PersonalData


@dataclass(frozen=True, kw_only=True)
class SetOptionalMails(Command):
    """`customer_id`: a person who gets mails, as customer or account; `by`: that person."""

    customer_id: UUID
    wanted: bool = False


@dataclass(frozen=True, kw_only=True)
class _SetOfAddress(SetOptionalMails):
    """`address`: the stream of a guest's e-mail address."""

    address: UUID


async def set_optional_mails(cmd: SetOptionalMails, store: EventStore) -> CommandResult[Aggregate]:
    """Set whether the person gets reminders and offers.

    Of an account, it is the setting `reminders` of `GET /v1/me`. Of a guest, it is a setting of the e-mail address,
    which other guests share: who reads its mail has asked. Raises NotFound.
    """
    guest = await current_state(Customer, cmd.customer_id, store)
    email = guest.email if guest is not None and guest.is_guest else None
    if email is None:
        return await _set_of_account(cmd, store)
    address = await store.address_id(email)
    of_address = _SetOfAddress(
        by=cmd.by,
        correlation=cmd.correlation,
        channel=cmd.channel,
        customer_id=cmd.customer_id,
        wanted=cmd.wanted,
        address=address,
    )
    return await _set_of_address(of_address, store)


@command
async def _set_of_account(cmd: SetOptionalMails, log: EventLog, now: datetime) -> Aggregate:
    customer = await log.find(Customer, cmd.customer_id)
    owners = customer.owners if customer is not None else (cmd.customer_id,)
    demand(cmd.by, "change_me", "customer", cmd.customer_id, *owners)
    account = await log.unseal(await log.edit(Account, Account.id_of(owners[-1])))
    contact = account.contact.value
    if contact is None:
        raise AccountForgotten
    if (contact.get("reminders") is not False) is not cmd.wanted:
        changed = PersonalData(account.account_id, {**contact, "reminders": cmd.wanted})
        account.change_contact(cmd.by.account, changed, now)
    await log.record(account)
    return account


@command
async def _set_of_address(cmd: _SetOfAddress, log: EventLog, now: datetime) -> Aggregate:
    customer = await log.load(Customer, cmd.customer_id)
    demand(cmd.by, "change_me", "customer", cmd.customer_id, *customer.owners)
    if not customer.is_guest:
        raise NotFound("guest", cmd.customer_id)  # claimed meanwhile
    (known,) = await log.edit_all(Address, [cmd.address])
    address = known or Address(id=cmd.address, timestamp=now)
    address.set_optional_mails(now, wanted=cmd.wanted)
    await log.record(address)
    return address
