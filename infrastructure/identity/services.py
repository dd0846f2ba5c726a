"""Wiring of identity: credentials, sessions, tokens, API keys and rate limits on one pool."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from application.identity.api_key import ApiKeyHolders
from application.identity.session import Signing
from application.jobs.job import JobEnqueuer
from infrastructure.database.row_pool import RowPool
from infrastructure.event_log.event_store import EventStore
from infrastructure.identity.access_tokens import ALGORITHM, LIFETIME, AccessTokens
from infrastructure.identity.api_keys import ApiKeys
from infrastructure.identity.credentials import Credentials
from infrastructure.identity.denied_requests import DeniedRequests
from infrastructure.identity.one_time_tokens import OneTimeTokens
from infrastructure.identity.passwords import COST, Passwords
from infrastructure.identity.rate_limits import RateLimits
from infrastructure.identity.security_log import SecurityLog
from infrastructure.identity.sessions import BrowserSessions, Sessions
from infrastructure.identity.token_revocation import TokenRevocation
from infrastructure.identity.totp import TotpCodes
from infrastructure.privacy.keyring import Keyring


@dataclass(frozen=True, slots=True)
class IdentityServices:
    """Identity as the HTTP interface uses it."""

    signing: Signing
    tokens: AccessTokens
    holders: ApiKeyHolders
    limits: RateLimits
    denials: DeniedRequests


@dataclass(frozen=True, slots=True)
class TokenKeys:
    """`key` signs access tokens by `algorithm`, `previous` is still accepted.

    `strict`: refuse long-lived tokens, as in PROD.
    """

    key: str
    previous: str | None = None
    algorithm: str = ALGORITHM
    strict: bool = False


@dataclass(frozen=True, slots=True)
class IdentityOptions:
    """`redis_url`: of shared rate limits, else limits are per process; `cost`: of a password's hash.

    `breached`: a file of breached passwords.
    """

    redis_url: str | None = None
    redis_prefix: str = "daybook:"
    cost: int = COST
    breached: Path | None = None


@asynccontextmanager
async def open_identity_services(
    dsn: str,
    store: EventStore,
    jobs: JobEnqueuer,
    keys: TokenKeys,
    pool: RowPool,
    options: IdentityOptions = IdentityOptions(),
) -> AsyncIterator[IdentityServices]:
    """Connected until the end of the block. `store`: open."""
    async with AsyncExitStack() as stack:
        security = SecurityLog(pool, await store.keyring.secret("networks"))
        passwords = await _passwords(store.keyring, options, stack)
        limits = await _rate_limits(store.keyring, options, stack)
        tokens = await _access_tokens(dsn, keys, stack)
        signing = _signing(store, pool, passwords, tokens, jobs, security)
        denials = await stack.enter_async_context(DeniedRequests(security))
        yield IdentityServices(signing, tokens, ApiKeyHolders(signing.keys, store), limits, denials)


def _signing(
    store: EventStore,
    pool: RowPool,
    passwords: Passwords,
    tokens: AccessTokens,
    jobs: JobEnqueuer,
    security: SecurityLog,
) -> Signing:
    return Signing(
        store=store,
        address_id=store.address_id,
        passwords=passwords,
        credentials=Credentials(pool, store.keyring),
        codes=TotpCodes(),
        sessions=Sessions(pool, store.keyring, security),
        browsers=BrowserSessions(pool, store.keyring),
        tickets=OneTimeTokens(pool),
        tokens=tokens,
        keys=ApiKeys(pool, store.keyring),
        security=security,
        jobs=jobs,
        atomically=pool.transaction,
    )


async def _passwords(keyring: Keyring, options: IdentityOptions, stack: AsyncExitStack) -> Passwords:
    passwords = Passwords(await keyring.secret("passwords"), cost=options.cost, breached=options.breached)
    stack.callback(passwords.close)
    return passwords


async def _rate_limits(keyring: Keyring, options: IdentityOptions, stack: AsyncExitStack) -> RateLimits:
    limits = RateLimits(await keyring.secret("limits"), options.redis_url, options.redis_prefix)
    stack.push_async_callback(limits.close)
    return limits


async def _access_tokens(dsn: str, keys: TokenKeys, stack: AsyncExitStack) -> AccessTokens:
    revocation = await stack.enter_async_context(TokenRevocation(dsn))
    longest = LIFETIME if keys.strict else None
    return AccessTokens(keys.key, keys.previous, algorithm=keys.algorithm, revocation=revocation, longest=longest)
