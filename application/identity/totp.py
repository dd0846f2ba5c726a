"""Two-step sign-in with one-time codes (TOTP): set-up, confirmation by a first code, and switching it off."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from application.access import Caller
from application.identity.password import LONG, hold, prove
from application.identity.session import Signing, account_of, uses_code
from application.jobs.job import JobRequest, enqueues
from domain.errors import Conflict, Forbidden
from domain.people.account import Account


class CodesInForce(Conflict):
    """Two-step sign-in is already on."""


class NoCodes(Conflict):
    """Two-step sign-in is not set up. Start with POST /v1/auth/totp."""


class WrongCode(Forbidden):
    """The one-time code is wrong or was used before."""


class PasswordTooShortAlone(Conflict):
    """Without two-step sign-in, the password needs at least 15 characters. Change it first."""


@dataclass(frozen=True, slots=True)
class TotpEnrolment:
    """The new secret, shown once. `uri`: the otpauth:// URI, which apps read as a QR code."""

    secret: str
    uri: str


async def start_totp(by: Caller, password: str, network: str, signing: Signing) -> TotpEnrolment:
    """Create a secret for an authenticator app; it takes effect once confirmed. Raises WrongPassword, CodesInForce."""
    credential = await prove(by, password, network, signing)
    if credential.totp_confirmed:
        raise CodesInForce
    account = await account_of(by.account, signing)
    secret = signing.codes.new_secret()
    async with signing.atomically():
        await hold(credential, signing)
        await signing.credentials.start_codes(by.account, secret)
    name = account.contact.get("email") or by.account
    return TotpEnrolment(secret, signing.codes.uri(secret, str(name)))


@enqueues("account_notice")
async def confirm_totp(by: Caller, code: str, network: str, signing: Signing) -> Sequence[str]:
    """Switch two-step sign-in on; the recovery codes, which cannot be shown again.

    Raises NoCodes, CodesInForce, WrongCode.
    """
    notice = JobRequest("account_notice", {"letter": "totp-confirmed"}, subject=_stream(by), slot="totp-confirmed")
    async with signing.atomically():
        credential = await signing.credentials.lock(by.account)
        if credential is None or credential.totp is None:
            raise NoCodes
        if credential.totp_confirmed:
            raise CodesInForce
        if not await uses_code(code, credential, signing, signing.store.now(), confirms=True):
            raise WrongCode
        codes = signing.codes.recovery_codes()
        await signing.credentials.put_recovery_codes(by.account, codes)
        await signing.security.note("totp_confirmed", by.account, network=network)
        await signing.jobs.enqueue(notice)
    return codes


@enqueues("account_notice")
async def renew_recovery_codes(by: Caller, password: str, code: str, network: str, signing: Signing) -> Sequence[str]:
    """New recovery codes in place of all before. Raises WrongPassword, NoCodes, WrongCode."""
    credential = await prove(by, password, network, signing)
    if not credential.totp_confirmed:
        raise NoCodes
    letter = {"letter": "recovery-codes-made"}
    notice = JobRequest("account_notice", letter, subject=_stream(by), slot="recovery-codes-made")
    async with signing.atomically():
        await hold(credential, signing)
        if not await uses_code(code, credential, signing, signing.store.now()):
            raise WrongCode
        codes = signing.codes.recovery_codes()
        await signing.credentials.put_recovery_codes(by.account, codes)
        await signing.security.note("recovery_codes_made", by.account, network=network)
        await signing.jobs.enqueue(notice)
    return codes


@enqueues("account_notice")
async def stop_totp(by: Caller, password: str, code: str, network: str, signing: Signing) -> None:
    """Switch two-step sign-in off. Raises WrongPassword, NoCodes, PasswordTooShortAlone, WrongCode."""
    credential = await prove(by, password, network, signing)
    if not credential.totp_confirmed:
        raise NoCodes
    if not credential.long:
        raise PasswordTooShortAlone(f"Change the password to at least {LONG} characters first.")
    notice = JobRequest("account_notice", {"letter": "totp-stopped"}, subject=_stream(by), slot="totp-stopped")
    async with signing.atomically():
        await hold(credential, signing)
        if not await uses_code(code, credential, signing, signing.store.now()):
            raise WrongCode
        await signing.credentials.stop_codes(by.account)
        await signing.security.note("totp_stopped", by.account, network=network)
        await signing.jobs.enqueue(notice)


@enqueues("account_notice", "reset_password")
async def reset_totp(account_id: UUID, signing: Signing) -> None:
    """Switch two-step sign-in off for somebody who lost the device and the recovery codes, as the operator.

    All sessions end. A password that is too short alone is dropped, and a mail lets its owner set another.
    Raises NoCodes.
    """
    account = await account_of(account_id, signing)
    email, stream = account.contact.get("email"), account.id
    async with signing.atomically():
        credential = await signing.credentials.lock(account_id)
        if credential is None or not credential.totp_confirmed:
            raise NoCodes
        await signing.credentials.stop_codes(account_id)
        await signing.sessions.end(account_id)
        await signing.security.note("totp_reset", account_id, by="operator")
        notice = JobRequest("account_notice", {"letter": "totp-stopped"}, subject=stream, slot="totp-stopped")
        await signing.jobs.enqueue(notice)
        if not credential.long:
            await signing.credentials.drop(account_id)
            asked = {"email": email, "asked_at": signing.store.now().isoformat(), "network": ""}
            await signing.jobs.enqueue(JobRequest("reset_password", asked))


def _stream(by: Caller) -> UUID:
    return Account.id_of(by.account)
