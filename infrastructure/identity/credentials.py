"""Credentials: one row an account, with the password's hash and the encrypted secret of one-time codes."""

from collections.abc import Sequence
from uuid import UUID

from application.identity.credentials import Credential
from domain.people.account import Account
from infrastructure.database.row_pool import RowPool
from infrastructure.identity.opaque_secrets import hashed
from infrastructure.identity.secret_binding import LOCK, RECORDED, changed
from infrastructure.privacy.row_encryption import RowEncryption

_GET = f"""
    SELECT account_id, password, long,
           CASE WHEN totp_confirmed THEN totp
                WHEN totp_credential = version AND NOT {changed("ARRAY[%s::uuid]", "ARRAY[totp_account]")}
                THEN totp END,
           totp_confirmed, totp_step, version
    FROM auth.credential WHERE account_id = %s"""  # noqa: S608  all of it is written here
_PUT = """
    INSERT INTO auth.credential AS c (account_id, password, long) VALUES (%s, %s, %s)
    ON CONFLICT (account_id) DO UPDATE
    SET password = excluded.password, long = excluded.long, changed_at = clock_timestamp(), version = c.version + 1,
        totp = CASE WHEN c.totp_confirmed THEN c.totp END"""
_DROP = "DELETE FROM auth.credential WHERE account_id = %s"
_START = f"""
    UPDATE auth.credential
    SET totp = %s, totp_step = 0, totp_credential = version, totp_account = ({RECORDED})[1]
    WHERE account_id = %s AND NOT totp_confirmed"""  # noqa: S608
# The row's lock lets only one of two requests with the same code pass.
_USE = """
    UPDATE auth.credential
    SET totp_step = %s, totp_confirmed = totp_confirmed OR %s, version = version + %s::boolean::integer
    WHERE account_id = %s AND totp_step < %s AND totp IS NOT NULL RETURNING 1"""
_STOP = """
    UPDATE auth.credential SET totp = NULL, totp_confirmed = false, totp_step = 0, version = version + 1
    WHERE account_id = %s"""
_DROP_RECOVERY = "DELETE FROM auth.recovery_code WHERE account_id = %s"
_PUT_RECOVERY = "INSERT INTO auth.recovery_code (hash, account_id) VALUES (%s, %s)"
_USE_RECOVERY = """
    UPDATE auth.recovery_code SET used_at = clock_timestamp() WHERE hash = %s AND used_at IS NULL RETURNING 1"""
_LEFT_RECOVERY = "SELECT count(*) FROM auth.recovery_code WHERE account_id = %s AND used_at IS NULL"
_PLACE = b"credential.totp"


class Credentials:
    """The table `auth.credential`."""

    def __init__(self, rows: RowPool, encryption: RowEncryption) -> None:
        self._rows = rows
        self._encryption = encryption

    async def get(self, account_id: UUID) -> Credential | None:
        found = await self._rows.one(_GET, [Account.id_of(account_id), account_id])
        return Credential(*found) if found else None

    async def lock(self, account_id: UUID) -> Credential | None:
        await self._rows.all(LOCK, [account_id])
        return await self.get(account_id)

    async def put(self, account_id: UUID, password: str, *, long: bool) -> None:
        await self._rows.all(_PUT, [account_id, password, long])

    async def drop(self, account_id: UUID) -> None:
        await self._rows.all(_DROP, [account_id])

    async def start_codes(self, account_id: UUID, secret: str) -> None:
        encrypted = await self._encryption.encrypt(account_id, secret, _PLACE)
        await self._rows.all(_START, [encrypted, [Account.id_of(account_id)], account_id])

    async def secret(self, credential: Credential) -> str | None:
        if credential.totp is None:
            return None
        secret = await self._encryption.decrypt(credential.account_id, credential.totp, _PLACE)
        return None if secret is None else str(secret)

    async def use_code(self, account_id: UUID, step: int, *, confirms: bool = False) -> bool:
        return await self._rows.one(_USE, [step, confirms, confirms, account_id, step]) is not None

    async def stop_codes(self, account_id: UUID) -> None:
        async with self._rows.transaction():
            await self._rows.all(_STOP, [account_id])
            await self._rows.all(_DROP_RECOVERY, [account_id])

    async def put_recovery_codes(self, account_id: UUID, codes: Sequence[str]) -> None:
        async with self._rows.transaction():
            await self._rows.all(_DROP_RECOVERY, [account_id])
            for code in codes:
                await self._rows.all(_PUT_RECOVERY, [_recovery(account_id, code), account_id])

    async def use_recovery_code(self, account_id: UUID, code: str) -> int | None:
        async with self._rows.transaction():
            if await self._rows.one(_USE_RECOVERY, [_recovery(account_id, code)]) is None:
                return None
            left = await self._rows.one(_LEFT_RECOVERY, [account_id])
        return left[0] if left else 0


def _recovery(account_id: UUID, code: str) -> bytes:
    """The stored form of a recovery code, however it is written."""
    return hashed(f"{account_id}:{code.upper().replace('-', '').replace(' ', '')}")
