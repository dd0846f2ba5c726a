"""Creating API keys: like a change of how one signs in, it needs the password again, and is mailed to the account."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from application.access import Caller
from application.identity.api_key import ApiKey
from application.identity.credentials import Credential
from application.identity.password import hold, prove
from application.identity.session import Signing, uses_code
from application.identity.totp import WrongCode
from application.jobs.job import JobRequest, enqueues
from domain.people.account import Account


@dataclass(frozen=True, kw_only=True)
class CreateApiKey:
    """`password` and, with two-step sign-in, `code` prove the caller. `expires_at`: None for a key without an end."""

    by: Caller
    password: str
    code: str | None
    name: str
    scopes: Sequence[str]
    expires_at: datetime | None
    network: str = ""


@enqueues("account_notice")
async def create_api_key(cmd: CreateApiKey, signing: Signing) -> tuple[ApiKey, str]:
    """The key and its secret. Raises WrongPassword, WrongCode, TooManyKeys."""
    account = cmd.by.account
    credential = await prove(cmd.by, cmd.password, cmd.network, signing)
    letter = {"letter": "api-key-made", "expires_at": cmd.expires_at and cmd.expires_at.isoformat()}
    async with signing.atomically():
        await hold(credential, signing)
        await _check_code(cmd, credential, signing)
        key, secret = await signing.keys.make(account, cmd.name, cmd.scopes, cmd.expires_at)
        facts = {"key": str(key.id), "scopes": list(cmd.scopes)}
        await signing.security.note("api_key_made", account, network=cmd.network, **facts)
        notice = JobRequest("account_notice", letter, subject=Account.id_of(account), slot=f"api-key-made:{key.id}")
        await signing.jobs.enqueue(notice)
    return key, secret


async def _check_code(cmd: CreateApiKey, credential: Credential, signing: Signing) -> None:
    if not credential.totp_confirmed:
        return
    if cmd.code is None:
        raise WrongCode("Two-step sign-in is on: send the present one-time code as `code`.")
    if not await uses_code(cmd.code, credential, signing, signing.store.now()):
        raise WrongCode
