"""Proofs as JSON, for the routes and for `daybook audit`."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pydantic_core import PydanticCustomError

from application.ledger import ConsistencyProof, InclusionProof, TreeHead
from domain.log_position import position_of, position_text
from interfaces.http.audit.past_bodies import exact


def event_of(value: Any) -> int | UUID:
    """A position or a stream. Raises PydanticCustomError."""
    position = position_of(value) if isinstance(value, str) else None
    if position:
        return position
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise PydanticCustomError("event", "Use a position such as 0.4711, or the id of a stream.") from None


def inclusion_body(proof: InclusionProof) -> dict[str, Any]:
    """A proof of inclusion as JSON."""
    return {
        "stream": str(proof.stream),
        "version": proof.version,
        "position": position_text(proof.position),
        "at": exact(proof.at),
        "digest": proof.digest.hex(),
        "tree": _head(proof.tree),
        "path": _path(proof.path),
    }


def consistency_body(proof: ConsistencyProof) -> dict[str, Any]:
    """A proof of consistency as JSON."""
    return {"from": _head(proof.first), "to": _head(proof.second), "path": _path(proof.path)}


def _head(head: TreeHead) -> dict[str, str]:
    return {"position": position_text(head.position), "root": head.root.hex()}


def _path(path: Sequence[bytes]) -> list[str]:
    """In base64, shorter than hexadecimal: below 1 kB for a log of a million events."""
    return [b64encode(each).decode() for each in path]
