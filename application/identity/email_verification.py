"""Registration, and verification of an e-mail address for a new or an existing account."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from application.access import OPERATOR, Caller, Role
from application.event_log import CommandResult, EventStore
from application.identity.credentials import Credentials
from application.identity.one_time_tokens import Verification, Verifications
from application.jobs.job import JobEnqueuer, JobRequest, enqueues
from application.people.account import FindAccount, RegisterAccount, find_account, register_account
from application.people.contact import ChangeAddress, change_address
from domain.errors import Refusal
from domain.people.account import Account


@dataclass(frozen=True, slots=True)
class VerificationServices:
    """The services that verification uses."""

    store: EventStore
    credentials: Credentials
    verifications: Verifications


@enqueues("register")
async def ask_registration(said: Mapping[str, Any], jobs: JobEnqueuer, correlation: str = "") -> None:
    """Enqueue the mail with the code. The work is the same whether or not the address has an account.

    `said`: email, password (hashed), name, role, timezone, language.
    """
    await jobs.enqueue(JobRequest("register", said), correlation)


async def verify_email(secret: str, services: VerificationServices, correlation: str = "") -> CommandResult[Account]:
    """Register the account, or change its address, by the code from the mail. Raises TicketVoid, AddressTaken."""
    verification = await services.verifications.take(secret)
    act = _register if "password" in verification.said else _change
    try:
        done = await act(verification, services, correlation)
    except Refusal:
        await services.verifications.done(secret)  # a second attempt would be refused as well
        raise
    except BaseException:
        await services.verifications.give_back(secret)
        raise
    await services.verifications.done(secret)
    return done


async def _register(pending: Verification, services: VerificationServices, correlation: str) -> CommandResult[Account]:
    said, id = pending.said, pending.account_id
    role = Role(said["role"])
    # The password first: a recorded account can sign in at once; a password without an account grants nothing.
    await services.credentials.put(id, said["password"], long=True)
    command = RegisterAccount(
        by=Caller(id, role),
        account_id=id,
        role=role,
        address=await services.store.address_id(said["email"]),
        contact={
            "email": said["email"],
            "name": said["name"],
            "timezone": said["timezone"],
            "language": said["language"],
        },
        correlation=correlation,
    )
    try:
        return await register_account(command, services.store)
    except Refusal:
        await services.credentials.drop(id)
        raise


async def _change(pending: Verification, services: VerificationServices, correlation: str) -> CommandResult[Account]:
    id, email = pending.account_id, pending.said["email"]
    former = (await find_account(FindAccount(by=OPERATOR, account_id=id), services.store)).aggregate
    command = ChangeAddress(
        by=Caller(id, Role(former.role)),
        email=email,
        address=await services.store.address_id(email),
        correlation=correlation,
    )
    return await change_address(command, services.store)
