"""Sign in, stay signed in, and sign out."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.access import ANONYMOUS, Caller, Role, demand
from application.event_log import EventReader, EventStore
from application.identity.access_token import AccessTokens, IssuedToken
from application.identity.api_key import ApiKeys
from application.identity.browser_sessions import BrowserSessions
from application.identity.credentials import Credential, Credentials, Passwords, TotpCodes
from application.identity.one_time_tokens import OneTimeTokens
from application.identity.security_log import SecurityReader
from application.identity.sessions import Session, Sessions
from application.jobs.job import JobEnqueuer, JobRequest, enqueues
from application.people.account import FindAccount, find_account
from application.query import Lookup, QueryResult, query
from domain.errors import NotFound, Unauthenticated
from domain.people.account import Account
from domain.people.email_address import Address

TOTP_DIGITS = 6
LONGEST_NAME = 320  # characters, as of an e-mail address


class InvalidCredentials(Unauthenticated):
    """The e-mail address or password is wrong."""

    def __init__(self) -> None:
        super().__init__(error="invalid_grant")


class TotpRequired(Unauthenticated):
    """A one-time code is required. Send it as `totp`."""

    def __init__(self) -> None:
        super().__init__(error="invalid_grant")


@dataclass(frozen=True, slots=True)
class Signing:
    """The services that sign-in uses. `address_id`: an e-mail address to its stream.

    `atomically`: the rows written and the jobs enqueued within the block are committed together.
    """

    store: EventStore
    address_id: Callable[[str], Awaitable[UUID]]
    passwords: Passwords
    credentials: Credentials
    codes: TotpCodes
    sessions: Sessions
    browsers: BrowserSessions
    tickets: OneTimeTokens
    tokens: AccessTokens
    keys: ApiKeys
    security: SecurityReader
    jobs: JobEnqueuer
    atomically: Callable[[], AbstractAsyncContextManager[object]]


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """`username`: an e-mail address. `client`: the device's own description; `network`: its IP address."""

    username: str
    password: str
    totp: str | None = None
    client: str = ""
    network: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session with its access and refresh tokens."""

    session: Session
    role: Role
    access: IssuedToken
    refresh: str


@dataclass(frozen=True, kw_only=True)
class _GetAccount(Lookup):
    """Look an account up by id, or else by the stream of its e-mail address."""

    account_id: UUID | None = None
    address: UUID | None = None


@dataclass(frozen=True)
class AccountHolder:
    """The part of an account that sign-in needs: nothing personal, so that no encryption key is read.

    `account_id`: None if there is none.
    """

    account_id: UUID | None
    role: str
    active: bool


@query
async def _get_account(asked: _GetAccount, log: EventReader, _: datetime) -> AccountHolder:
    """The account's current holder; reads as much from the database if there is no account."""
    account_id = asked.account_id
    if asked.address is not None:
        address = await log.find(Address, asked.address)
        account_id = address.holder if address and address.holder else asked.address
    assert account_id is not None
    account = await log.find(Account, Account.id_of(account_id))
    if account is None:
        return AccountHolder(None, "", active=False)
    return AccountHolder(account_id, account.role, account.active)


async def account_holder(
    signing: Signing, *, address: UUID | None = None, id: UUID | None = None
) -> QueryResult[AccountHolder]:
    """The holder of an address or of an account, and the log position at which it was read."""
    return await _get_account(_GetAccount(by=ANONYMOUS, account_id=id, address=address), signing.store)


async def account_of(account_id: UUID, signing: Signing) -> Account:
    """The current account with its decrypted personal data. Raises NotFound."""
    asked = FindAccount(by=ANONYMOUS, account_id=account_id)
    return (await find_account(asked, signing.store)).aggregate


async def subject(username: str, signing: Signing) -> UUID:
    """The stream of an e-mail address, whether or not an account has it."""
    return await signing.address_id(username[:LONGEST_NAME])


@dataclass(frozen=True, slots=True)
class ProvenHolder:
    """The account whose password and one-time code were right. `password`: its stored hash; `position`: of the log."""

    account_id: UUID
    role: Role
    password: str
    position: int


async def check_credentials(cmd: SignIn, signing: Signing) -> ProvenHolder:
    """Raises TotpRequired, and InvalidCredentials with the same answer and duration for every cause."""
    now, address = signing.store.now(), await subject(cmd.username, signing)
    done = await account_holder(signing, address=address)
    holder, id = done.aggregate, done.aggregate.account_id
    credential = await signing.credentials.get(id or address)
    right = await signing.passwords.verify(cmd.password, credential.password if credential else None)
    if not right or credential is None or id is None or not holder.active:
        await _failed(cmd, id, signing)
        raise InvalidCredentials
    await _check_code(cmd, credential, signing, now)
    return ProvenHolder(id, Role(holder.role), credential.password, done.position)


