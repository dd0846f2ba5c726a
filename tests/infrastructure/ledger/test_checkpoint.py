"""A checkpoint is believed only as its signer wrote it."""

import json
import stat
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from infrastructure.ledger.checkpoint import NoKey, NotGenuine, public_text, read, sign, signing_key
from infrastructure.ledger.verification import LogHead

HEAD = LogHead(4_711, sha256(b"the log").digest(), datetime(2030, 1, 7, 9, 0, 0, 123, tzinfo=UTC))
KEY = Ed25519PrivateKey.generate()


def edited(**changes: Any) -> str:
    """A genuine checkpoint, then changed."""
    return json.dumps(json.loads(sign(HEAD, KEY)) | changes)


@pytest.mark.parametrize(
    "head",
    [
        HEAD,
        LogHead(0, b"", None),
        HEAD._replace(at=HEAD.at and HEAD.at.astimezone(timezone(timedelta(hours=5)))),
    ],
)
def test_what_was_signed_is_read(head: LogHead) -> None:
    text = sign(head, KEY)
    assert read(text) == read(text, public_text(KEY)) == (head, public_text(KEY))


def test_one_of_another_signer_is_refused_where_the_signer_is_known() -> None:
    other = Ed25519PrivateKey.generate()
    assert read(sign(HEAD, other)).key == public_text(other)
    with pytest.raises(NotGenuine, match="another key"):
        read(sign(HEAD, other), public_text(KEY))


@pytest.mark.parametrize(
    "changes",
    [
        {"position": 4_712},
        {"position": "4711"},
        {"position": 4711.0},
        {"position": None},
        {"hash": sha256(b"another log").hexdigest()},
        {"hash": ""},
        {"at": "2030-01-07T09:00:01+00:00"},
        {"at": None},
        {"more": 1},
        {"signature": b64encode(KEY.sign(b"something else")).decode()},
        {"signature": b64encode(bytes(64)).decode()},
        {"signature": ""},
        {"signature": None},
        {"key": public_text(Ed25519PrivateKey.generate())},
        {"key": ""},
        {"key": None},
        {"key": 7},
    ],
)
@pytest.mark.parametrize("key", [None, public_text(KEY)], ids=["any signer", "a known signer"])
def test_one_that_was_edited_is_refused(changes: dict[str, Any], key: str | None) -> None:
    with pytest.raises(NotGenuine):
        read(edited(**changes), key)


@pytest.mark.parametrize("part", ["position", "hash", "at", "key", "signature"])
def test_one_that_lacks_a_part_is_refused(part: str) -> None:
    said = json.loads(sign(HEAD, KEY))
    del said[part]
    with pytest.raises(NotGenuine):
        read(json.dumps(said))


def test_a_signature_over_something_that_is_no_head_is_refused() -> None:
    said = {"position": 1, "hash": "xyz", "at": None}
    message = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    signature = b64encode(KEY.sign(message)).decode()
    with pytest.raises(NotGenuine):
        read(json.dumps({**said, "key": public_text(KEY), "signature": signature}))


@pytest.mark.parametrize("text", ["", "garbage", "{}", "[]", "null", "7", '"key"', "\0", "[" * 100_000, "{" * 9])
def test_garbage_is_refused(text: str) -> None:
    with pytest.raises(NotGenuine):
        read(text)


def test_layout_does_not_matter() -> None:
    said = json.loads(sign(HEAD, KEY))
    assert read(json.dumps(dict(reversed(said.items())))) == (HEAD, public_text(KEY))


class TestTheSigningKey:
    def test_is_made_once_and_readable_by_its_owner_alone(self, tmp_path: Path) -> None:
        file = tmp_path / "deep" / "key.pem"
        made = public_text(signing_key(file))
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert public_text(signing_key(file)) == made
        assert list(file.parent.iterdir()) == [file]

    def test_is_one_whoever_asks_first_for_it_at_the_same_time(self, tmp_path: Path) -> None:
        file, at_once = tmp_path / "key.pem", Barrier(8)

        def ask(_: int) -> str:
            at_once.wait()
            return public_text(signing_key(file))

        with ThreadPoolExecutor(8) as pool:
            for _ in range(50):
                assert len(set(pool.map(ask, range(8)))) == 1
                file.unlink()

    @pytest.mark.parametrize("content", [b"", b"garbage", b"-----BEGIN PRIVATE KEY-----\nAAAA\n"])
    def test_is_not_made_over_what_is_there(self, tmp_path: Path, content: bytes) -> None:
        file = tmp_path / "key.pem"
        file.write_bytes(content)
        with pytest.raises(NoKey, match=r"key\.pem holds no Ed25519 key"):
            signing_key(file)
        assert file.read_bytes() == content

    def test_must_be_of_its_kind(self, tmp_path: Path) -> None:
        file = tmp_path / "key.pem"
        other = generate_private_key(SECP256R1())
        file.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        with pytest.raises(NoKey):
            signing_key(file)
