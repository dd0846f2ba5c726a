"""How long registering takes does not tell whether an address is known."""

import random
from statistics import median
from time import perf_counter

from tests.http.test_register import an_account, register
from tests.http.town import Api

ROUNDS = 150
RESAMPLES = 2000


async def test_registering_a_known_address_takes_as_long_as_an_unknown_one(api: Api) -> None:
    """Interleaved, each pair in random order. Medians differ by less than the noise of the measurement."""
    for n in range(ROUNDS):
        await an_account(api, f"known{n}@example.org")
    dice = random.Random(7)
    took: dict[str, list[float]] = {"known": [], "other": []}
    for n in range(ROUNDS):
        for kind in dice.sample(sorted(took), 2):
            before = perf_counter()
            answer = await register(api, email=f"{kind}{n}@example.org")
            took[kind].append(perf_counter() - before)
            assert answer.status_code == 202
    assert _indistinguishable(took["known"], took["other"], dice)


async def test_the_comparison_finds_what_it_looks_for() -> None:
    """A tenth more is found, the same is not."""
    dice = random.Random(11)
    usual = [dice.lognormvariate(0, 0.2) for _ in range(ROUNDS)]
    alike = [dice.lognormvariate(0, 0.2) for _ in range(ROUNDS)]
    slower = [each * 1.1 for each in alike]
    assert _indistinguishable(usual, alike, dice)
    assert not _indistinguishable(usual, slower, dice)


def _indistinguishable(some: list[float], others: list[float], dice: random.Random) -> bool:
    """Whether the medians differ no more than those of the same times dealt out at random (1 in 1000)."""
    everything = [*some, *others]

    def gap(times: list[float]) -> float:
        return abs(median(times[: len(some)]) - median(times[len(some) :]))

    chance = sorted(gap(dice.sample(everything, len(everything))) for _ in range(RESAMPLES))
    return gap(everything) <= chance[int(RESAMPLES * 0.999)]