async def sign_in(cmd: SignIn, signing: Signing) -> SignedIn:
    """Open a session. Raises as `check_credentials` does."""
    now, proven = signing.store.now(), await check_credentials(cmd, signing)
    session, refresh = await signing.sessions.open(proven.account_id, cmd.client, proven=proven.password)
    await signing.security.note("login", proven.account_id, network=cmd.network, session=str(session.id))
    access = signing.tokens.grant(proven.account_id, proven.role, session.id, now, proven.position)
    return SignedIn(session, proven.role, access, refresh)


async def _check_code(cmd: SignIn, credential: Credential, signing: Signing, now: datetime) -> None:
    if not credential.totp_confirmed:
        return
    if cmd.totp is None:
        raise TotpRequired
    if not await uses_code(cmd.totp, credential, signing, now):
        await _failed(cmd, credential.account_id, signing)
        raise InvalidCredentials


async def uses_code(
    code: str, credential: Credential, signing: Signing, now: datetime, *, confirms: bool = False
) -> bool:
    """Use a one-time code, or in place of it a recovery code, which confirms none.

    Returns whether it belongs to the account and was not used before.
    """
    if len(code) > TOTP_DIGITS and credential.totp_confirmed:
        return await use_recovery_code(code, credential, signing)
    secret = await signing.credentials.secret(credential)
    step = None if secret is None else signing.codes.step(secret, code, now)
    if step is None:
        return False
    return await signing.credentials.use_code(credential.account_id, step, confirms=confirms)


@enqueues("account_notice")
async def use_recovery_code(code: str, credential: Credential, signing: Signing) -> bool:
    """Use a recovery code, and mail the account how many are left."""
    id = credential.account_id
    async with signing.atomically():
        left = await signing.credentials.use_recovery_code(id, code)
        if left is None:
            return False
        await signing.security.note("recovery_code_used", id, left=left)
        letter = {"letter": "recovery-code-used", "left": str(left)}
        notice = JobRequest("account_notice", letter, subject=Account.id_of(id), slot="recovery-code-used")
        await signing.jobs.enqueue(notice)
    return True


async def _failed(cmd: SignIn, account_id: UUID | None, signing: Signing) -> None:
    await signing.security.note("login_failed", account_id, network=cmd.network)


async def refresh(token: str, network: str, signing: Signing) -> SignedIn:
    """The next access and refresh tokens of a session. Raises Unauthenticated."""
    now = signing.store.now()
    session, following = await signing.sessions.refresh(token, network=network)
    id = session.account_id
    done = await account_holder(signing, id=id)
    holder = done.aggregate
    if not holder.active:
        await signing.sessions.end(id)
        raise Unauthenticated("The refresh token is not valid or has expired. Sign in again.")
    role = Role(holder.role)
    access = signing.tokens.grant(id, role, session.id, now, done.position)
    return SignedIn(session, role, access, following)


async def sign_out(by: Caller, network: str, signing: Signing) -> None:
    """End the session of the caller's token; a token without a session stays valid until it expires."""
    if by.session is not None:
        await signing.sessions.end(by.account, by.session)
        await signing.security.note("logout", by.account, network=network, session=str(by.session))


async def end_session(by: Caller, session_id: UUID, network: str, signing: Signing) -> None:
    """End one of the caller's sessions; raises NotFound."""
    if not await signing.sessions.end(by.account, session_id):
        raise NotFound("session", session_id)
    await signing.security.note("session_ended", by.account, network=network, session=str(session_id))


async def end_other_sessions(by: Caller, network: str, signing: Signing, *, api_keys: bool = False) -> None:
    """End all sessions of the caller except the current one; `api_keys`: and all API keys."""
    async with signing.atomically():
        ended = await signing.sessions.end(by.account, keep=by.session)
        keys = await signing.keys.end_all(by.account) if api_keys else 0
        await signing.security.note("sessions_ended", by.account, network=network, count=ended, keys=keys)


async def end_user_sessions(by: Caller, account_id: UUID, network: str, signing: Signing) -> None:
    """End all sessions and API keys of an account, as an admin. Raises NotFound."""
    demand(by, "end_user_sessions", "account", account_id)
    await account_of(account_id, signing)
    async with signing.atomically():
        ended = await signing.sessions.end(account_id)
        facts = {"count": ended, "keys": await signing.keys.end_all(account_id), "by": str(by.account)}
        await signing.security.note("sessions_ended", account_id, network=network, **facts)
