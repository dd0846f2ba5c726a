"""Registration, and verification of an e-mail address for a new or an existing account."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from application.access import Caller, Role
from application.current_state import current_state
from application.event_log import CommandResult, EventStore
from application.identity.credentials import Credentials
from application.identity.one_time_tokens import TicketVoid, Verification, Verifications
from application.jobs.job import JobEnqueuer, JobRequest, enqueues
from application.people.account import RegisterAccount, register_account
from application.people.contact import ChangeAddress, change_address
from domain.kernel import new_id
from domain.people.account import Account
from domain.people.email_address import AddressTaken


@dataclass(frozen=True, slots=True)
class VerificationServices:
    """The services that verification uses. `atomically`: the rows written within the block are committed together."""

    store: EventStore
    credentials: Credentials
    verifications: Verifications
    atomically: Callable[[], AbstractAsyncContextManager[object]]


@enqueues("register")
async def ask_registration(
    said: Mapping[str, Any], network: str, store: EventStore, jobs: JobEnqueuer, correlation: str = ""
) -> None:
    """Enqueue the mail with the code. The work is the same whether or not the address has an account.

    `said`: email, password (hashed), name, role, timezone, language. `network`: that of the request.
    """
    asked = {"account_id": str(new_id()), "asked_at": store.now().isoformat(), "network": network}
    await jobs.enqueue(JobRequest("register", {**said, **asked}), correlation)


async def verify_email(secret: str, services: VerificationServices, correlation: str = "") -> CommandResult[Account]:
    """Register the account, or change its address, by the code from the mail. Raises TicketVoid.

    The row of the code is locked until the log has recorded the change, and deleted with it. After a crash in
    between, the same code finishes what is left.
    """
    async with services.atomically():
        pending = await services.verifications.take(secret)
        address = await services.store.address_id(pending.said["email"])
        account = await current_state(Account, Account.id_of(pending.account_id), services.store)
        try:
            if "password" in pending.said:
                done = await _register(pending, address, account, services, correlation)
            else:
                done = await _change(pending, address, account, services, correlation)
        except AddressTaken:
            raise TicketVoid from None
        await services.verifications.done(secret)
    return done


async def _register(
    pending: Verification, address: UUID, account: Account | None, services: VerificationServices, correlation: str
) -> CommandResult[Account]:
    said, id = pending.said, pending.account_id
    if account is None and pending.void:
        raise TicketVoid
    if await services.credentials.get(id) is None:
        await services.credentials.put(id, said["password"], long=True)
    role = Role(said["role"])
    command = RegisterAccount(
        by=Caller(id, role, means="code"),
        account_id=id,
        role=role,
        address=address,
        contact={
            "email": said["email"],
            "name": said["name"],
            "timezone": said["timezone"],
            "language": said["language"],
        },
        correlation=correlation,
    )
    return await register_account(command, services.store)


async def _change(
    pending: Verification, address: UUID, account: Account | None, services: VerificationServices, correlation: str
) -> CommandResult[Account]:
    if account is None or (pending.void and account.address != address):
        raise TicketVoid
    by = Caller(pending.account_id, Role(account.role), means="code")
    command = ChangeAddress(by=by, email=pending.said["email"], address=address, correlation=correlation)
    return await change_address(command, services.store)
