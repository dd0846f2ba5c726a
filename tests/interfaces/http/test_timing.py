"""How long an answer takes does not tell whether an address is known."""

import random
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import count
from statistics import median
from time import perf_counter

import httpx

from infrastructure.identity.passwords import Passwords
from tests.interfaces.http.sign_in import ADA, register, signed_in
from tests.interfaces.http.town import Api
from tests.support.signing import PEPPER, an_account

ROUNDS = 40
SHUFFLES = 2_000
Ask = Callable[[], Awaitable[httpx.Response]]


async def took(ask: Ask, status: int) -> float:
    """Seconds for one answer."""
    since = perf_counter()
    answer = await ask()
    assert answer.status_code == status
    return perf_counter() - since


async def pairs(known: Ask, unknown: Ask, status: int) -> list[float]:
    """How much longer the known took, in rounds of both, in random order: what slows one slows the other."""
    differences = []
    for number in range(ROUNDS + 3):
        if random.random() < 0.5:
            first, second = await took(known, status), await took(unknown, status)
        else:
            second, first = await took(unknown, status), await took(known, status)
        if number >= 3:  # the first fill caches
            differences.append(first - second)
    return differences


def chance(differences: list[float]) -> float:
    """How often chance alone, by swapping who is called known, makes a median difference as large."""
    seen, dice = abs(median(differences)), random.Random(4711)
    as_large = sum(abs(median(each * dice.choice((-1, 1)) for each in differences)) >= seen for _ in range(SHUFFLES))
    return as_large / SHUFFLES


def test_the_test_finds_a_difference():
    dice = random.Random(4711)
    noise = [dice.gauss(0, 0.01) for _ in range(ROUNDS)]
    assert chance(noise) > 0.001
    assert chance([each + 0.02 for each in noise]) < 0.001


async def test_signing_in_takes_as_long_with_a_known_address_as_with_an_unknown(unlimited: Api):
    api, signing = unlimited, unlimited.ports.identity.signing
    await an_account(signing, ADA)
    differences = await pairs(
        lambda: signed_in(api, ADA, "wrong"), lambda: signed_in(api, "nobody@example.org", "wrong"), 401
    )
    assert chance(differences) > 0.001


async def test_a_forgotten_password_is_answered_as_fast_whoever_asks(unlimited: Api):
    api = unlimited
    await an_account(api.ports.identity.signing, ADA)

    def asked(email: str) -> Ask:
        return lambda: api.post("/v1/auth/password/forgot", {"email": email})

    assert chance(await pairs(asked(ADA), asked("nobody@example.org"), 202)) > 0.001


async def test_whoever_is_not_there_costs_a_whole_hash():
    passwords = Passwords(PEPPER, cost=9)
    kept = await passwords.hash("a quiet harbour at noon")

    async def time_of(word: str, kept: str | None) -> float:
        since = perf_counter()
        await passwords.verify(word, kept)
        return perf_counter() - since

    differences = [
        await time_of("wrong", kept) - await time_of("wrong" * factor, None) for factor in (1, 1, 1_000) * 14
    ]
    passwords.close()
    assert chance(differences) > 0.001


async def test_registering_takes_as_long_with_a_known_address_as_with_an_unknown(unlimited: Api):
    api, numbers = unlimited, count(1)
    await an_account(api.ports.identity.signing, ADA)
    known = partial(register, api, email=ADA)
    assert chance(await pairs(known, lambda: register(api, email=f"o{next(numbers)}@example.org"), 202)) > 0.001
