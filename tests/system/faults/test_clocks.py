"""Two API processes whose clocks are ten minutes apart: what is booked through both keeps to the database's clock."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.instances import Instance, a_folder, ask
from tests.system.journeys.conftest import checked
from tests.system.journeys.town import Town, at, good, position, read

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
NOTICE, HELD = 60, 10  # minutes
SKEW = timedelta(minutes=5)


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    with a_folder() as folder, Instance.start(folder, apis=1) as running:
        yield running


@pytest.fixture(scope="module")
def apis(instance: Instance) -> Iterator[list[str]]:
    """The addresses of a process that is five minutes ahead, and of one that is behind."""
    if FAKETIME is None:
        pytest.skip("libfaketime is not on this machine")
    wrong = {"LD_PRELOAD": str(FAKETIME), "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    ahead, behind = (instance.environment(FAKETIME=clock, **wrong) for clock in ("+5m", "-5m"))
    with instance.another_api(env=ahead) as one, instance.another_api(env=behind) as other:
        yield [one.url, other.url]


@pytest.mark.fault(16)
async def test_order_follows_positions_and_both_processes_agree(instance: Instance, apis: list[str]) -> None:
    async with Town(instance, apis) as town:
        shop, person = await town.a_shop(), town.somebody()
        booked = [
            good(await person.book(shop, at("09:00") + timedelta(hours=n), api=apis[n % 2]), 201) for n in range(8)
        ]
        moved = await person.change(booked[0], "reschedule", {"start": at("20:00").isoformat()}, api=apis[1])
        cancelled = await person.change(good(moved), "cancel", api=apis[0])
        assert position(moved) < position(cancelled)
        wins = await asyncio.gather(*(town.somebody().book(shop, at("21:00"), api=apis[n % 2]) for n in range(20)))
        assert sorted(each.status_code for each in wins) == [201] + [409] * 19
        await checked(instance, town.acknowledged)
    query = "SELECT recorded_at FROM log.stored_events ORDER BY notification_id"
    times = [at for (at,) in ask(instance.superuser_database, query)]
    assert times == sorted(times)
    assert abs(times[-1] - datetime.now(UTC)) < SKEW, "the time of the log is the database's"


@pytest.mark.fault(16)
async def test_notice_and_holds_are_counted_by_the_database_s_clock(instance: Instance, apis: list[str]) -> None:
    async with Town(instance, apis) as town:
        shop = await town.a_shop(min_notice=NOTICE, hold_ttl=HELD)
        today = (datetime.now(UTC) - at("00:00")).days
        for n, api in enumerate(apis):
            ((written,),) = ask(instance.superuser_database, "SELECT max(upto) FROM log.seal")
            days = [await shop.starts(day, seen=int(str(written)), api=api) for day in (today, today + 1)]
            offered = [start for day in days for start in day["starts"]]
            first, now = min(offered), datetime.now(UTC)
            assert timedelta(minutes=NOTICE - 1) < first - now <= timedelta(minutes=NOTICE + 31)
            refused = await town.somebody().book(shop, first - timedelta(minutes=30), api=api)
            assert refused.status_code == 409, refused.text
            held = good(await town.somebody().hold(shop, first + timedelta(hours=2 + n), api=api), 201)
            assert timedelta(minutes=HELD - 1) < read(held["expires_at"]) - now <= timedelta(minutes=HELD, seconds=30)
        await checked(instance, town.acknowledged)
