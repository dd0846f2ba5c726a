"""Webhooks on real processes: told by a real worker, killed in between, dead for a day, and nothing lost."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier

from tests.infrastructure.webhooks.receiver import Receiver, a_receiver, silence, status
from tests.support.instances import Instance, ask, command, eventually, family
from tests.system.journeys.town import Person, Shop, Town, at, good

SOON = 180.0  # seconds: two cores are shared with everybody
TYPES = ["appointment.booked", "appointment.cancelled"]


async def subscribed(owner: Person, receiver: Receiver, shop: Shop) -> dict[str, Any]:
    said = {"url": receiver.url, "types": TYPES, "provider_id": shop.provider_id}
    return good(await owner.ask("POST", "/v1/webhooks", said), 201)


async def taken(receiver: Receiver, count: int) -> list[dict[str, Any]]:
    """What it has taken, once it is so many."""

    async def there() -> bool:
        return len(receiver.taken) >= count

    await eventually(there, SOON)
    return [json.loads(each.body) for each in receiver.taken]


def starts(told: list[dict[str, Any]]) -> list[str]:
    return [each["data"]["start"][11:16] for each in told]


@pytest.mark.fault(10)
async def test_a_worker_tells_it_in_order_whoever_is_slow_dead_or_killed(
    fresh: Callable[..., Instance],
) -> None:
    instance = fresh(apis=1, workers=1, env={"WEBHOOK_ALLOW_PRIVATE": "127.0.0.0/8"})
    async with Town(instance) as town, a_receiver() as receiver, a_receiver(always=silence) as slow:
        shop, ada = await town.a_shop(), town.somebody()
        owner = shop.owner
        webhook = await subscribed(owner, receiver, shop)
        dull = await subscribed(owner, slow, shop)
        path = f"/v1/webhooks/{webhook['id']}"

        first = good(await ada.book(shop, at("09:00"), note="allergic to ammonia"), 201)
        good(await ada.change(first, "cancel", {"reason": "ill again"}))
        told = await taken(receiver, 2)
        assert [each["type"] for each in told] == TYPES
        assert told[0]["data"]["id"] == first["id"]
        said = b"".join(each.body for each in receiver.received)
        assert b"ammonia" not in said
        assert b"ill again" not in said
        for each in receiver.taken:
            Verifier(webhook["secret"]).verify(each.body, each.headers)

        # Killed while the answer is awaited: told again under the same id, and once for who keeps ids.
        receiver.answers = [silence]
        good(await ada.book(shop, at("10:00")), 201)
        good(await ada.book(shop, at("11:00")), 201)

        async def waiting() -> bool:
            return len(receiver.received) == 3

        await eventually(waiting, SOON)
        for pid in family(instance.process.process.pid):
            if "worker" in command(pid):
                os.kill(pid, signal.SIGKILL)
        assert starts(await taken(receiver, 4))[2:] == ["10:00", "11:00"]
        assert receiver.received[2].id == receiver.received[3].id
        assert len(set(receiver.ids)) == 4

        # Dead for a day: disabled, and resumed it goes on where it was.
        receiver.always = status(500)
        good(await ada.book(shop, at("12:00")), 201)

        async def failing() -> bool:
            return good(await owner.get(path))["failing_since"] is not None

        await eventually(failing, SOON)
        of = f"'{webhook['id']}'"
        back = "UPDATE work.webhook SET failing_since = failing_since - interval '1 day' WHERE webhook_id = "
        ask(instance.superuser_database, back + of)
        due = "UPDATE work.job SET due_at = clock_timestamp() WHERE lease IS NULL AND key = "
        ask(instance.superuser_database, due + of)

        async def disabled() -> bool:
            return str(good(await owner.get(path))["state"]) == "disabled"

        await eventually(disabled, SOON)
        good(await ada.book(shop, at("13:00")), 201)
        receiver.always = status(204)
        good(await owner.ask("POST", f"{path}/resume", {}))
        assert starts(await taken(receiver, 6))[4:] == ["12:00", "13:00"]

        # Told again from a position: the same ids.
        after = told[0]["data"]["position"]
        good(await owner.ask("POST", f"{path}/redeliver?after={after}", {}))
        await taken(receiver, 11)
        assert receiver.ids[6:] == receiver.ids[1:6]

        # Nobody was harmed by the one that never answers, which has its turn again and again.
        async def timed_out() -> bool:
            errors = good(await owner.get(f"/v1/webhooks/{dull['id']}/deliveries"))["items"]
            return {each["error"] for each in errors} == {"timeout"}

        await eventually(timed_out, SOON)
        assert good(await owner.get(f"/v1/webhooks/{dull['id']}"))["behind"] == 6
        assert len({each.id for each in slow.received}) == 1

        await owner.ask("DELETE", f"/v1/webhooks/{dull['id']}", if_match="*")

        async def dropped() -> bool:
            mine = f"SELECT 1 FROM work.webhook_secret WHERE webhook_id = '{dull['id']}'"
            ask(instance.superuser_database, due + f"'{dull['id']}'")
            return ask(instance.superuser_database, mine) == []

        await eventually(dropped, SOON)
