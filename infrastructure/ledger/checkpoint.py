"""A signed head of the log, for somebody outside to keep: what lies before can't be rewritten unnoticed."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from infrastructure.ledger.verification import LogHead


class NotGenuine(Exception):
    """The checkpoint is not one that the key has signed."""


class NoKey(Exception):
    """The file holds no key to sign with."""


class SignedCheckpoint(NamedTuple):
    """What was signed, and the public key of whoever did."""

    head: LogHead
    key: str


def signing_key(file: Path) -> Ed25519PrivateKey:
    """The Ed25519 key in a PEM file; made on first use, readable by its owner alone. Raises NoKey."""
    if not file.exists():
        _make_key(file)
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as wrong:
        raise NoKey(f"{file} holds no Ed25519 key.") from wrong
    if not isinstance(key, Ed25519PrivateKey):
        raise NoKey(f"{file} holds no Ed25519 key.")
    return key


def _make_key(file: Path) -> None:
    """Whole or not at all, and whoever comes second takes the first one's."""
    file.parent.mkdir(parents=True, exist_ok=True)
    made = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = file.with_name(f"{file.name}.{uuid4().hex}")
    draft.touch(mode=0o600, exist_ok=False)
    try:
        draft.write_bytes(made)
        file.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def public_text(key: Ed25519PrivateKey) -> str:
    """The public key as `verify --key` takes it: base64 of its 32 bytes."""
    return b64encode(key.public_key().public_bytes_raw()).decode()


def sign(head: LogHead, key: Ed25519PrivateKey) -> str:
    """The checkpoint, JSON."""
    said = {
        "position": head.position,
        "hash": head.hash.hex(),
        "at": head.at.isoformat() if head.at else None,
    }
    signature = b64encode(key.sign(_canonical(said))).decode()
    return json.dumps({**said, "key": public_text(key), "signature": signature}, indent=2)


def read(text: str, key: str | None = None) -> SignedCheckpoint:
    """What a checkpoint says; raises NotGenuine. `key`: who must have signed it, if that is known."""
    try:
        said: dict[str, Any] = json.loads(text)
        public, signature = said.pop("key"), b64decode(said.pop("signature"), validate=True)
        if key is not None and key != public:
            raise NotGenuine("The checkpoint was signed with another key.")
        signer = Ed25519PublicKey.from_public_bytes(b64decode(public, validate=True))
        signer.verify(signature, _canonical(said))
        at = datetime.fromisoformat(said["at"]) if said["at"] else None
        return SignedCheckpoint(LogHead(int(said["position"]), bytes.fromhex(said["hash"]), at), public)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, InvalidSignature) as wrong:
        raise NotGenuine("This is no genuine checkpoint.") from wrong


def _canonical(said: dict[str, Any]) -> bytes:
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
