"""Archives of a town, and the verifier as docs/auditors.md has it."""

from __future__ import annotations

import json
import os
import types
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infrastructure.ledger.archive.making import ArchiveMaker, ArchiveRequest
from infrastructure.ledger.checkpoint import public_text, read, sign
from infrastructure.ledger.reader import connected
from infrastructure.ledger.verification import verify
from tests.conftest import Database
from tests.support.sealed import MASTERS

DOCUMENT = Path(__file__).parents[4] / "docs" / "auditors.md"
KEY = Ed25519PrivateKey.generate()
PUBLIC = public_text(KEY)


def verifier() -> Any:
    """The module that the document prints."""
    text = source()
    module = types.ModuleType("verifier")
    exec(compile(text, "docs/auditors.md", "exec"), module.__dict__)
    return module


def source() -> str:
    _, _, rest = DOCUMENT.read_text(encoding="utf-8").partition("```python\n")
    text, fence, _ = rest.partition("```")
    assert fence
    return text


async def a_checkpoint(database: Database, key: Ed25519PrivateKey = KEY) -> str:
    async with connected(database.application, 10) as connection:
        verdict = await verify(connection, tree=True)
    assert verdict.heads is not None, verdict.broken
    return sign(verdict.heads, key)


async def an_archive(database: Database, folder: Path, asked: ArchiveRequest, **more: Any) -> bytes:
    """What `daybook audit export` writes. `viewed`: who is told what."""
    text = await a_checkpoint(database)
    file = folder / "archive"
    await ArchiveMaker(database.application, MASTERS, KEY, **more).make(file, asked, read(text.encode()), text)
    assert not [each for each in os.listdir(folder) if each.startswith("archive.")]  # noqa: PTH208  a draft
    return file.read_bytes()


def lines(content: bytes) -> list[dict[str, Any]]:
    """The fields of all lines but the signature."""
    return [json.loads(line[65:]) for line in content.split(b"\n")[:-2]]


def signed(fields: list[dict[str, Any]], key: Ed25519PrivateKey = KEY) -> bytes:
    """An archive of these lines, each with its hash, and with an end and a signature that fit."""
    written = b""
    for each in fields:
        whole = {**each, "hash": sha256(written).hexdigest()} if each["kind"] == "end" else each
        rest = json.dumps(whole, separators=(",", ":")).encode()
        written += sha256(rest).hexdigest().encode() + b" " + rest + b"\n"
    return written + key.sign(written).hex().encode() + b"\n"


def fault(check: Callable[[bytes, str], Any], content: bytes, key: str = PUBLIC) -> str:
    """What the verifier finds; empty if it takes the content."""
    try:
        check(content, key)
    except Exception as found:  # noqa: BLE001  any exception is a fault
        return str(found) or type(found).__name__
    return ""
