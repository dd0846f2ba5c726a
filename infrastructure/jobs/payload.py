"""What enqueued jobs say: encrypted with a key of the system, for it may be about somebody without an account."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from application.jobs.job import JobRequest
from domain.kernel import derived_id
from infrastructure.privacy.row_encryption import RowEncryption

KEY = derived_id("key", "errands")
"""Whose key it is: the name is that of release 0.1.0, whose rows must stay readable."""


async def seal_payload(seals: RowEncryption, request: JobRequest) -> bytes:
    """Bound to the job's key, so that it can't be moved to another job."""
    return await seals.encrypt(KEY, dict(request.payload), request.key.bytes)


async def unseal_payload(seals: RowEncryption, key: UUID, sealed: bytes) -> Mapping[str, Any]:
    """Empty if it can't be read any more."""
    opened: Mapping[str, Any] | None = await seals.decrypt(KEY, sealed, key.bytes)
    return opened or {}
