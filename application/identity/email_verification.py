"""Prove an e-mail address: what was registered with it becomes an account, or an account takes it."""

from dataclasses import dataclass

from application.access import OPERATOR, Caller, Role
from application.errands import Errands
from application.event_log import CommandResult, EventStore
from application.identity.credentials import Credentials
from application.identity.one_time_tokens import Verification, Verifications
from application.people.account import FindAccount, RegisterAccount, find_account, register_account
from application.people.contact import ChangeAddress, change_address
from domain.errors import Refusal
from domain.people.account import Account


@dataclass(frozen=True, slots=True)
class Means:
    """With what an address is proven."""

    store: EventStore
    credentials: Credentials
    verifications: Verifications
    errands: Errands


async def verify_email(secret: str, means: Means, correlation: str = "") -> CommandResult[Account]:
    """Whoever has the secret reads the address's mail. Raises TicketVoid, AddressTaken."""
    verification = await means.verifications.take(secret)
    act = _register if "password" in verification.said else _change
    try:
        done = await act(verification, means, correlation)
    except Refusal:
        await means.verifications.done(secret)  # it will never be true
        raise
    except BaseException:
        await means.verifications.give_back(secret)
        raise
    await means.verifications.done(secret)
    return done


async def _register(pending: Verification, means: Means, correlation: str) -> CommandResult[Account]:
    said, id = pending.said, pending.account_id
    role = Role(said["role"])
    # The password first: whoever is recorded can sign in, and a password without account opens nothing.
    await means.credentials.put(id, said["password"], long=True)
    command = RegisterAccount(
        by=Caller(id, role),
        account_id=id,
        role=role,
        address=await means.store.address_id(said["email"]),
        contact={
            "email": said["email"],
            "name": said["name"],
            "timezone": said["timezone"],
            "language": said["language"],
        },
        correlation=correlation,
    )
    try:
        return await register_account(command, means.store)
    except Refusal:
        await means.credentials.drop(id)
        raise


async def _change(pending: Verification, means: Means, correlation: str) -> CommandResult[Account]:
    id, email = pending.account_id, pending.said["email"]
    former = (await find_account(FindAccount(by=OPERATOR, account_id=id), means.store)).aggregate
    command = ChangeAddress(
        by=Caller(id, Role(former.role)),
        email=email,
        address=await means.store.address_id(email),
        correlation=correlation,
    )
    done = await change_address(command, means.store)
    if (to := former.contact.get("email")) is not None:
        said = {"account_id": str(id), "letter": "address-changed", "to": to}
        await means.errands.ask("notice", said)
    return done
