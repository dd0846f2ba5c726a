"""How long registering takes does not tell whether an address is known."""

import random
from collections.abc import Sequence
from statistics import median
from time import perf_counter

from infrastructure.passwords import Passwords
from tests.http.test_register import an_account, register
from tests.http.town import Api

ROUNDS = 120
RESAMPLES = 2000


async def test_registering_a_known_address_takes_as_long_as_an_unknown_one(unlimited: Api) -> None:
    """In pairs, each in random order, so that both see the same machine."""
    api = unlimited
    api.ports.passwords = Passwords(b"pepper of the tests", cost=8)  # of which one hash weighs as usual
    for n in range(ROUNDS):
        await an_account(api, f"known{n}@example.org")
    dice = random.Random(7)
    pairs = []
    for n in range(ROUNDS):
        took: dict[str, float] = {}
        for kind in dice.sample(["known", "other"], 2):
            before = perf_counter()
            answer = await register(api, email=f"{kind}{n}@example.org")
            took[kind] = perf_counter() - before
            assert answer.status_code == 202
        pairs.append((took["known"], took["other"]))
    assert _indistinguishable(pairs, dice)


async def test_the_comparison_finds_what_it_looks_for() -> None:
    """A tenth more is found on a machine whose speed changes by half, the same is not."""
    dice = random.Random(11)
    speeds = [dice.uniform(1, 1.5) for _ in range(ROUNDS)]
    alike = [(speed * dice.gauss(1, 0.1), speed * dice.gauss(1, 0.1)) for speed in speeds]
    assert _indistinguishable(alike, dice)
    assert not _indistinguishable([(one * 1.1, other) for one, other in alike], dice)


def _indistinguishable(pairs: Sequence[tuple[float, float]], dice: random.Random) -> bool:
    """Whether the median difference is no larger than by chance, had each pair been told either way round.

    Of a thousand honest comparisons, one is not.
    """
    differences = [one - other for one, other in pairs]

    def gap() -> float:
        return abs(median(each * dice.choice((-1, 1)) for each in differences))

    chance = sorted(gap() for _ in range(RESAMPLES))
    return abs(median(differences)) <= chance[int(RESAMPLES * 0.999)]
