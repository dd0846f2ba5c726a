"""All that signing in needs, opened together on one pool: for the API, and for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from application.apikey import Holders
from application.log import Store
from application.ports import Errands, Seals
from application.session import Signing
from domain.account import Account
from infrastructure.apikeys import ApiKeys
from infrastructure.codes import Codes
from infrastructure.credentials import Credentials
from infrastructure.denials import Denials
from infrastructure.limits import Limits
from infrastructure.passwords import Passwords
from infrastructure.rowpool import RowPool
from infrastructure.secret import derived_key
from infrastructure.securitylog import SecurityLog
from infrastructure.sessions import Sessions
from infrastructure.standing import Standing
from infrastructure.tickets import Tickets
from infrastructure.tokens import LIFETIME, Tokens


@dataclass(frozen=True, slots=True)
class People:
    """What is given from elsewhere: the log, the way from an e-mail address to its stream, seals, errands."""

    store: Store
    address_id: Callable[[str], UUID]
    opened: Callable[[Account], Awaitable[Account]]
    seals: Seals
    errands: Errands


@dataclass(frozen=True, slots=True)
class Opened:
    """As the door takes it."""

    signing: Signing
    tokens: Tokens
    holders: Holders
    limits: Limits
    denials: Denials


@dataclass(frozen=True, slots=True)
class Secrets:
    """`key` signs tokens, `previous` did before it. `pepper`: 32 bytes. `strict`: as in PROD."""

    key: str
    previous: str | None
    pepper: bytes
    strict: bool = False


@asynccontextmanager
async def opened_signing(
    dsn: str,
    people: People,
    secrets: Secrets,
    *,
    redis_url: str | None = None,
    redis_prefix: str = "daybook:",
    pool_size: int = 10,
    patience: float = 5.0,
    cost: int | None = None,
) -> AsyncIterator[Opened]:
    """Connected from here to the end of the block. `cost`: bcrypt's, if another than usual."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        pool = await enter(RowPool(dsn, size=pool_size, patience=patience))
        security = SecurityLog(pool, derived_key(secrets.key, "networks"))
        passwords = Passwords(secrets.pepper) if cost is None else Passwords(secrets.pepper, cost=cost)
        stack.callback(passwords.close)
        limits = Limits(derived_key(secrets.key, "limits"), redis_url, redis_prefix)
        stack.push_async_callback(limits.close)
        standing = await enter(Standing(dsn))
        tokens = _tokens(secrets, standing)
        keys = ApiKeys(pool, people.seals)
        signing = Signing(
            store=people.store,
            address_id=people.address_id,
            opened=people.opened,
            passwords=passwords,
            credentials=Credentials(pool, people.seals),
            codes=Codes(),
            sessions=Sessions(pool, people.seals, security),
            tickets=Tickets(pool),
            tokens=tokens,
            keys=keys,
            errands=people.errands,
            security=security,
        )
        denials = await enter(Denials(security))
        yield Opened(signing, tokens, Holders(keys, people.store), limits, denials)


def _tokens(secrets: Secrets, standing: Standing) -> Tokens:
    longest = LIFETIME if secrets.strict else None
    return Tokens(secrets.key, secrets.previous, standing=standing, longest=longest)
