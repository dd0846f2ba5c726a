"""Payloads of enqueued jobs, encrypted with a key of the system: they may concern a person without an account."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from application.jobs.job import JobRequest
from domain.kernel import derived_id
from infrastructure.privacy.row_encryption import RowEncryption

KEY = derived_id("key", "errands")
"""The subject that the key belongs to. Release 0.1.0 chose the name, and its rows must stay readable."""


async def seal_payload(seals: RowEncryption, request: JobRequest) -> bytes:
    """Encrypt a payload, bound to the job's key so that it cannot be moved to another job."""
    return await seals.encrypt(KEY, dict(request.payload), request.key.bytes)


async def unseal_payload(seals: RowEncryption, key: UUID, sealed: bytes) -> Mapping[str, Any]:
    """Decrypt a payload; empty if it can no longer be decrypted."""
    opened: Mapping[str, Any] | None = await seals.decrypt(KEY, sealed, key.bytes)
    return opened or {}
