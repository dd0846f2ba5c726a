"""How hard Hypothesis tries: `dev` at the desk, `ci` in `make test`, `thorough` in `make test-system`.

`--hypothesis-profile=NAME` or TEST_PROFILE=NAME says which. A test that needs fewer examples than Hypothesis's
hundred, because each is dear, says how many by `examples`, and gets its share of the profile's.
"""

import os

from hypothesis import settings

USUAL = 100
PROFILES = {
    "dev": settings(deadline=None, max_examples=USUAL),
    # The same examples in each run: what passed at the desk does not fail elsewhere by chance.
    "ci": settings(deadline=None, max_examples=USUAL, derandomize=True, database=None, print_blob=True),
    "thorough": settings(deadline=None, max_examples=10 * USUAL, print_blob=True),
}


def choose(name: str | None) -> None:
    """Register the profiles and load one."""
    for each, profile in PROFILES.items():
        settings.register_profile(each, profile)
    settings.load_profile(name or os.environ.get("TEST_PROFILE") or "dev")  # noqa: TID251  tests have no settings


def examples(usual: int) -> int:
    """How many examples a test of its own number gets in the chosen profile."""
    return max(1, usual * settings().max_examples // USUAL)
