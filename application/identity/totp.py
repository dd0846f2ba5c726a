"""One-time codes beside the password: begun, confirmed by a first code, and given up."""

from dataclasses import dataclass
from uuid import UUID

from application.access import Caller
from application.identity.password import LONG, prove
from application.identity.session import Signing, account_of, uses_code
from application.jobs.job import JobRequest, enqueues
from domain.errors import Conflict, Forbidden
from domain.people.account import Account


class CodesInForce(Conflict):
    """One-time codes are in force already."""


class NoCodes(Conflict):
    """One-time codes have not been begun."""


class WrongCode(Forbidden):
    """This code is wrong, or was used before."""


class PasswordTooShortAlone(Conflict):
    """Without one-time codes, a password has 15 characters at least: choose a longer one first."""


@dataclass(frozen=True, slots=True)
class TotpEnrolment:
    """Shown once. `uri`: what an app takes as a picture."""

    secret: str
    uri: str


async def start_totp(by: Caller, password: str, network: str, signing: Signing) -> TotpEnrolment:
    """A secret for an app, in force once confirmed. Raises WrongPassword, CodesInForce."""
    credential = await prove(by, password, network, signing)
    if credential.totp_confirmed:
        raise CodesInForce
    account = await account_of(by.account, signing)
    secret = signing.codes.new_secret()
    await signing.credentials.start_codes(by.account, secret)
    name = account.contact.get("email") or by.account
    return TotpEnrolment(secret, signing.codes.uri(secret, str(name)))


@enqueues("account_notice")
async def confirm_totp(by: Caller, code: str, network: str, signing: Signing) -> None:
    """From now on a code is needed to sign in. Raises NoCodes, CodesInForce, WrongCode."""
    credential = await signing.credentials.get(by.account)
    if credential is None or credential.totp is None:
        raise NoCodes
    if credential.totp_confirmed:
        raise CodesInForce
    notice = JobRequest("account_notice", {"letter": "totp-confirmed"}, subject=_stream(by), slot="totp-confirmed")
    async with signing.atomically():
        if not await uses_code(code, credential, signing, signing.store.now(), confirms=True):
            raise WrongCode
        await signing.security.note("totp_confirmed", by.account, network=network)
        await signing.jobs.enqueue(notice)


@enqueues("account_notice")
async def stop_totp(by: Caller, password: str, code: str, network: str, signing: Signing) -> None:
    """Raises WrongPassword, NoCodes, PasswordTooShortAlone, WrongCode."""
    credential = await prove(by, password, network, signing)
    if not credential.totp_confirmed:
        raise NoCodes
    if not credential.long:
        raise PasswordTooShortAlone(f"Choose one of {LONG} characters at least first.")
    notice = JobRequest("account_notice", {"letter": "totp-stopped"}, subject=_stream(by), slot="totp-stopped")
    async with signing.atomically():
        if not await uses_code(code, credential, signing, signing.store.now()):
            raise WrongCode
        await signing.credentials.stop_codes(by.account)
        await signing.security.note("totp_stopped", by.account, network=network)
        await signing.jobs.enqueue(notice)


def _stream(by: Caller) -> UUID:
    return Account.id_of(by.account)
