"""Register, find and administer accounts. At least one active admin is required at all times."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.access import Role, demand, permit
from application.catalog.provider import check_zone
from application.ending import EndingCommand, EndingKind, cancellation
from application.event_log import Command, EventLog, EventReader, command
from application.jobs.job import JobRequest, enqueues
from application.people.customer import registered
from application.people.guest import claimed
from application.query import Lookup, query
from domain.errors import NotFound
from domain.kernel import Aggregate
from domain.people.account import Account
from domain.people.account_status import AccountContact
from domain.people.admins import Admins
from domain.people.customer import Customer, CustomerDetails
from domain.people.email_address import Address
from domain.personal_data import PersonalData

SELF_MADE = frozenset({Role.CUSTOMER, Role.PROVIDER})
"""The roles in which people register by themselves."""


@dataclass(frozen=True, kw_only=True)
class FindAccount(Lookup):
    """Find an account by id, or by the stream of its e-mail address."""

    account_id: UUID | None = None
    address: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class RegisterAccount(Command):
    """`address`: the stream of the contact's e-mail address, which was verified or entered by an admin.

    A command by the account itself is a self-made registration. `invites`: a mail lets the account's holder set the
    first password.
    """

    account_id: UUID
    role: Role
    address: UUID
    contact: AccountContact
    invites: bool = False


@dataclass(frozen=True, kw_only=True)
class ChangeAccount(EndingCommand):
    """Change an account as an admin. None leaves a field unchanged; an account that is disabled ends."""

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
@enqueues("invite")
async def register_account(cmd: RegisterAccount, log: EventLog, now: datetime) -> Account:
    """Record the account, its address and, for a customer, the customer; the account claims the address's guests.

    Raises AddressTaken. An existing account is returned unchanged.
    """
    if cmd.by.id != cmd.account_id or cmd.by.role is not cmd.role or cmd.role not in SELF_MADE:
        permit(cmd.by, "create_user")
    check_zone(cmd.contact.get("timezone") or "UTC", "/timezone")
    ids = [Account.id_of(cmd.account_id), cmd.account_id, *([Admins.ID] if cmd.role is Role.ADMIN else [])]
    address, guests, (known, customer, *admins) = await with_guests(log, cmd.address, ids, now)
    if isinstance(known, Account):
        return known
    address.claim(cmd.account_id, now)
    account = _new_account(cmd, address, now)
    changed: list[Aggregate] = [address, *claimed(account, address, guests, now)]
    if cmd.role is Role.CUSTOMER and customer is None:
        changed.append(registered(cmd.account_id, cmd.account_id, _details(cmd.contact), now))
    changed += [_joined(stream, cmd.account_id, now) for stream in admins]
    invitations = [JobRequest("invite", subject=account.id)] if cmd.invites else []
    await log.record(account, *changed, enqueues=invitations)
    return account


@command
async def change_account(cmd: ChangeAccount, log: EventLog, now: datetime) -> Account:
    """Change the role, disable or enable the account. Raises OwnRole, LastAdmin."""
    demand(cmd.by, "change_user", "account", cmd.account_id)
    id = Account.id_of(cmd.account_id)
    account, admins = await log.edit_all(Aggregate, [id, Admins.ID])
    if not isinstance(account, Account):
        raise NotFound("account", cmd.account_id)
    cmd.expect(account)
    if cmd.role is not None:
        account.change_role(cmd.by.account, str(cmd.role), now)
    jobs = cancellation(cmd, EndingKind.ACCOUNT, cmd.account_id) if cmd.disabled else ()
    if cmd.disabled is not None:
        (account.disable if cmd.disabled else account.enable)(cmd.by.account, now)
    await log.record(account, *counted(admins, account, now), enqueues=jobs)
    return account


def counted(admins: Aggregate | None, account: Account, now: datetime) -> Sequence[Admins]:
    """The stream of admins, updated after a change of the account, to record with it.

    Raises LastAdmin if no active admin would be left.
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


def _new_account(cmd: RegisterAccount, address: Address, now: datetime) -> Account:
    """A new account; whoever has switched off the optional mails to a guest of this address gets none either."""
    setting = {} if address.optional_mails else {"reminders": False}
    return Account(
        id=Account.id_of(cmd.account_id),
        by=cmd.by.account,
        account_id=cmd.account_id,
        role=str(cmd.role),
        address=cmd.address,
        contact=PersonalData(cmd.account_id, {**cmd.contact, **setting}),
        timestamp=now,
    )


async def with_guests(
    log: EventLog, address_id: UUID, ids: Sequence[UUID], now: datetime
) -> tuple[Address, Sequence[Customer], Sequence[Aggregate | None]]:
    """Copies to change of an address, its guests and others, locked together so that commands can't deadlock."""
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


def _details(contact: AccountContact) -> CustomerDetails:
    """The details of a new customer."""
    return {
        "name": contact["name"],
        "email": contact["email"],
        "timezone": contact.get("timezone"),
        "phone": contact.get("phone"),
        "note": "",
    }
