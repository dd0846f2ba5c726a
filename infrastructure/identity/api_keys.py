"""API keys: `dbk_<id>_<secret>`, stored as hashes."""

import hmac
import re
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from application.identity.api_key import MOST_KEYS, ApiKey, TooManyKeys
from domain.errors import NotFound, Stale
from domain.kernel import new_id
from infrastructure.database.row_pool import Row, RowPool
from infrastructure.identity.opaque_secrets import hashed, new_secret
from infrastructure.privacy.row_encryption import RowEncryption

_KEY = re.compile(r"dbk_([0-9a-f]{32})_([A-Za-z0-9_-]{43})", re.ASCII)
_COLUMNS = "id, account_id, version, name, scopes, created_at, expires_at, used_at"
_MAKE = f"""
    INSERT INTO auth.api_key (id, account_id, name, secret, scopes, expires_at)
    SELECT %s, %s, %s, %s, %s, %s WHERE (SELECT count(*) FROM auth.api_key WHERE account_id = %s) < {MOST_KEYS}
    RETURNING {_COLUMNS}"""  # noqa: S608  all of it is written here
_FIND = f"""
    SELECT {_COLUMNS} FROM auth.api_key
    WHERE account_id = %s AND (%s::uuid IS NULL OR id > %s) ORDER BY id LIMIT %s"""  # noqa: S608
_GET = f"SELECT {_COLUMNS} FROM auth.api_key WHERE account_id = %s AND id = %s"  # noqa: S608
_AT = "account_id = %s AND id = %s AND (%s::bigint IS NULL OR version = %s)"
_RENAME = f"""
    UPDATE auth.api_key SET name = %s, version = version + 1 WHERE {_AT} RETURNING {_COLUMNS}"""  # noqa: S608
_END = f"DELETE FROM auth.api_key WHERE {_AT} RETURNING 1"  # noqa: S608
_END_ALL = "DELETE FROM auth.api_key WHERE account_id = %s RETURNING 1"
_BEARER = f"""
    SELECT {_COLUMNS}, secret, used_at IS DISTINCT FROM date_trunc('minute', now()) FROM auth.api_key
    WHERE id = %s AND (expires_at IS NULL OR expires_at > now())"""  # noqa: S608
_USED = "UPDATE auth.api_key SET used_at = date_trunc('minute', now()) WHERE id = %s"


class ApiKeys:
    """The table `auth.api_key`."""

    def __init__(self, pool: RowPool, encryption: RowEncryption) -> None:
        self._pool = pool
        self._encryption = encryption

    async def make(
        self, account_id: UUID, name: str, scopes: Sequence[str], expires_at: datetime | None
    ) -> tuple[ApiKey, str]:
        id, secret = new_id(), new_secret()
        encrypted = await self._encryption.encrypt(account_id, name, _place(id))
        values = [id, account_id, encrypted, hashed(secret), list(scopes), expires_at, account_id]
        made = await self._pool.one(_MAKE, values)
        if made is None:
            raise TooManyKeys
        return await self._key(made), f"dbk_{id.hex}_{secret}"

    async def find(self, account_id: UUID, *, limit: int, after: UUID | None = None) -> Sequence[ApiKey]:
        found = await self._pool.all(_FIND, [account_id, after, after, limit])
        return [await self._key(row) for row in found]

    async def get(self, account_id: UUID, id: UUID) -> ApiKey:
        found = await self._pool.one(_GET, [account_id, id])
        if found is None:
            raise NotFound("API key", id)
        return await self._key(found)

    async def rename(self, account_id: UUID, id: UUID, name: str, version: int | None) -> ApiKey:
        encrypted = await self._encryption.encrypt(account_id, name, _place(id))
        found = await self._pool.one(_RENAME, [encrypted, account_id, id, version, version])
        if found is None:
            raise Stale((await self.get(account_id, id)).version)
        return await self._key(found)

    async def end(self, account_id: UUID, id: UUID, version: int | None) -> None:
        if await self._pool.one(_END, [account_id, id, version, version]) is None:
            raise Stale((await self.get(account_id, id)).version)

    async def end_all(self, account_id: UUID) -> int:
        return len(await self._pool.all(_END_ALL, [account_id]))

    async def bearer(self, key: str) -> ApiKey | None:
        parts = _KEY.fullmatch(key)
        if parts is None:
            return None
        found = await self._pool.one(_BEARER, [UUID(parts[1])])
        if found is None or not hmac.compare_digest(found[-2], hashed(parts[2])):
            return None
        if found[-1]:
            await self._pool.all(_USED, [found[0]])
        return await self._key(found[:-2])

    async def _key(self, row: Row) -> ApiKey:
        id, account_id, version, name, *rest = row
        plain = await self._encryption.decrypt(account_id, name, _place(id))
        return ApiKey(id, account_id, version, str(plain or ""), *rest)


def _place(id: UUID) -> bytes:
    return b"api_key.name:" + id.bytes
