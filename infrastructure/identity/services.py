"""All that signing in needs, opened together on one pool: for the API, and for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from application.identity.api_key import ApiKeyHolders
from application.identity.session import Signing
from application.ports import Errands
from infrastructure.database.row_pool import RowPool
from infrastructure.event_log.event_store import EventStore
from infrastructure.identity.access_tokens import LIFETIME, AccessTokens
from infrastructure.identity.api_keys import ApiKeys
from infrastructure.identity.credentials import Credentials
from infrastructure.identity.denied_requests import DeniedRequests
from infrastructure.identity.one_time_tokens import OneTimeTokens
from infrastructure.identity.passwords import COST, Passwords
from infrastructure.identity.rate_limits import RateLimits
from infrastructure.identity.security_log import SecurityLog
from infrastructure.identity.sessions import Sessions
from infrastructure.identity.token_revocation import TokenRevocation
from infrastructure.identity.totp import TotpCodes


@dataclass(frozen=True, slots=True)
class IdentityServices:
    """As the door takes it."""

    signing: Signing
    tokens: AccessTokens
    holders: ApiKeyHolders
    limits: RateLimits
    denials: DeniedRequests


@dataclass(frozen=True, slots=True)
class TokenKeys:
    """`key` signs tokens, `previous` did before it. `strict`: as in PROD."""

    key: str
    previous: str | None = None
    strict: bool = False


@asynccontextmanager
async def open_identity_services(
    dsn: str,
    store: EventStore,
    errands: Errands,
    keys: TokenKeys,
    pool: RowPool,
    *,
    redis_url: str | None = None,
    redis_prefix: str = "daybook:",
    cost: int = COST,
) -> AsyncIterator[IdentityServices]:
    """Connected from here to the end of the block. `store`: open; `cost`: of a password's hash."""
    keyring = store.keyring
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        security = SecurityLog(pool, await keyring.secret("networks"))
        passwords = Passwords(await keyring.secret("passwords"), cost=cost)
        stack.callback(passwords.close)
        limits = RateLimits(await keyring.secret("limits"), redis_url, redis_prefix)
        stack.push_async_callback(limits.close)
        tokens = _tokens(keys, await enter(TokenRevocation(dsn)))
        signing = Signing(
            store=store,
            address_id=keyring.address_id,
            passwords=passwords,
            credentials=Credentials(pool, keyring),
            codes=TotpCodes(),
            sessions=Sessions(pool, keyring, security),
            tickets=OneTimeTokens(pool),
            tokens=tokens,
            keys=ApiKeys(pool, keyring),
            errands=errands,
            security=security,
        )
        denials = await enter(DeniedRequests(security))
        yield IdentityServices(signing, tokens, ApiKeyHolders(signing.keys, store), limits, denials)


def _tokens(keys: TokenKeys, standing: TokenRevocation) -> AccessTokens:
    longest = LIFETIME if keys.strict else None
    return AccessTokens(keys.key, keys.previous, standing=standing, longest=longest)
