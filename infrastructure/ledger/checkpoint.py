"""Signed checkpoints: a head of the log, kept outside the database, detects a rewrite of everything before it."""

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

from infrastructure.ledger.verification import LedgerHeads, LogHead

_OTHERS = ("security", "views")
_VERSION = 2
_BYTES = 32


class NotGenuine(Exception):
    """The checkpoint does not carry a valid signature of the key."""


class NoKey(Exception):
    """The file holds no signing key."""


class SignedCheckpoint(NamedTuple):
    """The signed heads, and the signer's public key."""

    heads: LedgerHeads
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
    """Create the file atomically; of two processes at once, the second uses the key of the first."""
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
    return _public_text(key.public_key())


def _public_text(key: Ed25519PublicKey) -> str:
    return b64encode(key.public_bytes_raw()).decode()


def sign(heads: LedgerHeads, key: Ed25519PrivateKey) -> str:
    """The checkpoint, JSON: of version 2 if the root is among the heads. Release 0.1.0 signed the log's head alone."""
    fields: dict[str, Any] = {} if heads.root is None else {"version": _VERSION}
    fields |= _fields(heads.log)
    if heads.root is not None:
        fields["root"] = heads.root.hex()
    fields |= {name: _fields(head) for name in _OTHERS if (head := getattr(heads, name)) is not None}
    return _written(fields, public_text(key), key.sign(_canonical(fields)))


def read(content: bytes, key: str | None = None) -> SignedCheckpoint:
    """The content of a checkpoint; raises NotGenuine. `key`: the public key that must have signed it, if known.

    Every byte counts: it must be what `sign` writes, but for one line feed at the end, which `daybook audit` adds.
    """
    try:
        fields: dict[str, Any] = json.loads(content)
        given, signature = fields.pop("key"), b64decode(fields.pop("signature"), validate=True)
        signer = Ed25519PublicKey.from_public_bytes(b64decode(given, validate=True))
        public = _public_text(signer)
        if content.removesuffix(b"\n") != _written(fields, public, signature).encode():
            raise NotGenuine("This is no genuine checkpoint.")
        if key is not None and key != public:
            raise NotGenuine("The checkpoint was signed with another key.")
        signer.verify(signature, _canonical(fields))
        return SignedCheckpoint(_heads(fields), public)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, InvalidSignature) as wrong:
        raise NotGenuine("This is no genuine checkpoint.") from wrong


def _heads(fields: dict[str, Any]) -> LedgerHeads:
    others = {name: _head(fields[name]) for name in _OTHERS if name in fields}
    root = bytes.fromhex(fields["root"]) if fields.get("version") == _VERSION else None
    if root is not None and len(root) != _BYTES:
        raise ValueError("a root is a SHA-256")
    known = {"version": _VERSION, "root": fields.get("root")} if root is not None else {}
    if known | _fields(_head(fields)) | {name: _fields(head) for name, head in others.items()} != fields:
        raise ValueError("signed, but no checkpoint of a version that this release knows")
    return LedgerHeads(_head(fields), others.get("security"), root, others.get("views"))


def _fields(head: LogHead) -> dict[str, Any]:
    return {"position": head.position, "hash": head.hash.hex(), "at": head.at.isoformat() if head.at else None}


def _head(fields: dict[str, Any]) -> LogHead:
    at = datetime.fromisoformat(fields["at"]) if fields["at"] else None
    return LogHead(int(fields["position"]), bytes.fromhex(fields["hash"]), at)


def _written(fields: dict[str, Any], public: str, signature: bytes) -> str:
    return json.dumps({**fields, "key": public, "signature": b64encode(signature).decode()}, indent=2)


def _canonical(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
