"""Passwords: rules for new ones, and bcrypt off the event loop, a bounded number at a time."""

import asyncio
import hashlib
import hmac
import mmap
import os
import sys
import threading
import unicodedata
from base64 import b64encode
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import bcrypt

from application.event_log import Overloaded
from application.identity.credentials import LONGEST_PASSWORD, WeakPassword

COST = 12
THREADS = 2
WAITING = 64
NICE = 10
OURS = ("daybook",)
"""Words that an attacker of this service tries first."""
_SHORTEST_WORD = 4  # letters: shorter names occur in many good passwords by chance
T = TypeVar("T")


class Passwords:
    """Hashes and verifies. `pepper`: 32 bytes that no database holds; `waiting`: how many requests may wait.

    `breached`: a file of breached passwords, which are refused.
    """

    def __init__(
        self, pepper: bytes, *, cost: int = COST, waiting: int = WAITING, breached: Path | None = None
    ) -> None:
        self._breached = BreachedPasswords(breached) if breached else ()
        self._pepper = pepper
        self._cost = cost
        self._places = THREADS + waiting
        self._taken = 0
        self._threads = ThreadPoolExecutor(THREADS, "passwords", _give_way)
        # The hash of a random password: verifying an unknown account takes as long as a known one.
        self._dummy_hash = bcrypt.hashpw(bcrypt.gensalt(4), bcrypt.gensalt(cost)).decode()

    def close(self) -> None:
        """Wait for hashes under way."""
        self._threads.shutdown()

    def check(self, password: str, *, least: int = 15, about: Sequence[str] = ()) -> None:
        if len(password) < least:
            raise WeakPassword(f"Use at least {least} characters.")
        if len(password) > LONGEST_PASSWORD:
            raise WeakPassword(f"Use at most {LONGEST_PASSWORD} characters.")
        plain = _plain(password)
        if any(_spells(plain, word) for word in _words((*about, *OURS))):
            raise WeakPassword("Do not build the password from your name or address, or from ours.")
        if _is_common(plain):
            raise WeakPassword("This password is too common. Use another.")
        if password in self._breached:
            raise WeakPassword("This password is known from a data breach. Use another.")

    async def hash(self, password: str) -> str:
        return await self._in_thread(self._hash, password)

    async def verify(self, password: str, hashed: str | None) -> bool:
        if len(password) > LONGEST_PASSWORD:  # no stored password is longer: do not hash it
            password, hashed = "", None
        same = await self._in_thread(self._same, password, hashed or self._dummy_hash)
        return same and hashed is not None

    def _hash(self, password: str) -> str:
        return bcrypt.hashpw(self._digest(password), bcrypt.gensalt(self._cost)).decode()

    def _same(self, password: str, hashed: str) -> bool:
        return bcrypt.checkpw(self._digest(password), hashed.encode())

    def _digest(self, password: str) -> bytes:
        """64 bytes, whatever the length: bcrypt takes 72 at most."""
        normalized = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
        return b64encode(hmac.digest(self._pepper, normalized, "sha384"))

    async def _in_thread(self, work: Callable[..., T], *arguments: str) -> T:
        if self._taken >= self._places:
            raise Overloaded("Too many sign-ins at once. Try again.")
        self._taken += 1
        done = asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        done.add_done_callback(self._leave)  # also when the request was cancelled
        return await asyncio.shield(done)

    def _leave(self, done: asyncio.Future[T]) -> None:
        self._taken -= 1
        if not done.cancelled():
            done.exception()  # retrieved: the waiting request raises it


class BreachedPasswords:
    """A file of SHA-1 hashes in upper case, one a line, in order; searched on disk, as it may not fit into memory."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._lines = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def __contains__(self, password: str) -> bool:
        sought = hashlib.sha1(password.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest().upper()
        low, high = 0, len(self._lines)
        while low < high:
            start = self._lines.rfind(b"\n", low, (low + high) // 2) + 1 or low
            found = self._lines[start : start + len(sought)]
            if found == sought.encode():
                return True
            if found < sought.encode():
                low = self._lines.find(b"\n", start) + 1 or high
            else:
                high = start
        return False


def _give_way() -> None:
    """Hashing occupies whole processors: bookings get priority."""
    if sys.platform == "linux":  # where a thread has a priority of its own
        thread = threading.get_native_id()
        lowest = max(NICE, os.getpriority(os.PRIO_PROCESS, thread))  # only root may raise a priority again
        os.setpriority(os.PRIO_PROCESS, thread, lowest)


def _plain(text: str) -> str:
    """The text as password guessers compare it: without case, spaces and punctuation."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(each for each in folded if each.isalnum())


def _words(about: Sequence[str]) -> list[str]:
    """Whole values and their parts: of ada@example.org, also "ada", "example" and "org"."""
    parts = [part for value in about for part in (value, *_split(value))]
    return [word for word in map(_plain, parts) if len(word) >= _SHORTEST_WORD]


def _split(value: str) -> list[str]:
    return "".join(each if each.isalnum() else " " for each in value).split()


def _spells(plain: str, word: str) -> bool:
    """Whether only digits or a few letters remain of the password without the word."""
    left = plain.replace(word, "")
    return len(left) < len(plain) and len([each for each in left if not each.isdigit()]) < _SHORTEST_WORD


def _is_common(plain: str) -> bool:
    """On a list of common passwords, such a password repeated, or a few letters repeated."""
    return not plain or _on_list(plain) or _on_list(plain.rstrip("0123456789")) or _repeats(plain)


def _on_list(word: str) -> bool:
    # Here: the lists take 12 MB, and most processes see no new password.
    from zxcvbn.matching import RANKED_DICTIONARIES  # type: ignore[import-untyped]

    return any(word in ranks for ranks in RANKED_DICTIONARIES.values())


def _repeats(plain: str) -> bool:
    """Whether the password repeats one piece: of up to 8 letters, or a common password of any length."""
    at = (plain + plain).find(plain, 1)  # the length of the piece; the whole length if nothing repeats
    return at < len(plain) and (at <= 8 or _is_common(plain[:at]))
