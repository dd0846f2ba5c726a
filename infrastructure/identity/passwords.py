"""Passwords: which are good enough, and bcrypt off the event loop, a bounded number at a time."""

import asyncio
import hmac
import os
import sys
import threading
import unicodedata
from base64 import b64encode
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import bcrypt
from zxcvbn.matching import RANKED_DICTIONARIES  # type: ignore[import-untyped]

from application.event_log import Unavailable
from application.ports import LONGEST_PASSWORD, WeakPassword

COST = 12
THREADS = 2
WAITING = 64
NICE = 10
OURS = ("daybook",)
"""Words that guessers try here, as everybody's own."""
_SHORTEST_WORD = 4  # letters: a shorter name is in many good passwords by chance
T = TypeVar("T")


class Passwords:
    """application.ports.Passwords. `pepper`: 32 bytes, known to no database; `waiting`: how many may wait."""

    def __init__(self, pepper: bytes, *, cost: int = COST, waiting: int = WAITING) -> None:
        self._pepper = pepper
        self._cost = cost
        self._places = THREADS + waiting
        self._taken = 0
        self._threads = ThreadPoolExecutor(THREADS, "passwords", _give_way)
        # Of a password that nobody has: whoever is not there is compared with it.
        self._nobody = bcrypt.hashpw(bcrypt.gensalt(4), bcrypt.gensalt(cost)).decode()

    def close(self) -> None:
        """Wait for what is being hashed."""
        self._threads.shutdown()

    def check(self, password: str, *, least: int = 15, about: Sequence[str] = ()) -> None:
        """See the port."""
        if len(password) < least:
            raise WeakPassword(f"It has at least {least} characters.")
        if len(password) > LONGEST_PASSWORD:
            raise WeakPassword(f"It has at most {LONGEST_PASSWORD} characters.")
        plain = _plain(password)
        if any(_spells(plain, word) for word in _words((*about, *OURS))):
            raise WeakPassword("It is not made of your own name or address, or of ours.")
        if _is_common(plain):
            raise WeakPassword("It is one of those that are tried first.")

    async def hash(self, password: str) -> str:
        """See the port."""
        return await self._in_thread(self._hash, password)

    async def verify(self, password: str, kept: str | None) -> bool:
        """See the port."""
        if len(password) > LONGEST_PASSWORD:  # nobody's, and not worth the time that its length takes
            password, kept = "", None
        same = await self._in_thread(self._same, password, kept or self._nobody)
        return same and kept is not None

    def _hash(self, password: str) -> str:
        return bcrypt.hashpw(self._digest(password), bcrypt.gensalt(self._cost)).decode()

    def _same(self, password: str, kept: str) -> bool:
        return bcrypt.checkpw(self._digest(password), kept.encode())

    def _digest(self, password: str) -> bytes:
        """64 bytes, whatever the length: bcrypt takes 72 at most."""
        said = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
        return b64encode(hmac.digest(self._pepper, said, "sha384"))

    async def _in_thread(self, work: Callable[..., T], *arguments: str) -> T:
        if self._taken >= self._places:
            raise Unavailable("Too many are signing in.")
        self._taken += 1
        done = asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        done.add_done_callback(self._leave)  # also when whoever waited has gone
        return await asyncio.shield(done)

    def _leave(self, done: asyncio.Future[T]) -> None:
        self._taken -= 1
        if not done.cancelled():
            done.exception()  # it has been told to whoever waited


def _give_way() -> None:
    """Hashing takes whole processors; whoever books in the meantime comes first."""
    if sys.platform == "linux":  # where a thread has a priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


def _plain(text: str) -> str:
    """As a guesser sees it: without case, and without what only decorates."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(each for each in folded if each.isalnum())


def _words(about: Sequence[str]) -> list[str]:
    """Whole values, and their parts: of ada@example.org, "ada", "example" and "org" too."""
    parts = [part for value in about for part in (value, *_split(value))]
    return [word for word in map(_plain, parts) if len(word) >= _SHORTEST_WORD]


def _split(value: str) -> list[str]:
    return "".join(each if each.isalnum() else " " for each in value).split()


def _spells(plain: str, word: str) -> bool:
    """Whether little is left of the password without the word: digits, or a few letters."""
    left = plain.replace(word, "")
    return len(left) < len(plain) and len([each for each in left if not each.isdigit()]) < _SHORTEST_WORD


def _is_common(plain: str) -> bool:
    """On a list, or one of its words again and again, or a run of the same few letters."""
    return not plain or _on_list(plain) or _on_list(plain.rstrip("0123456789")) or _repeats(plain)


def _on_list(word: str) -> bool:
    return any(word in ranks for ranks in RANKED_DICTIONARIES.values())


def _repeats(plain: str) -> bool:
    """Whether it is one piece of up to 8 letters, or a common one of any length, said several times."""
    at = (plain + plain).find(plain, 1)  # the length of the piece; its own length if it is said once
    return at < len(plain) and (at <= 8 or _is_common(plain[:at]))
