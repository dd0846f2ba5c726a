"""The lines of an archive: `<sha256 of the rest> <json>`, and a signature over all of them at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from mmap import ACCESS_READ, mmap
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self
from uuid import uuid4

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_DIGITS = 64  # of a hash
_LONGEST = 64 * 1024 * 1024  # bytes of a line: far more than an event may have


class DamagedArchive(Exception):
    """The archive is not as it was signed; the text names the line."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")


class ArchiveWriter:
    """Writes an archive beside its place, where `finish` puts it; nothing is left of one that is not finished."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._draft = file.with_name(f"{file.name}.{uuid4().hex}")
        self._out: BinaryIO
        self._all = sha256()
        self.counts: dict[str, int] = {}

    def __enter__(self) -> Self:
        self._draft.touch(mode=0o600, exist_ok=False)
        self._out = self._draft.open("r+b")
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._out.close()
        self._draft.unlink(missing_ok=True)

    def line(self, kind: str, **fields: Any) -> None:
        """One line of this kind."""
        rest = json.dumps({"kind": kind, **fields}, separators=(",", ":")).encode()
        line = b"%s %s\n" % (sha256(rest).hexdigest().encode(), rest)
        self._out.write(line)
        self._all.update(line)
        self.counts[kind] = self.counts.get(kind, 0) + 1

    def finish(self, key: Ed25519PrivateKey) -> None:
        """The end and the signature; then the file is in its place."""
        self.line("end", **{f"{kind}s": n for kind, n in self._counted()}, hash=self._all.hexdigest())
        self._out.flush()
        with mmap(self._out.fileno(), 0, access=ACCESS_READ) as content, memoryview(content) as written:
            signature = key.sign(written)
        self._out.seek(0, 2)
        self._out.write(f"{signature.hex()}\n".encode())
        self._out.close()
        self._draft.replace(self._file)

    def _counted(self) -> Iterator[tuple[str, int]]:
        for kind in ("event", "node", "seal"):
            yield kind, self.counts.get(kind, 0)


def lines_of(file: Path, key: str | None = None) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Number and fields of each line but the signature, which is verified first if a public key (base64) is given.

    Raises DamagedArchive for the first line that is not as it was written, and OSError.
    """
    if key is not None:
        _verify_signature(file, key)
    number, before, ended = 0, sha256(), False
    with file.open("rb") as content:
        while line := content.readline(_LONGEST):
            number += 1
            if ended:
                return
            fields = _fields(number, line)
            ended = fields["kind"] == "end"
            if ended and fields.get("hash") != before.hexdigest():
                raise DamagedArchive(number, "the lines before are not those that were signed")
            before.update(line)
            yield number, fields
    raise DamagedArchive(number + 1, "the archive ends here")


def _fields(number: int, line: bytes) -> Mapping[str, Any]:
    """Nothing is parsed before its hash is compared."""
    digest, rest = line[:_DIGITS], line[_DIGITS + 1 : -1]
    if line != b"%s %s\n" % (digest, rest) or digest != sha256(rest).hexdigest().encode():
        raise DamagedArchive(number, "it is not what was written")
    try:
        fields = json.loads(rest)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict) or not isinstance(fields.get("kind"), str):
        raise DamagedArchive(number, "it is no line of an archive")
    return fields


def _verify_signature(file: Path, key: str) -> None:
    from base64 import b64decode

    if not file.stat().st_size:
        raise DamagedArchive(1, "the archive ends here")
    with file.open("rb") as opened, mmap(opened.fileno(), 0, access=ACCESS_READ) as content:
        last = content.rfind(b"\n", 0, len(content) - 1) + 1
        written = bytes(content[last:])
        try:
            signature = bytes.fromhex(written[:-1].decode())
            with memoryview(content) as all_bytes, all_bytes[:last] as signed:
                Ed25519PublicKey.from_public_bytes(b64decode(key, validate=True)).verify(signature, signed)
            intact = written == f"{signature.hex()}\n".encode()
        except (ValueError, InvalidSignature):
            intact = False
    if not intact:
        raise DamagedArchive(_lines(file), "the signature is not that of this key over all lines before")


def _lines(file: Path) -> int:
    with file.open("rb") as content:
        return sum(1 for _ in content)
