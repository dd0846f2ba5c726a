"""One-time codes beside the password: begun, confirmed by a first code, and given up."""

from dataclasses import dataclass

from application.access import Caller
from application.identity.password import LONG, prove
from application.identity.session import Signing, account_of, uses_code
from domain.errors import Conflict, Forbidden


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


async def confirm_totp(by: Caller, code: str, network: str, signing: Signing) -> None:
    """From now on a code is needed to sign in. Raises NoCodes, CodesInForce, WrongCode."""
    credential = await signing.credentials.get(by.account)
    if credential is None or credential.totp is None:
        raise NoCodes
    if credential.totp_confirmed:
        raise CodesInForce
    if not await uses_code(code, credential, signing, signing.store.now(), confirms=True):
        raise WrongCode
    await _tell("totp_confirmed", by, network, signing)


async def stop_totp(by: Caller, password: str, code: str, network: str, signing: Signing) -> None:
    """Raises WrongPassword, NoCodes, PasswordTooShortAlone, WrongCode."""
    credential = await prove(by, password, network, signing)
    if not credential.totp_confirmed:
        raise NoCodes
    if not credential.long:
        raise PasswordTooShortAlone(f"Choose one of {LONG} characters at least first.")
    if not await uses_code(code, credential, signing, signing.store.now()):
        raise WrongCode
    await signing.credentials.stop_codes(by.account)
    await _tell("totp_stopped", by, network, signing)


async def _tell(kind: str, by: Caller, network: str, signing: Signing) -> None:
    await signing.security.note(kind, by.account, network=network)
    said = {"account_id": str(by.account), "letter": kind.replace("_", "-")}
    await signing.errands.ask("notice", said)
