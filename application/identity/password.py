"""Change a password, or set a new one by a link that came by mail."""

from uuid import UUID

from application.access import Caller
from application.identity.credentials import Credential
from application.identity.session import Signing, account_of
from domain.errors import Forbidden
from domain.people.account import Account

LONG, WITH_CODES = 15, 8
"""Characters at least: of a password alone, and of one beside one-time codes."""


class WrongPassword(Forbidden):
    """This is not your password."""


async def prove(by: Caller, password: str, network: str, signing: Signing) -> Credential:
    """The caller's credential, for what needs the password again; raises WrongPassword."""
    credential = await signing.credentials.get(by.account)
    right = await signing.passwords.verify(password, credential.password if credential else None)
    if credential is None or not right:
        await signing.security.note("password_refused", by.account, network=network)
        raise WrongPassword
    return credential


async def change_password(by: Caller, old: str, new: str, network: str, signing: Signing) -> None:
    """Ends all other sessions. Raises WrongPassword, WeakPassword."""
    credential = await prove(by, old, network, signing)
    account = await account_of(by.account, signing)
    await _check(account, credential, new, signing)
    await _put(by.account, new, signing)
    await signing.sessions.end(by.account, keep=by.session)
    await _tell("password_changed", by.account, network, signing)


async def request_password_reset(email: str, network: str, signing: Signing) -> None:
    """Whoever has this address gets a link; whether anybody has is found out later, out of sight."""
    await signing.errands.ask("reset", {"email": email})
    await signing.security.note("reset_asked", network=network)


async def reset_password(ticket: str, new: str, network: str, signing: Signing) -> None:
    """Ends all sessions. Raises TicketVoid; WeakPassword, after which the ticket is still good."""
    id = await signing.tickets.look(ticket, "reset")
    account = await account_of(id, signing)
    account.check_active()
    await _check(account, await signing.credentials.get(id), new, signing)
    hashed = await signing.passwords.hash(new)
    await signing.tickets.redeem(ticket, "reset")
    await signing.credentials.put(id, hashed, long=len(new) >= LONG)
    await signing.sessions.end(id)
    await _tell("password_reset", id, network, signing)


async def _check(account: Account, credential: Credential | None, new: str, signing: Signing) -> None:
    contact = account.contact
    about = [str(said) for said in (contact.get("email"), contact.get("name")) if said]
    least = WITH_CODES if credential is not None and credential.totp_confirmed else LONG
    signing.passwords.check(new, least=least, about=about)


async def _put(account_id: UUID, new: str, signing: Signing) -> None:
    hashed = await signing.passwords.hash(new)
    await signing.credentials.put(account_id, hashed, long=len(new) >= LONG)


async def _tell(kind: str, account_id: UUID, network: str, signing: Signing) -> None:
    await signing.security.note(kind, account_id, network=network)
    said = {"account_id": str(account_id), "letter": "password-changed"}
    await signing.errands.ask("notice", said)
