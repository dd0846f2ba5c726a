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
from infrastructure.ledger.verification import LedgerHeads, LogHead

HEAD = LogHead(4_711, sha256(b"the log").digest(), datetime(2030, 1, 7, 9, 0, 0, 123, tzinfo=UTC))
SECURITY = LogHead(12, sha256(b"the security log").digest(), datetime(2030, 1, 7, 9, 0, 1, tzinfo=UTC))
KEY = Ed25519PrivateKey.generate()
ROOT = sha256(b"the root").digest()


OLD_KEY = "NpnDKvF0RjE88ubnc7A5H1i9emF4Hzy5km17ryQVOmI="
OLD = b"""{
  "position": 4711,
  "hash": "20681c9f57b1ac848be00fbf2f3ef991e6fd7ce4060d5cb94f6dc4ececd68b29",
  "at": "2030-01-07T09:00:00.000123+00:00",
  "key": "NpnDKvF0RjE88ubnc7A5H1i9emF4Hzy5km17ryQVOmI=",
  "signature": "aVC/zm8Ao8vKhFPNvQ46x18UtmlhZNrqw2D2i13FPkWtTZIVj5IL0fqMNeCH8k+NbX+vWgXhpBvsMzVlnABaAg=="
}
"""
"""As `daybook audit checkpoint` of release 0.1.0 printed it."""
OLD_EMPTY = b"""{
  "position": 0,
  "hash": "",
  "at": null,
  "key": "NpnDKvF0RjE88ubnc7A5H1i9emF4Hzy5km17ryQVOmI=",
  "signature": "D/eCunEyXgmi597NB4xsuLKXSEVlnEluQA6sjIrjAMQZZ/5NHaIL6QpSSg5Pp/cS3pzawksts4Zx8nIMykt0CQ=="
}
"""


def signed(head: LogHead, key: Ed25519PrivateKey = KEY) -> bytes:
    return sign(LedgerHeads(head, SECURITY), key).encode()


def signed_2(head: LogHead = HEAD, views: LogHead | None = None) -> bytes:
    """Of version 2, which signs the root too."""
    return sign(LedgerHeads(head, SECURITY, ROOT, views), KEY).encode()


def edited(**changes: Any) -> bytes:
    """A genuine checkpoint, then changed."""
    return json.dumps(json.loads(signed(HEAD)) | changes, indent=2).encode()


def is_read(content: bytes) -> bool:
    try:
        read(content)
    except NotGenuine:
        return False
    return True


@pytest.mark.parametrize(
    "head",
    [
        HEAD,
        LogHead(0, b"", None),
        HEAD._replace(at=HEAD.at and HEAD.at.astimezone(timezone(timedelta(hours=5)))),
    ],
)
def test_what_was_signed_is_read(head: LogHead) -> None:
    content = signed(head)
    assert read(content) == read(content + b"\n", public_text(KEY)) == (LedgerHeads(head, SECURITY), public_text(KEY))


@pytest.mark.parametrize("views", [None, SECURITY])
def test_a_root_and_the_log_of_views_are_read(views: LogHead | None) -> None:
    expected = (LedgerHeads(HEAD, SECURITY, ROOT, views), public_text(KEY))
    assert read(signed_2(views=views)) == read(signed_2(views=views), public_text(KEY)) == expected
    assert json.loads(signed_2())["version"] == 2


@pytest.mark.parametrize("changes", [{"version": 3}, {"version": None}, {"root": None}, {"root": "00"}, {"more": 1}])
def test_a_version_that_is_not_known_is_refused_even_if_it_is_signed(changes: dict[str, Any]) -> None:
    fields = json.loads(signed_2()) | changes
    said = {name: value for name, value in fields.items() if name not in {"key", "signature"} and value is not None}
    message = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    signature = b64encode(KEY.sign(message)).decode()
    content = json.dumps({**said, "key": public_text(KEY), "signature": signature}, indent=2).encode()
    assert not is_read(content)


@pytest.mark.parametrize(("content", "head"), [(OLD, HEAD), (OLD_EMPTY, LogHead(0, b"", None))])
def test_one_of_release_0_1_0_is_read(content: bytes, head: LogHead) -> None:
    assert read(content) == read(content, OLD_KEY) == (LedgerHeads(head), OLD_KEY)


@pytest.mark.parametrize(
    "content",
    [OLD, OLD_EMPTY, signed(HEAD) + b"\n", signed_2(views=SECURITY) + b"\n"],
    ids=["0.1.0", "0.1.0, empty", "version 1", "version 2"],
)
def test_every_byte_of_it_counts(content: bytes) -> None:
    """Each is changed bit by bit, into blanks and what base64 passes over, and left out; blanks are put before it."""
    assert is_read(content)
    for at, byte in enumerate(content):
        others = {byte ^ 1 << bit for bit in range(8)} | {*b" \t\r\n=+/_-A0", 0x85} - {byte}
        for changed in (bytes([other]) for other in others):
            assert not is_read(content[:at] + changed + content[at + 1 :]), (at, chr(byte), changed)
        for more in (b" ", b"\t", b"\r", b"\n", b"\xef\xbb\xbf"):
            assert not is_read(content[:at] + more + content[at:]), (at, more)
        last = at == len(content) - 1  # the line feed of the file may be missing
        assert is_read(content[:at] + content[at + 1 :]) is last, at
    assert not is_read(content + b"\n")


def test_one_of_another_signer_is_refused_where_the_signer_is_known() -> None:
    other = Ed25519PrivateKey.generate()
    assert read(signed(HEAD, other)).key == public_text(other)
    with pytest.raises(NotGenuine, match="another key"):
        read(signed(HEAD, other), public_text(KEY))


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
        {"security": None},
        {"security": {"position": 11, "hash": "", "at": None}},
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


@pytest.mark.parametrize("part", ["position", "hash", "at", "security", "key", "signature"])
def test_one_that_lacks_a_part_is_refused(part: str) -> None:
    said = json.loads(signed(HEAD))
    del said[part]
    with pytest.raises(NotGenuine):
        read(json.dumps(said, indent=2).encode())


def test_a_signature_over_something_that_is_no_head_is_refused() -> None:
    said = {"position": 1, "hash": "xyz", "at": None}
    message = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    signature = b64encode(KEY.sign(message)).decode()
    with pytest.raises(NotGenuine):
        read(json.dumps({**said, "key": public_text(KEY), "signature": signature}, indent=2).encode())


@pytest.mark.parametrize("text", ["", "garbage", "{}", "[]", "null", "7", '"key"', "\0", "[" * 100_000, "{" * 9])
def test_garbage_is_refused(text: str) -> None:
    with pytest.raises(NotGenuine):
        read(text.encode())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_another_layout_or_encoding_is_refused(encoding: str) -> None:
    said = json.loads(signed(HEAD))
    for text in (json.dumps(said), json.dumps(dict(reversed(said.items())), indent=2)):
        assert not is_read(text.encode())
    assert not is_read(signed(HEAD).decode().encode(encoding))


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
