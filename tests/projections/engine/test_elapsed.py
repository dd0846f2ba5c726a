"""What is trusted for a limited time is not trusted after the machine was suspended."""

import sys
import time

import pytest

from application.event_log import Unavailable
from domain.kernel import new_id
from infrastructure.database.database_clock import DatabaseClock
from infrastructure.identity import token_revocation
from infrastructure.identity.token_revocation import SILENCE, TokenRevocation
from projections.availability import process_cache
from projections.availability.invalidation import LEASE, Invalidation
from projections.availability.process_cache import ProcessCache
from projections.availability.response import PreparedAvailability
from projections.engine.elapsed import elapsed


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other clocks")
def test_it_goes_on_while_the_machine_is_suspended() -> None:
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert before <= elapsed() <= time.clock_gettime(time.CLOCK_BOOTTIME)


async def test_no_token_counts_after_a_sleep(database, monkeypatch: pytest.MonkeyPatch) -> None:
    async with TokenRevocation(database.application) as revocation:
        asked = new_id(), None, None, time.time()
        assert not revocation.is_revoked(*asked)
        monkeypatch.setattr(token_revocation, "elapsed", lambda: elapsed() + SILENCE)
        with pytest.raises(Unavailable):
            revocation.is_revoked(*asked)


def test_no_answer_of_the_process_is_given_after_a_sleep(monkeypatch: pytest.MonkeyPatch, answer) -> None:
    cache = ProcessCache(None, "")  # type: ignore[arg-type]  it is told by hand
    cache._learn(Invalidation(b"epoch-0123456789", 1, {}))
    cache.put("question", answer, b"epoch-0123456789")
    assert cache.get("question", 1.0, None) is answer
    monkeypatch.setattr(process_cache, "elapsed", lambda: elapsed() + LEASE)
    assert cache.get("question", 1.0, None) is None


def test_the_databases_time_is_kept_on_it() -> None:
    assert DatabaseClock().monotonic is elapsed


@pytest.fixture
def answer() -> PreparedAvailability:
    from tests.projections.availability.test_cache import shown

    return shown(1)
