"""Which passwords are good enough, and how they are kept."""

import asyncio
import hashlib
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from application.event_log import Unavailable
from application.identity.credentials import WeakPassword
from infrastructure.identity.passwords import COST, BreachedPasswords, Passwords
from infrastructure.settings_values import hash_list
from tests.support.signing import CHEAP, PASSWORD, PEPPER


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    passwords = Passwords(PEPPER, cost=CHEAP)
    yield passwords
    passwords.close()


@pytest.mark.parametrize(
    "good",
    [
        PASSWORD,
        "x7!kQ2#mV9$pL4@",
        "kirschbaumblüte im april",
        "日本語の長い合言葉を使います本当に",
        "ä" * 7 + "qwmbzkvprt",
    ],
)
def test_length_is_enough_whatever_it_is_made_of(passwords: Passwords, good: str):
    passwords.check(good)


@pytest.mark.parametrize(
    "weak",
    [
        "x7!kQ2#mV9$pL4",
        "",
        "x" * 257,
        "aaaaaaaaaaaaaaaaaaa",
        "abcabcabcabcabcabc",
        "password password",
        "Password1234567890",
        "123456789123456789",
        "1qaz2wsx1qaz2wsx1qaz2wsx",
        "               ",
        "!!!!!!!!!!!!!!!!!!!!",
    ],
)
def test_short_ones_long_ones_and_those_tried_first_are_refused(passwords: Passwords, weak: str):
    with pytest.raises(WeakPassword) as refused:
        passwords.check(weak)
    assert refused.value.pointer == "/password"


@pytest.mark.parametrize("own", ["Grace Hopper 1906", "gracehopper123456", "grace@example.org1", "G.r.a.c.e.Hopper!!"])
def test_words_about_the_person_are_refused(passwords: Passwords, own: str):
    about = ["grace@example.org", "Grace Hopper"]
    with pytest.raises(WeakPassword, match="name or address"):
        passwords.check(own, about=about)
    passwords.check("the ship sails at dawn, grace", about=about)


@pytest.mark.parametrize("ours", ["Daybook-Daybook!", "daybook123456789", "my daybook 2026 !"])
def test_words_about_us_are_refused(passwords: Passwords, ours: str):
    with pytest.raises(WeakPassword, match="or from ours"):
        passwords.check(ours)
    passwords.check("a daybook in the drawer")


def test_beside_codes_eight_characters_are_enough(passwords: Passwords):
    passwords.check("k7#mQ2!x", least=8)
    with pytest.raises(WeakPassword):
        passwords.check("k7#mQ2!", least=8)
    with pytest.raises(WeakPassword):
        passwords.check("football", least=8)


async def test_only_the_right_one_is_taken(passwords: Passwords):
    kept = await passwords.hash(PASSWORD)
    assert PASSWORD not in kept
    assert await passwords.verify(PASSWORD, kept)
    assert not await passwords.verify(PASSWORD + "!", kept)
    assert not await passwords.verify(PASSWORD, None)


async def test_what_comes_after_72_bytes_counts_too(passwords: Passwords):
    kept = await passwords.hash("é" * 36 + "x")
    assert await passwords.verify("é" * 36 + "x", kept)
    assert not await passwords.verify("é" * 36 + "y", kept)


async def test_a_letter_is_the_same_however_it_is_composed(passwords: Passwords):
    kept = await passwords.hash(unicodedata.normalize("NFD", "kirschbaumblüte"))
    assert await passwords.verify(unicodedata.normalize("NFC", "kirschbaumblüte"), kept)


@pytest.mark.parametrize("odd", ["\x00" * 20, "\ud800" * 20, "x" * 1_000_000])
async def test_odd_ones_are_answered(passwords: Passwords, odd: str):
    kept = await passwords.hash(PASSWORD)
    assert not await passwords.verify(odd, kept)


async def test_without_the_pepper_a_hash_is_of_no_use(passwords: Passwords):
    other = Passwords(b"q" * 32, cost=CHEAP)
    assert not await other.verify(PASSWORD, await passwords.hash(PASSWORD))
    other.close()


async def test_too_many_at_once_are_sent_away_and_the_others_are_served():
    passwords = Passwords(PEPPER, cost=CHEAP, waiting=1)
    hold = Event()
    for _ in range(2):
        passwords._threads.submit(hold.wait)
    waiting = [asyncio.create_task(passwords.hash(PASSWORD)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await passwords.hash(PASSWORD)
    hold.set()
    assert all(kept.startswith("$2b$") for kept in await asyncio.gather(*waiting))
    assert await passwords.verify(PASSWORD, await passwords.hash(PASSWORD)), "the places are free again"
    passwords.close()


def test_the_usual_cost_is_12():
    assert COST == 12


class TestBreached:
    @pytest.fixture
    def listed(self, tmp_path: Path) -> tuple[Path, list[str]]:
        """A file as haveibeenpwned.com has it, and the passwords in it."""
        words = [f"breached passphrase {n}" for n in range(1000)] + ["ungebräuchlich, aber bekannt"]
        lines = sorted(f"{hashlib.sha1(each.encode()).hexdigest().upper()}:{len(each)}" for each in words)
        file = tmp_path / "breached.txt"
        file.write_text("\r\n".join(lines) + "\r\n")
        return file, words

    def test_each_is_found_and_no_other(self, listed: tuple[Path, list[str]]):
        file, words = listed
        breached = BreachedPasswords(file)
        assert [each for each in words if each not in breached] == []
        assert [n for n in range(1000) if f"another passphrase {n}" in breached] == []

    def test_none_of_them_is_taken(self, listed: tuple[Path, list[str]]):
        file, words = listed
        passwords = Passwords(PEPPER, cost=CHEAP, breached=file)
        for each in (words[0], words[500], words[-1]):
            with pytest.raises(WeakPassword, match="data breach"):
                passwords.check(each)
        passwords.check(PASSWORD)
        passwords.close()

    @pytest.mark.parametrize("content", ["", "password\n", "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8:1\n", None])
    def test_a_file_of_something_else_is_refused_at_start(self, tmp_path: Path, content: str | None):
        file = tmp_path / "list"
        if content is not None:
            file.write_text(content)
        with pytest.raises(ValueError, match=r"SHA-1|cannot be read"):
            hash_list(file)


AS_NOBODY_AT_LOW_PRIORITY = """
import asyncio, os
from infrastructure.identity.passwords import Passwords
os.nice(19)
if os.geteuid() == 0:
    os.setuid(65534)
passwords = Passwords(bytes(32), cost=4)
print(asyncio.run(passwords.hash("correct horse battery staple"))[:3])
"""


def test_a_program_of_low_priority_hashes_too() -> None:
    """Only root may raise a priority, so a thread keeps one that is lower already."""
    ran = subprocess.run([sys.executable, "-c", AS_NOBODY_AT_LOW_PRIORITY], capture_output=True, text=True, check=False)
    assert ran.stdout == "$2b\n", ran.stderr
