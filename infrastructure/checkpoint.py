"""A signed head of the log, for somebody outside to keep: what lies before can't be rewritten unnoticed."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from infrastructure.ledger import Head


class NotGenuine(Exception):
    """The checkpoint is not one that the key has signed."""


def signing_key(file: Path) -> Ed25519PrivateKey:
    """The Ed25519 key in a PEM file; made on first use, readable by its owner alone."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        made = Ed25519PrivateKey.generate()
        file.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key = load_pem_private_key(file.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise NotGenuine(f"{file} holds no Ed25519 key.")
    return key


def public_text(key: Ed25519PrivateKey) -> str:
    """The public key as `verify --key` takes it: base64 of its 32 bytes."""
    return b64encode(key.public_key().public_bytes_raw()).decode()


def sign(head: Head, key: Ed25519PrivateKey) -> str:
    """The checkpoint, JSON."""
    said = {
        "position": head.position,
        "hash": head.hash.hex(),
        "at": head.at.isoformat() if head.at else None,
    }
    signature = b64encode(key.sign(_canonical(said))).decode()
    return json.dumps({**said, "key": public_text(key), "signature": signature}, indent=2)


def read(text: str, key: str | None = None) -> Head:
    """The head that the checkpoint speaks of; raises NotGenuine. `key`: whose signature it must bear."""
    try:
        said = json.loads(text)
        public, signature = said.pop("key"), b64decode(said.pop("signature"))
        if key is not None and key != public:
            raise NotGenuine("The checkpoint was signed with another key.")
        Ed25519PublicKey.from_public_bytes(b64decode(public)).verify(signature, _canonical(said))
        at = datetime.fromisoformat(said["at"]) if said["at"] else None
        return Head(said["position"], bytes.fromhex(said["hash"]), at)
    except (ValueError, KeyError, TypeError, AttributeError, InvalidSignature) as wrong:
        raise NotGenuine("This is no genuine checkpoint.") from wrong


def _canonical(said: dict[str, object]) -> bytes:
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
