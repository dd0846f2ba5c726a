"""The stream of events on real processes: killed and resumed, without rights, at shutdown, and many at once."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest

from application.access import Role
from infrastructure.identity.access_tokens import AccessTokens
from tests.support.instances import Instance
from tests.support.waiting import PATIENCE, assert_took
from tests.system.journeys.feed.streams import Stream
from tests.system.journeys.test_people import somebody_new
from tests.system.journeys.town import Person, Shop, Town, at, good

GOAL = 1.0  # seconds until a stream without rights ends
Report = Callable[[str], None]


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Report:
    """Prints what was seen."""

    def said(line: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{line}\n")

    return said


def token_of(person: Person) -> str:
    return person._identity()["authorization"].removeprefix("Bearer ")


async def busy(shop: Shop, until: asyncio.Event) -> int:
    """Book and cancel at the shop without a pause; how often. Each account may write so much a day."""
    ada, count = shop.town.somebody(), 0
    while not until.is_set():
        made = await ada.book(shop, at("09:00", day=count % 40))
        if made.status_code == 201:
            count += 1
            good(await ada.change(made.json(), "cancel", {"reason": "ill"}))
            ada = ada if count % 100 else shop.town.somebody()
    return count


async def listed(who: Person, after: str, until: str) -> list[dict[str, Any]]:
    """All pages of the feed between two positions."""
    found: list[dict[str, Any]] = []
    while after != until:
        told = good(await who.get(f"/v1/events?after={after}&limit=200", seen=int(until.partition(".")[2])))
        found += told["items"]
        after = told["next"]
        if int(after.partition(".")[2]) >= int(until.partition(".")[2]):
            break
    return [each for each in found if int(each["data"]["position"].partition(".")[2]) <= int(until.partition(".")[2])]


async def followed(town: Town, apis: tuple[str, str], kills: int, report: Report) -> None:
    """A consumer is cut off so often, at any byte, and resumes at one of two processes while people book."""
    shop, dice, over = await town.a_shop(), random.Random(kills), asyncio.Event()
    token, began = token_of(shop.owner), time.monotonic()
    found: list[dict[str, Any]] = []
    first = last = f"0.{max(each.position for each in town.acknowledged)}"
    load = [asyncio.create_task(busy(shop, over)) for _ in range(2)]
    for n in range(kills):
        stream = await Stream.open(apis[n % 2], token, last=last)
        wanted = dice.randrange(5)
        await stream.read_until(lambda: len(stream.events) >= wanted)  # noqa: B023  read at once
        await stream.close()
        found, last = found + stream.events, stream.id or last
    over.set()
    count = sum(await asyncio.gather(*load))
    head = f"0.{max(each.position for each in town.acknowledged)}"
    stream = await Stream.open(apis[0], token, last=last)
    expected = await listed(shop.owner, first, head)
    await stream.read_until(lambda: len(found) + len(stream.events) >= len(expected))
    await stream.close()
    report(f"{kills} kills, {count} bookings, {len(expected)} events in {time.monotonic() - began:.1f} s")
    assert found + stream.events == expected
    assert len(expected) == 2 * count


async def test_a_consumer_killed_and_resumed_sees_every_event_once_in_order(
    town: Town, apis: tuple[str, str], report: Report
) -> None:
    await followed(town, apis, 10, report)


async def test_a_stream_ends_when_its_caller_loses_the_right(shared: Instance, town: Town, report: Report) -> None:
    """Membership, a token's end, a session that ends: each within a second."""
    shop, staff = await town.a_shop(), town.somebody("provider")
    id = await town.an_organization(shop.owner, shop.provider_id)
    members = f"/v1/organizations/{id}/members"
    added = await shop.owner.ask("POST", members, {"account_id": str(staff.account), "rank": "staff"})
    good(added, 201)
    good(await staff.get("/v1/events", seen=int(added.headers["daybook-position"].partition(".")[2])))

    async def leaves() -> None:
        good(await shop.owner.ask("DELETE", f"{members}/{staff.account}", if_match="*"), 204)

    took = {"membership": await until_ended(shared.api, token_of(staff), leaves)}
    async with httpx.AsyncClient(base_url=shared.api, timeout=PATIENCE) as web:
        _, form = await somebody_new(web)
        session = good(await web.post("/v1/auth/token", data=form))["access_token"]

        async def signs_out() -> None:
            left = await web.post("/v1/auth/logout", headers={"authorization": f"Bearer {session}"})
            assert left.is_success

        took["session"] = await until_ended(shared.api, session, signs_out)
        account, form = await somebody_new(web)
        session = good(await web.post("/v1/auth/token", data=form))["access_token"]

        async def is_promoted() -> None:
            admin = town.somebody("admin")
            good(await admin.ask("PATCH", f"/v1/users/{account}", {"role": "auditor"}, if_match="*"))

        took["role"] = await until_ended(shared.api, session, is_promoted)
    short = AccessTokens(shared.secret_key).issue(uuid4(), Role.CUSTOMER, timedelta(seconds=3))
    expires = jwt.decode(short, options={"verify_signature": False})["exp"]
    stream = await Stream.open(shared.api, short)
    assert not await stream.read_until(lambda: False)
    took["exp"] = time.time() - expires
    report(f"streams ended (goal {GOAL} s) after s: " + ", ".join(f"{n} {s:.2f}" for n, s in took.items()))
    assert stream.whole
    assert max(took.values()) < 6 * GOAL, took


async def until_ended(api: str, token: str, lose: Callable[[], Awaitable[None]]) -> float:
    """Seconds from the answer to what takes the right away until the stream has ended; it ends as a stream should."""
    stream = await Stream.open(api, token)
    await lose()
    began = time.monotonic()
    async with asyncio.timeout(PATIENCE):
        assert not await stream.read_until(lambda: False)
    assert stream.whole
    return time.monotonic() - began


async def test_open_streams_do_not_hold_up_a_shutdown(shared: Instance, town: Town, report: Report) -> None:
    shop = await town.a_shop()
    with shared.another_api() as api:
        streams = [await Stream.open(api.url, token_of(shop.owner)) for _ in range(20)]
        api.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        for stream in streams:
            assert not await stream.read_until(lambda: False)
        ended = time.monotonic() - began
        await asyncio.to_thread(api.process.wait, PATIENCE)
        report(f"20 streams ended {ended:.2f} s, the process {time.monotonic() - began:.2f} s after SIGTERM")
        assert_took(began, 1.5)  # a stream that held it up would be cancelled after 10 s
    assert all(stream.whole for stream in streams)


async def test_a_consumer_killed_a_hundred_times_sees_every_event_once_in_order(
    town: Town, apis: tuple[str, str], report: Report
) -> None:
    await followed(town, apis, 100, report)
