"""Deliveries to real servers, from the log on PostgreSQL: in order, until taken, and nothing lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from prometheus_client import REGISTRY
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from application.booking.appointment import (
    RescheduleAppointment,
    book_appointment,
    reschedule_appointment,
)
from application.catalog.provider import ChangeProvider, change_provider
from application.jobs.job import LeaseLost
from application.webhooks import delivery
from application.webhooks.delivery import DeliveryResult
from application.webhooks.subscription import (
    ChangeWebhook,
    DeleteWebhook,
    ResumeWebhook,
    change_webhook,
    delete_webhook,
    resume_webhook,
)
from domain.kernel import new_id
from domain.webhooks.webhook import TYPES, WebhookStatus
from infrastructure.webhooks import delivery_progress
from infrastructure.webhooks.delivery_progress import DeliveryProgress
from tests.infrastructure.webhooks.office import (
    BOTH,
    NOTE,
    OK,
    Held,
    Office,
    starts,
    told,
    types,
)
from tests.infrastructure.webhooks.receiver import Receiver, a_receiver, drip, silence, status
from tests.support.builders import a_provider, a_service, an_open_week, an_organization


async def test_what_happens_is_told_in_order_and_once(office: Office) -> None:
    async with a_receiver() as receiver:
        await office.book("09:00")  # before anybody subscribed
        id = await office.subscribed(receiver)
        await office.book("10:00", "11:00")
        await office.cancel()
        assert await office.deliver(id) == DeliveryResult("done")
        assert await office.deliver(id) == DeliveryResult("done")
    assert types(receiver) == ["booked", "booked", "cancelled"]
    assert starts(receiver) == ["10:00", "11:00", "11:00"]
    assert [each["data"]["status"] for each in told(receiver)] == ["booked", "booked", "cancelled"]
    positions = [each["data"]["position"] for each in told(receiver)]
    assert positions == sorted(positions)
    assert len(set(receiver.ids)) == 3


async def test_deliveries_are_counted_by_outcome(office: Office) -> None:
    def counted() -> dict[str, float]:
        name = "daybook_webhook_deliveries_total"
        return {each: REGISTRY.get_sample_value(name, {"outcome": each}) or 0 for each in ("delivered", "failed")}

    before = counted()
    async with a_receiver(status(500), OK, OK) as receiver:
        id = await office.subscribed(receiver)
        await office.book("10:00", "11:00")
        assert (await office.deliver(id)).word == "failed"
        assert await office.deliver(id) == DeliveryResult("done")
    assert {each: number - before[each] for each, number in counted().items()} == {"delivered": 2, "failed": 1}


async def test_nothing_personal_is_told(office: Office) -> None:
    async with a_receiver() as receiver:
        id = await office.subscribed(receiver)
        await office.book("10:00", answers={"phone": "0123"})
        await office.cancel()
        profile = {"name": "Ada Lovelace", "bio": "cuts hair"}
        change = ChangeProvider(by=office.week.owner, provider_id=office.week.provider_id, profile=profile)
        await change_provider(change, office.store)
        await office.deliver(id)
        said = b"".join(each.body for each in receiver.received)
    assert types(receiver) == ["booked", "cancelled", "changed"]
    for secret in (NOTE, "ammonia", "0123", "ill again", "Lovelace", "cuts hair"):
        assert secret.encode() not in said


async def test_each_types_and_providers_are_its_own(office: Office) -> None:
    other = await an_open_week(office.store)
    async with a_receiver() as one, a_receiver() as two:
        first = await office.subscribed(one, types=["appointment.cancelled"])
        second = await office.subscribed(two, provider_id=office.week.provider_id)
        await book_appointment(other.booking("09:00"), office.store)
        await office.book("10:00")
        await office.cancel()
        await office.deliver(first)
        await office.deliver(second)
    assert types(one) == ["cancelled"]
    assert types(two) == ["booked", "cancelled"]


async def test_an_organization_hears_of_the_appointments_that_were_made_under_it(office: Office) -> None:
    week = office.week
    id = await an_organization(office.store, week.owner)

    async def move(to: UUID | None) -> None:
        profile = {"organization_id": None if to is None else str(to)}
        change = ChangeProvider(by=week.owner, provider_id=week.provider_id, profile=profile)
        await change_provider(change, office.store)

    async with a_receiver() as receiver:
        about = {"provider_id": None, "organization_id": id}
        webhook = await office.subscribed(receiver, **about, types=BOTH)
        await office.book("09:00")
        await move(id)
        await office.book("10:00")
        await move(None)
        await office.book("11:00")
        await move(id)
        await office.cancel(0)
        await move(None)
        await office.cancel(1)
        await office.deliver(webhook)
    assert (types(receiver), starts(receiver)) == (["booked", "cancelled"], ["10:00", "10:00"])


async def test_who_an_appointment_leaves_hears_of_it_as_well(office: Office) -> None:
    week = office.week
    other = await a_provider(office.store, week.owner)
    service = await a_service(office.store, week.owner, week.provider_id, other)
    async with a_receiver() as left, a_receiver() as found:
        first, second = await office.subscribed(left), await office.subscribed(found, provider_id=other)
        await office.book("10:00", service_id=service)
        move = RescheduleAppointment(
            by=week.owner, appointment_id=office.booked[0], start=week.at("11:00"), provider_id=other
        )
        await reschedule_appointment(move, office.store)
        await office.cancel()
        await office.deliver(first)
        await office.deliver(second)
    assert types(left) == ["booked", "rescheduled"]
    assert types(found) == ["rescheduled", "cancelled"]
    assert told(left)[1]["data"]["provider_id"] == str(other)
    assert left.ids[1] != found.ids[0]


async def test_an_event_in_the_middle_that_fails_keeps_the_order(office: Office) -> None:
    async with a_receiver(OK, status(500), status(500), OK) as receiver:
        id = await office.subscribed(receiver)
        await office.book("09:00", "10:00", "11:00")
        first = await office.deliver(id)
        assert first.word == "failed"
        assert first.again is not None
        assert timedelta(seconds=3.7) < first.again <= timedelta(seconds=5)
        assert (await office.mark(id)).failures == 1
        second = await office.deliver(id)
        assert second.again is not None
        assert timedelta(seconds=7.5) <= second.again <= timedelta(seconds=10)
        assert await office.deliver(id) == DeliveryResult("done")
    assert starts(receiver) == ["09:00", "10:00", "11:00"]
    assert len(receiver.received) == 5
    assert len({each.id for each in receiver.received}) == 3
    assert (await office.mark(id)).failing_since is None


async def test_servers_that_want_to_wait_are_left_alone_as_long_as_they_say(office: Office) -> None:
    async with a_receiver(status(429, "retry-after: 90"), status(503, "retry-after: 3600")) as receiver:
        id = await office.subscribed(receiver)
        await office.book("09:00")
        assert await office.deliver(id) == DeliveryResult("failed", timedelta(seconds=90))
        assert await office.deliver(id) == DeliveryResult("failed", timedelta(hours=1))
        assert await office.deliver(id) == DeliveryResult("done")
    assert starts(receiver) == ["09:00"]


@pytest.mark.parametrize("answering", [silence, drip])
async def test_a_slow_server_harms_nobody_else(office: Office, answering: Any) -> None:
    async with a_receiver(always=answering) as slow, a_receiver() as quick:
        one, other = await office.subscribed(slow), await office.subscribed(quick)
        await office.book("09:00", "10:00")
        await office.sweep()
        runs = (delivery.run(id, Held(), office.courier) for id in (one, other))
        first, second = await asyncio.gather(*runs)
    assert (first.word, second.word) == ("failed", "done")
    assert starts(quick) == ["09:00", "10:00"]
    assert len(slow.received) == 1


async def test_dead_for_a_day_it_is_disabled_and_resumed_it_goes_on_where_it_was(office: Office) -> None:
    async with a_receiver(OK, always=status(500)) as receiver:
        id = await office.subscribed(receiver)
        await office.book("09:00", "10:00")
        assert (await office.deliver(id)).word == "failed"
        await office.back_date(id, 23.5)
        assert (await office.deliver(id)).word == "failed"
        assert await office.state(id) is WebhookStatus.ACTIVE
        await office.back_date(id, 0.6)
        assert await office.deliver(id) == DeliveryResult("disabled")
        assert await office.state(id) is WebhookStatus.DISABLED
        await office.book("11:00")
        asked = len(receiver.received)
        assert await office.deliver(id) == DeliveryResult("disabled")
        assert len(receiver.received) == asked
        receiver.answers, receiver.always = [status(500)], OK
        await resume_webhook(ResumeWebhook(by=office.week.owner, webhook_id=id), office.store)
        again = await office.deliver(id)  # fails once more, and has another day
        assert again.word == "failed"
        assert again.again is not None
        assert again.again <= timedelta(seconds=5)
        assert await office.deliver(id) == DeliveryResult("done")
    assert starts(receiver) == ["09:00", "10:00", "11:00"]
    assert len(set(receiver.ids)) == 3


async def test_gone_is_gone_at_once(office: Office) -> None:
    async with a_receiver(status(410)) as receiver:
        id = await office.subscribed(receiver)
        await office.book("09:00")
        assert await office.deliver(id) == DeliveryResult("disabled")
    assert await office.state(id) is WebhookStatus.DISABLED


async def test_redelivery_repeats_the_same_ids_in_order(office: Office) -> None:
    async with a_receiver() as receiver:
        id = await office.subscribed(receiver)
        await office.book("09:00", "10:00", "11:00")
        await office.deliver(id)
        after = told(receiver)[0]["data"]["position"]
        await office.subscriptions.go_back(id, after, 0)
        await office.deliver(id)
        await office.subscriptions.go_back(id, 10**9, 0)  # never ahead: nothing is left out
        await office.book("12:00")
        await office.deliver(id)
    first, rest = receiver.ids[:3], receiver.ids[3:]
    assert rest[:2] == first[1:]
    assert starts(receiver) == ["09:00", "10:00", "11:00", "10:00", "11:00", "12:00"]
    assert receiver.taken[1].body == receiver.taken[3].body


async def test_redelivery_goes_back_to_before_the_subscription(office: Office) -> None:
    async with a_receiver() as receiver:
        await office.book("09:00")
        id = await office.subscribed(receiver)
        await office.sweep()
        await office.subscriptions.go_back(id, 0, 10**9)
        await office.deliver(id)
    assert "09:00" in [each["data"].get("start", "")[11:16] for each in told(receiver)]


async def test_an_event_that_is_asked_for_again_while_it_is_being_delivered_is_delivered_again(office: Office) -> None:
    async with a_receiver() as receiver:
        id = await office.subscribed(receiver)
        await office.book("09:00", "10:00")

        async def asked(writer: asyncio.StreamWriter) -> None:
            await office.subscriptions.go_back(id, (await office.mark(id)).position, 0)
            writer.write(OK)
            await writer.drain()

        receiver.answers = [asked]
        assert await office.deliver(id) == DeliveryResult("done")
    first, again, _ = (each.id for each in receiver.received)
    assert first == again
    assert starts(receiver) == ["09:00", "10:00"]


async def test_one_that_is_moved_back_while_it_is_being_told_tells_again(office: Office) -> None:
    async with a_receiver() as receiver:
        id = await office.subscribed(receiver)
        await office.book("09:00", "10:00")

        async def back(writer: asyncio.StreamWriter) -> None:
            since = told_first["position"] - 1
            await office.subscriptions.go_back(id, since, 0)
            writer.write(OK)
            await writer.drain()

        await office.deliver(id)
        told_first = told(receiver)[0]["data"]
        await office.book("11:00")
        receiver.answers = [back]
        assert await office.deliver(id) == DeliveryResult("done")
    assert starts(receiver) == ["09:00", "10:00", "09:00", "10:00", "11:00"]
    assert len({each.id for each in receiver.received}) == 3


async def test_killed_between_send_and_bookmark_it_tells_again_under_the_same_id(office: Office) -> None:
    async with a_receiver() as receiver:
        id = await office.subscribed(receiver)
        await office.book("09:00", "10:00")
        await office.sweep()
        with pytest.raises(KeyboardInterrupt):
            await delivery.run(id, Held(), replace(office.courier, progress=_Killed(office.subscriptions)))
        assert await office.deliver(id) == DeliveryResult("done")
    assert starts(receiver) == ["09:00", "09:00", "10:00"]
    assert receiver.ids[0] == receiver.ids[1]
    assert len(dict.fromkeys(receiver.ids)) == 2, "whoever keeps the ids sees each once"


class _Killed:
    """Ends the process, so to say, before the bookmark moves."""

    def __init__(self, real: DeliveryProgress) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        if name == "delivered":
            raise KeyboardInterrupt
        return getattr(self._real, name)


async def test_whoever_has_lost_the_lease_sends_no_more(office: Office) -> None:
    async with a_receiver() as receiver:
        id = await office.subscribed(receiver)
        await office.book("09:00", "10:00")
        with pytest.raises(LeaseLost):
            await office.deliver(id, Held(good_for=1))
        assert starts(receiver) == ["09:00"]
        assert await office.deliver(id) == DeliveryResult("done")
    assert starts(receiver) == ["09:00", "10:00"]


async def test_signatures_hold_around_a_rotation(office: Office) -> None:
    async with a_receiver() as receiver:
        id = await office.subscribed(receiver)
        (old,) = await office.secrets.current(id)
        await office.book("09:00")
        await office.deliver(id)
        new = await office.secrets.renew(id)
        await office.book("10:00")
        await office.deliver(id)
        await office.rows.all("UPDATE work.webhook_secret SET ends_at = ends_at - interval '25 hours'")
        await office.book("11:00")
        await office.deliver(id)
    assert [verified(old, receiver), verified(new, receiver)] == [[True, True, False], [False, True, True]]
    assert old.startswith("whsec_")
    assert new != old


def verified(secret: str, receiver: Receiver) -> list[bool]:
    found = []
    for each in receiver.taken:
        try:
            Verifier(secret).verify(each.body, each.headers)
        except WebhookVerificationError:
            found.append(False)
        else:
            found.append(True)
    return found


async def test_secrets_are_kept_sealed(office: Office) -> None:
    id = new_id()
    secret = await office.secrets.renew(id)
    ((kept,),) = await office.rows.all("SELECT secret FROM work.webhook_secret")
    assert secret.removeprefix("whsec_").encode() not in bytes(kept)
    assert await office.secrets.current(id) == [secret]


async def test_a_run_yields_after_so_many_events_and_after_so_long(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_receiver() as receiver:
        id = await office.subscribed(receiver)
        await office.book("09:00", "10:00", "11:00")
        monkeypatch.setattr(delivery, "MOST", 2)
        assert await office.deliver(id) == DeliveryResult("more", timedelta())
        assert len(receiver.taken) == 2
        ticks = iter(range(0, 1000, 15))
        office.courier = replace(office.courier, clock=lambda: float(next(ticks)))
        monkeypatch.setattr(delivery, "MOST", 50)
        await office.book("12:00", "13:00")
        assert (await office.deliver(id)).word == "more"
        assert len(receiver.taken) == 3


async def test_what_is_noted_of_deliveries(office: Office) -> None:
    async with a_receiver(status(500), silence) as receiver:
        id = await office.subscribed(receiver)
        await office.book("09:00")
        for _ in range(3):
            await office.deliver(id)
        noted = await office.subscriptions.sent(id, 10)
        assert [(each.attempt, each.status_code, each.error) for each in noted] == [
            (3, 204, ""),
            (2, None, "timeout"),
            (1, 500, "status 500"),
        ]
        assert len({each.message_id for each in noted}) == 1
        older = await office.subscriptions.sent(id, 10, before=noted[0].id)
        assert older == noted[1:]


async def test_only_the_last_attempts_are_kept(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery_progress, "LOGGED", 2)
    monkeypatch.setattr(delivery_progress, "PRUNED_EVERY", 1)
    async with a_receiver() as receiver:
        one, other = await office.subscribed(receiver), await office.subscribed(receiver)
        await office.book("09:00", "10:00", "11:00", "12:00")
        await office.deliver(one)
        await office.rows.all("UPDATE work.delivery SET at = at - interval '31 days'")
        await office.deliver(other)
    assert await office.subscriptions.sent(one, 10) == []
    assert len(await office.subscriptions.sent(other, 10)) == 2


async def test_a_deleted_one_leaves_nothing(office: Office) -> None:
    async with a_receiver() as receiver:
        id = await office.subscribed(receiver)
        await office.book("09:00", "10:00")
        await office.sweep()
        await delete_webhook(DeleteWebhook(by=office.week.owner, webhook_id=id), office.store)
        assert await office.deliver(id) == DeliveryResult("gone")
    assert receiver.received == []
    for table in ("webhook", "webhook_secret", "delivery"):
        assert await office.rows.all(f"SELECT * FROM work.{table}") == []


async def test_a_change_counts_for_everything_not_yet_told(office: Office) -> None:
    async with a_receiver(status(500)) as old, a_receiver() as new:
        id = await office.subscribed(old)
        await office.book("09:00")
        await office.deliver(id)
        change = ChangeWebhook(by=office.week.owner, webhook_id=id, url=new.url, plain=True)
        await change_webhook(change, office.store)
        assert await office.deliver(id) == DeliveryResult("done")
    assert (old.ids, starts(new)) == ([], ["09:00"])


async def test_standing_says_how_many_wait(office: Office) -> None:
    async with a_receiver(always=status(500)) as receiver:
        id, idle = await office.subscribed(receiver), await office.subscribed(receiver, types=TYPES[-1:])
        await office.sweep()
        assert await office.subscriptions.standing([id, idle]) == {}
        await office.book("09:00", "10:00")
        await office.deliver(id)
        standing = await office.subscriptions.standing([id, idle])
    assert list(standing) == [id]
    assert standing[id].behind == 2
    assert standing[id].failing_since is not None


async def test_an_idle_one_is_put_right_before_what_comes_next(office: Office) -> None:
    """So that it never walks over what was none of its business."""
    async with a_receiver() as receiver:
        id = await office.subscribed(receiver, types=["appointment.cancelled"])
        await office.book("09:00", "10:00", "11:00")
        await office.cancel()
        await office.sweep()
        mark = await office.mark(id)
        await office.deliver(id)
    assert mark.wanted == told(receiver)[0]["data"]["position"]
    assert mark.position == mark.wanted - 1


async def test_long_stretches_are_walked_in_parts(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery_progress, "SCANNED", 2)
    async with a_receiver() as receiver:
        id = await office.subscribed(receiver, types=["appointment.cancelled"])
        await office.book("09:00", "10:00", "11:00", "12:00", "13:00")
        await office.cancel(0)
        await office.cancel(1)
        await office.sweep()
        await office.subscriptions.go_back(id, 0, 0)
        assert await office.deliver(id) == DeliveryResult("done")
    assert starts(receiver) == ["09:00", "10:00"]


async def test_sweeps_at_once_lose_nothing(office: Office) -> None:
    async with a_receiver() as receiver:
        ids = [await office.subscribed(receiver) for _ in range(3)]
        for clock in ("09:00", "10:00", "11:00"):
            await office.book(clock)
            await office.catch_up()
            await asyncio.gather(*(office.subscriptions.wake() for _ in range(4)))
        for id in ids:
            assert await office.deliver(id) == DeliveryResult("done")
    assert len(receiver.taken) == 9


async def test_the_payload_s_time_is_that_of_the_log(office: Office) -> None:
    async with a_receiver() as receiver:
        id = await office.subscribed(receiver)
        await office.book("09:00")
        await office.deliver(id)
        (first,) = told(receiver)
        query = "SELECT recorded_at FROM log.stored_events WHERE notification_id = %s"
        found = await office.rows.all(query, [first["data"]["position"]])
    assert found == [(datetime.fromisoformat(first["timestamp"]).astimezone(UTC),)]


async def test_without_a_secret_nothing_is_sent(office: Office) -> None:
    async with a_receiver() as receiver:
        id = await office.subscribed(receiver)
        await office.rows.all("DELETE FROM work.webhook_secret")
        await office.book("09:00")
        assert (await office.deliver(id)).word == "failed"
        assert receiver.connections == 0


async def test_an_answer_that_is_taken_moves_the_bookmark_once(office: Office) -> None:
    """Two runs at once, as no lease would allow: the bookmark never leaves anything out."""
    async with a_receiver() as receiver:
        id = await office.subscribed(receiver)
        await office.book("09:00", "10:00", "11:00")
        await office.sweep()
        await asyncio.gather(*(delivery.run(id, Held(), office.courier) for _ in range(2)))
    assert list(dict.fromkeys(starts(receiver))) == ["09:00", "10:00", "11:00"]
