"""Changing a password, and resetting it by a link sent by mail."""

from application.access import Caller
from application.identity.credentials import Credential
from application.identity.session import Signing, account_of
from application.jobs.job import JobRequest, enqueues
from domain.errors import Forbidden
from domain.people.account import Account

LONG, WITH_CODES = 15, 8
"""The fewest characters of a password without one-time codes, and with them."""


class WrongPassword(Forbidden):
    """The current password is wrong."""


async def prove(by: Caller, password: str, network: str, signing: Signing) -> Credential:
    """Check the caller's password again, for sensitive changes; raises WrongPassword."""
    credential = await signing.credentials.get(by.account)
    right = await signing.passwords.verify(password, credential.password if credential else None)
    if credential is None or not right:
        await signing.security.note("password_refused", by.account, network=network)
        raise WrongPassword
    return credential


async def hold(credential: Credential, signing: Signing) -> None:
    """Keep the credentials as `prove` found them until the transaction ends; raises WrongPassword if they changed."""
    current = await signing.credentials.lock(credential.account_id)
    if current is None or current.version != credential.version:
        raise WrongPassword


@enqueues("account_notice")
async def change_password(by: Caller, old: str, new: str, network: str, signing: Signing) -> None:
    """Change the password and end all other sessions. Raises WrongPassword, WeakPassword."""
    credential = await prove(by, old, network, signing)
    account = await account_of(by.account, signing)
    await _check(account, credential, new, signing)
    hashed = await signing.passwords.hash(new)
    letter = {"letter": "password-changed"}
    async with signing.atomically():
        await hold(credential, signing)
        await signing.credentials.put(by.account, hashed, long=len(new) >= LONG)
        await signing.security.note("password_changed", by.account, network=network)
        await signing.jobs.enqueue(JobRequest("account_notice", letter, subject=account.id, slot="password-changed"))
        await signing.sessions.end(by.account, keep=by.session)


@enqueues("reset_password")
async def request_password_reset(email: str, network: str, signing: Signing) -> None:
    """Enqueue the mail with the link. The job finds out later whether the address has an account."""
    async with signing.atomically():
        asked = {"email": email, "asked_at": signing.store.now().isoformat(), "network": network}
        await signing.jobs.enqueue(JobRequest("reset_password", asked))
        await signing.security.note("reset_asked", network=network)


@enqueues("account_notice")
async def reset_password(ticket: str, new: str, network: str, signing: Signing) -> None:
    """Set a new password; all sessions and API keys end.

    Raises TicketVoid; WeakPassword, which leaves the token valid.
    """
    id = await signing.tickets.look(ticket, "reset")
    account = await account_of(id, signing)
    account.check_active()
    credential = await signing.credentials.get(id)
    await _check(account, credential, new, signing)
    hashed = await signing.passwords.hash(new)
    letter = "account-ready" if credential is None else "password-changed"
    async with signing.atomically():
        await signing.credentials.lock(id)
        await signing.tickets.redeem(ticket, "reset")
        await signing.credentials.put(id, hashed, long=len(new) >= LONG)
        keys = await signing.keys.end_all(id)
        await signing.security.note("password_reset", id, network=network, keys=keys)
        await signing.jobs.enqueue(JobRequest("account_notice", {"letter": letter}, subject=account.id, slot=letter))
        await signing.sessions.end(id)


async def _check(account: Account, credential: Credential | None, new: str, signing: Signing) -> None:
    contact = account.contact
    about = [str(said) for said in (contact.get("email"), contact.get("name")) if said]
    least = WITH_CODES if credential is not None and credential.totp_confirmed else LONG
    signing.passwords.check(new, least=least, about=about)
