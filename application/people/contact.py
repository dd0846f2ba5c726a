"""Change the caller's own contact details and e-mail address."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from application.access import permit
from application.catalog.provider import check_zone
from application.event_log import Command, EventLog, command
from application.jobs.job import JobRequest, enqueues
from application.people.account import load_account, with_guests
from application.people.email_address import masked
from application.people.guest import claimed
from domain.kernel import Aggregate
from domain.people.account import Account
from domain.people.account_status import AccountForgotten
from domain.people.email_address import Address
from domain.personal_data import PersonalData


@dataclass(frozen=True, kw_only=True)
class ChangeContact(Command):
    """`contact`: the fields to replace, of name, timezone, language, reminders, notifications.

    `email`: another e-mail address, which gets a code and counts once that is proven. `credential`: the version of the
    credentials that the caller proved; `network`: that of the request.
    """

    contact: Mapping[str, Any]
    email: str | None = None
    credential: int | None = None
    network: str = ""


@dataclass(frozen=True, kw_only=True)
class ChangeAddress(Command):
    """`address`: the stream of `email`, which was verified."""

    email: str
    address: UUID


@command
@enqueues("change_address")
async def change_contact(cmd: ChangeContact, log: EventLog, now: datetime) -> Account:
    """Change name, time zone, language and reminders; have a code mailed to another address."""
    permit(cmd.by, "change_me")
    check_zone(cmd.contact.get("timezone") or "UTC", "/timezone")
    account = await _own(cmd, log)
    cmd.expect(account)
    contact = await _contact(log, account)
    changed = _replaced(contact, cmd.contact)
    if changed != contact:
        account.change_contact(cmd.by.account, PersonalData(account.account_id, changed), now)
    code = JobRequest("change_address", _asked(cmd, account, now), subject=account.id)
    await log.record(account, enqueues=[code] if cmd.email else [])
    return account


def _replaced(contact: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """The contact with other fields; of `notifications`, only the kinds that are named change."""
    changed = {**contact, **fields}
    if "notifications" in fields:
        changed["notifications"] = {**(contact.get("notifications") or {}), **fields["notifications"]}
    return changed


def _asked(cmd: ChangeContact, account: Account, now: datetime) -> Mapping[str, Any]:
    """What the mail with the code tells; the code is bound to the account and its credentials as they are now."""
    bound = {"credential": cmd.credential, "version": account.version}
    return {"email": cmd.email, "asked_at": now.isoformat(), "network": cmd.network, **bound}


@command
@enqueues("account_notice")
async def change_address(cmd: ChangeAddress, log: EventLog, now: datetime) -> Account:
    """Change the e-mail address, and tell the former one; the account claims the guests noted at the new one.

    Raises AddressTaken.
    """
    permit(cmd.by, "change_me")
    id = Account.id_of(cmd.by.account)
    former = (await load_account(log, cmd.by.account)).address
    address, guests, (_, former_address) = await with_guests(log, cmd.address, (id, former), now)
    account = await _own(cmd, log)
    if account.address == address.id:
        return account
    contact = await _contact(log, account)
    address.claim(account.account_id, now)
    changed_contact = PersonalData(account.account_id, {**contact, "email": cmd.email})
    account.change_address(cmd.by.account, address.id, changed_contact, now)
    changed: list[Aggregate] = [address, *claimed(account, address, guests, now)]
    if isinstance(former_address, Address):
        former_address.release(account.account_id, now)
        changed.append(former_address)
    letter = {"letter": "address-changed", "to": contact["email"], "masked": masked(cmd.email)}
    notice = JobRequest("account_notice", letter, subject=account.id, slot="address-changed")
    await log.record(account, *changed, enqueues=[notice])
    return account


async def _own(cmd: Command, log: EventLog) -> Account:
    """The caller's account, to change; raises AccountDisabled, AccountForgotten."""
    account = await log.edit(Account, Account.id_of(cmd.by.account))
    account.check_active()
    return account


async def _contact(log: EventLog, account: Account) -> Mapping[str, Any]:
    """The decrypted contact; raises AccountForgotten once the person is erased."""
    contact = (await log.unseal(account)).contact.value
    if contact is None:
        raise AccountForgotten
    return dict(contact)
