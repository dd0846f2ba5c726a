"""Register, find, change and end accounts."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.log import Command, Log, command
from domain.account import Account
from domain.address import Address
from domain.errors import NotFound


@dataclass(frozen=True, kw_only=True)
class FindAccount(Command):
    """By id, or by the stream of its e-mail address."""

    account_id: UUID | None = None
    address: UUID | None = None


@command
async def find_account(cmd: FindAccount, log: Log, now: datetime) -> Account:  # noqa: ARG001
    """The account as it is now, not as some cache has it; raises NotFound."""
    account_id = cmd.account_id
    if cmd.address is not None:
        address = await log.find(Address, cmd.address)
        account_id = address.holder if address else None
    if account_id is None:
        raise NotFound("account", "of this address")
    return await log.load(Account, Account.id_of(account_id))
