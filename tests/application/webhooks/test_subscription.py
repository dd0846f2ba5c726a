"""Who may have which server told of what, and what is told."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from application.access import SYSTEM, Caller, Role
from application.booking.appointment import CancelAppointment, cancel_appointment
from application.catalog.provider import ChangeProvider, change_provider
from application.webhooks.delivery import pause
from application.webhooks.payload import WebhookEvent, message_id, payload
from application.webhooks.subscription import (
    ChangeWebhook,
    CreateWebhook,
    DeleteWebhook,
    DisableWebhook,
    ResumeWebhook,
    RotateWebhook,
    change_webhook,
    create_webhook,
    delete_webhook,
    disable_webhook,
    resume_webhook,
    rotate_webhook,
)
from domain.catalog.provider import Provider
from domain.errors import Forbidden, Invalid, NotFound, Stale
from domain.kernel import new_id
from domain.webhooks.webhook import Webhook, WebhookStatus
from tests.application.conftest import Clocked
from tests.support.builders import (
    OpenWeek,
    a_booked_appointment,
    a_provider,
    an_organization,
    somebody,
)

URL = "https://example.org/hook"
TYPES = ["appointment.booked", "appointment.cancelled"]
AT = datetime(2030, 1, 7, 9, tzinfo=UTC)


async def subscribed(store: Clocked, by: Caller, **more: Any) -> Webhook:
    said = {"url": URL, "types": TYPES, **more}
    return (await create_webhook(CreateWebhook(by=by, id=new_id(), **said), store)).aggregate


async def test_a_provider_s_owner_subscribes(store: Clocked, week: OpenWeek) -> None:
    webhook = await subscribed(store, week.owner, provider_id=week.provider_id)
    assert (webhook.provider_id, webhook.organization_id) == (week.provider_id, None)
    assert webhook.state is WebhookStatus.ACTIVE


async def test_types_are_told_once_and_stay_in_order(store: Clocked, week: OpenWeek) -> None:
    webhook = await subscribed(store, week.owner, provider_id=week.provider_id, types=[*TYPES, *TYPES])
    assert webhook.types == TYPES


async def test_what_a_manager_subscribes_to_is_bound_to_the_organization(store: Clocked) -> None:
    owner, chief, manager = (somebody(Role.PROVIDER) for _ in range(3))
    organization_id = await an_organization(store, chief, manager=manager, staff=owner)
    provider_id = await a_provider(store, owner)
    move = {"organization_id": str(organization_id)}
    await change_provider(ChangeProvider(by=somebody(Role.ADMIN), provider_id=provider_id, profile=move), store)
    webhook = await subscribed(store, manager, provider_id=provider_id)
    assert (webhook.provider_id, webhook.organization_id) == (provider_id, organization_id)
    resumed = await resume_webhook(ResumeWebhook(by=chief, webhook_id=webhook.id), store)
    assert resumed.aggregate.version == 1
    with pytest.raises(NotFound):
        await resume_webhook(ResumeWebhook(by=owner, webhook_id=webhook.id), store)
    own = await subscribed(store, owner, provider_id=provider_id)
    with pytest.raises(NotFound):
        await delete_webhook(DeleteWebhook(by=manager, webhook_id=own.id), store)


async def test_managers_subscribe_for_their_organization_and_staff_do_not(store: Clocked) -> None:
    chief, manager, staff, foreign = (somebody(Role.PROVIDER) for _ in range(4))
    id = await an_organization(store, chief, manager=manager, staff=staff)
    for by in (chief, manager, somebody(Role.ADMIN)):
        assert (await subscribed(store, by, organization_id=id)).organization_id == id
    for by in (staff, foreign):
        with pytest.raises(Invalid) as refused:
            await subscribed(store, by, organization_id=id)
        assert refused.value.pointer == "/organization_id"


async def test_others_know_of_no_such_provider(store: Clocked, week: OpenWeek) -> None:
    for provider_id in (week.provider_id, new_id()):
        with pytest.raises(Invalid) as refused:
            await subscribed(store, somebody(Role.PROVIDER), provider_id=provider_id)
        assert str(refused.value) == f"There is no provider {provider_id}, or you do not have access."
    with pytest.raises(Forbidden):
        await subscribed(store, somebody(), provider_id=week.provider_id)


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"url": "http://example.org/hook"}, "/url"),
        ({"url": "https://user@example.org/"}, "/url"),
        ({"types": ["everything"]}, "/types"),
        ({"organization_id": new_id()}, "/provider_id"),
        ({"provider_id": None}, "/provider_id"),
    ],
)
async def test_what_does_not_fit_is_refused(store: Clocked, week: OpenWeek, more: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        await subscribed(store, week.owner, **{"provider_id": week.provider_id, **more})
    assert refused.value.pointer == pointer


async def test_its_life_and_who_may(store: Clocked, week: OpenWeek) -> None:
    webhook = await subscribed(store, week.owner, provider_id=week.provider_id)
    it: dict[str, Any] = {"webhook_id": webhook.id}
    for by in (somebody(Role.PROVIDER), Caller(week.owner.id, Role.CUSTOMER)):
        with pytest.raises((NotFound, Forbidden)):
            await rotate_webhook(RotateWebhook(by=by, **it), store)
    changed = await change_webhook(ChangeWebhook(by=week.owner, version=1, url=URL + "/2", **it), store)
    assert (changed.aggregate.url, changed.aggregate.types) == (URL + "/2", TYPES)
    with pytest.raises(Stale):
        await change_webhook(ChangeWebhook(by=week.owner, version=1, types=TYPES[:1], **it), store)
    with pytest.raises(Invalid):
        await change_webhook(ChangeWebhook(by=week.owner, types=[], **it), store)
    with pytest.raises(Forbidden):
        await disable_webhook(DisableWebhook(by=week.owner, reason="failing", **it), store)
    disabled = await disable_webhook(DisableWebhook(by=SYSTEM, reason="failing", **it), store)
    assert disabled.aggregate.state is WebhookStatus.DISABLED
    resumed = await resume_webhook(ResumeWebhook(by=somebody(Role.ADMIN), **it), store)
    assert resumed.aggregate.state is WebhookStatus.ACTIVE
    await delete_webhook(DeleteWebhook(by=week.owner, **it), store)
    with pytest.raises(NotFound):
        await resume_webhook(ResumeWebhook(by=week.owner, **it), store)
    with pytest.raises(NotFound):
        await delete_webhook(DeleteWebhook(by=week.owner, **it), store)


async def test_a_url_from_before_the_rule_stays_good_until_it_is_changed(store: Clocked, week: OpenWeek) -> None:
    webhook = await subscribed(store, week.owner, provider_id=week.provider_id, url="http://10.0.0.1/", plain=True)
    kept = ChangeWebhook(by=week.owner, webhook_id=webhook.id, types=TYPES[:1])
    assert (await change_webhook(kept, store)).aggregate.types == TYPES[:1]


async def test_a_message_says_what_was_true_then_and_nothing_personal(store: Clocked, week: OpenWeek) -> None:
    customer = somebody()
    booked = await a_booked_appointment(store, week, by=customer, note="allergic to ammonia")
    cancel = CancelAppointment(by=week.owner, appointment_id=booked.id, reason="ill again")
    cancelled = (await cancel_appointment(cancel, store)).aggregate
    first = json.loads(payload(WebhookEvent(7, "appointment.booked", AT, booked)))
    assert first == {
        "type": "appointment.booked",
        "timestamp": "2030-01-07T09:00:00Z",
        "data": {
            "id": str(booked.id),
            "version": 1,
            "status": "booked",
            "service_id": str(week.service_id),
            "provider_id": str(week.provider_id),
            "customer_id": str(customer.id),
            "start": f"{booked.starts_at:%Y-%m-%dT%H:%M:%S}Z",
            "end": f"{booked.ends_at:%Y-%m-%dT%H:%M:%S}Z",
            "timezone": "UTC",
            "position": "0.7",
        },
    }
    second = payload(WebhookEvent(9, "appointment.cancelled", AT, cancelled))
    assert json.loads(second)["data"]["status"] == "cancelled"
    assert b"ill again" not in second
    assert "allergic" not in json.dumps(first)


async def test_of_a_provider_and_a_schedule_ids_and_zone_are_told(store: Clocked) -> None:
    provider = Provider.join(
        new_id(), new_id(), {"name": "Ada", "timezone": "Europe/Paris", "organization_id": None}, AT
    )
    told = payload(WebhookEvent(3, "provider.changed", AT, provider))
    assert b"Ada" not in told
    assert json.loads(told)["data"] == {
        "id": str(provider.id),
        "version": 1,
        "status": "active",
        "organization_id": None,
        "timezone": "Europe/Paris",
        "position": "0.3",
    }


def test_ids_of_messages_follow_from_webhook_position_and_time() -> None:
    one, other, at = UUID(int=1), UUID(int=2), datetime(2026, 1, 1, 12, tzinfo=UTC)
    later, elsewhere = at + timedelta(microseconds=1), at.astimezone(ZoneInfo("Asia/Tokyo"))
    assert message_id(one, 4, at) == message_id(one, 4, elsewhere)
    assert (
        len({message_id(one, 4, at), message_id(one, 5, at), message_id(other, 4, at), message_id(one, 4, later)}) == 4
    )


def test_pauses_double_up_to_an_hour_with_jitter() -> None:
    for failures, longest in ((1, 5), (2, 10), (3, 20), (10, 2560), (11, 3600), (2000, 3600)):
        pauses = {pause(failures).total_seconds() for _ in range(20)}
        assert all(0.75 * longest <= each <= longest for each in pauses)
        assert len(pauses) > 1


def test_a_server_s_wish_to_wait_is_granted_within_reason() -> None:
    assert pause(1, 120.0) == timedelta(minutes=2)
    assert pause(1, 1e9) == timedelta(hours=4)
    assert pause(5, 1.0) >= timedelta(seconds=60)
