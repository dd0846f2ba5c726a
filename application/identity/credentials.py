"""Ports to the proofs of identity: passwords, one-time codes (TOTP), and the row that keeps both."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.errors import Invalid

LONGEST_PASSWORD = 256  # characters


class WeakPassword(Invalid):
    """This password is too weak."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, "/password")


class Passwords(Protocol):
    """Hashing off the event loop, a bounded number at a time."""

    def check(self, password: str, *, least: int = 15, about: Sequence[str] = ()) -> None:
        """Raises WeakPassword: too short or long, on the list of common ones, or made of words in `about`."""
        ...

    async def hash(self, password: str) -> str:
        """The hash to store. Raises Unavailable when too many requests wait."""
        ...

    async def verify(self, password: str, kept: str | None) -> bool:
        """Whether the password has the hash `kept`. Without a hash it takes as long, and answers False."""
        ...


@dataclass(frozen=True, slots=True)
class Credential:
    """The credentials of an account. `long`: the password has at least 15 characters.

    `totp`: the encrypted secret of one-time codes, in force once `totp_confirmed`; `totp_step`: the last step used.
    `version`: grows with each change of the password, and as one-time codes come into force or are given up.
    """

    account_id: UUID
    password: str
    long: bool
    totp: bytes | None = None
    totp_confirmed: bool = False
    totp_step: int = 0
    version: int = 1


class Credentials(Protocol):
    """One row for each account."""

    async def get(self, account_id: UUID) -> Credential | None: ...

    async def lock(self, account_id: UUID) -> Credential | None:
        """As `get`; others that change the credentials or use one-time secrets wait for the transaction to end."""
        ...

    async def put(self, account_id: UUID, password: str, *, long: bool) -> None:
        """Store a password's hash, new or in place of the one before. Codes that await confirmation are dropped."""
        ...

    async def drop(self, account_id: UUID) -> None:
        """Delete the account's credentials, so that sign-in always fails."""
        ...

    async def start_codes(self, account_id: UUID, secret: str) -> None:
        """Store a secret of one-time codes, not yet in force; does nothing if one is in force.

        It is bound to the credentials, the address and the status of the account: after a change, `get` omits it.
        """
        ...

    async def secret(self, credential: Credential) -> str | None:
        """The decrypted secret of the credential's one-time codes."""
        ...

    async def use_code(self, account_id: UUID, step: int, *, confirms: bool = False) -> bool:
        """Record the use of this step's code. Returns whether the step is newer than the last one used."""
        ...

    async def stop_codes(self, account_id: UUID) -> None:
        """Turn one-time codes off, and drop the recovery codes."""
        ...

    async def put_recovery_codes(self, account_id: UUID, codes: Sequence[str]) -> None:
        """Store the hashes of new recovery codes, in place of all before."""
        ...

    async def use_recovery_code(self, account_id: UUID, code: str) -> int | None:
        """Record the use of a recovery code; how many are left. None: it is unknown or was used before."""
        ...


class TotpCodes(Protocol):
    """One-time codes by time (RFC 6238)."""

    def new_secret(self) -> str: ...

    def recovery_codes(self) -> Sequence[str]:
        """Ten new ones, of which each replaces one code when the device is lost."""
        ...

    def uri(self, secret: str, name: str) -> str:
        """The otpauth URI that an authenticator app reads from a QR code."""
        ...

    def step(self, secret: str, code: str, now: datetime) -> int | None:
        """The time step of the code; one step before or after `now` is allowed. None: the code is wrong."""
        ...
