"""A webhook: where it may lead, of what it tells, and its life."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from domain.booking.appointment import Appointment
from domain.errors import Invalid, NotFound
from domain.kernel import new_id
from domain.webhooks.webhook import (
    PUBLISHED,
    TYPES,
    Webhook,
    WebhookStatus,
    check_about,
    check_types,
    check_url,
)

NOW = datetime(2026, 5, 1, tzinfo=UTC)
ME = new_id()
URL = "https://example.org/hook"
Step = Callable[[Webhook], None]


def a_webhook() -> Webhook:
    webhook = Webhook(
        id=new_id(),
        by=ME,
        url=URL,
        types=["appointment.booked"],
        organization_id=None,
        provider_id=new_id(),
        timestamp=NOW,
    )
    webhook.pending_events.clear()
    return webhook


def change(webhook: Webhook) -> None:
    webhook.change(ME, URL + "/2", ["appointment.booked"], NOW)


def keep(webhook: Webhook) -> None:
    webhook.change(ME, webhook.url, list(webhook.types), NOW)


def disable(webhook: Webhook) -> None:
    webhook.disable("failing", NOW)


def resume(webhook: Webhook) -> None:
    webhook.resume(ME, NOW + timedelta(days=2))


def rotate(webhook: Webhook) -> None:
    webhook.rotate(ME, NOW)


def delete(webhook: Webhook) -> None:
    webhook.delete(ME, NOW)


@pytest.mark.parametrize(
    ("history", "step", "recorded"),
    [
        ([], change, ["Changed"]),
        ([], keep, []),
        ([], disable, ["Disabled"]),
        ([disable], disable, []),
        ([disable], resume, ["Resumed"]),
        ([], resume, []),
        ([], rotate, ["Rotated"]),
        ([disable], rotate, ["Rotated"]),
        ([disable], change, ["Changed"]),
        ([], delete, ["Deleted"]),
        ([delete], delete, []),
        ([delete], disable, []),
    ],
)
def test_each_change_is_recorded_once_and_none_where_all_stays(
    history: list[Step], step: Step, recorded: list[str]
) -> None:
    webhook = a_webhook()
    for earlier in history:
        earlier(webhook)
    webhook.pending_events.clear()
    step(webhook)
    assert [type(event).__name__ for event in webhook.pending_events] == recorded


@pytest.mark.parametrize("step", [change, resume, rotate])
def test_one_that_is_deleted_does_not_exist(step: Step) -> None:
    webhook = a_webhook()
    delete(webhook)
    with pytest.raises(NotFound):
        step(webhook)


def test_it_says_why_it_is_disabled_and_when_it_was_resumed() -> None:
    webhook = a_webhook()
    disable(webhook)
    assert (webhook.state, webhook.reason) == (WebhookStatus.DISABLED, "failing")
    resume(webhook)
    assert (webhook.state, webhook.reason) == (WebhookStatus.ACTIVE, "")
    assert webhook.resumed_at == NOW + timedelta(days=2)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org",
        "https://example.org/hook?token=a%20b&x=1",
        "https://EXAMPLE.org:8443/a/b",
        "https://93.184.216.34/",
        "https://[2606:2800:220:1::1]:443/hook",
        "https://xn--bcher-kva.example/hook",
    ],
)
def test_an_https_url_is_taken(url: str) -> None:
    check_url(url, plain=False)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "ftp://example.org/",
        "https://",
        "https:///hook",
        "https://user:password@example.org/",
        "https://example.org@10.0.0.1/",
        "https://example.org/#part",
        "https://example.org/a b",
        "https://example.org/\r\nhost: x",
        "https://example.org/\x00",
        "https://example.org:0/",
        "https://example.org:70000/",
        "https://-example.org/",
        "https://exämple.org/",
        "https://example.org\\@10.0.0.1/",
        "https://example.org/" + "x" * 2000,
        "javascript:alert(1)",
        "HTTPS//example.org",
    ],
)
def test_what_is_no_url_to_send_to_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_url(url, plain=True)
    assert refused.value.pointer == "/url"


def test_http_is_allowed_only_where_that_is_said() -> None:
    check_url("http://127.0.0.1:8080/hook", plain=True)
    with pytest.raises(Invalid, match="https://"):
        check_url("http://127.0.0.1:8080/hook", plain=False)


def test_types_are_from_the_published_list() -> None:
    check_types(TYPES)
    for wrong in ([], ["appointment.forgotten"], ["appointment.booked", ""]):
        with pytest.raises(Invalid) as refused:
            check_types(wrong)
        assert refused.value.pointer == "/types"


def test_it_is_about_an_organization_or_a_provider() -> None:
    check_about(new_id(), None)
    check_about(None, new_id())
    for both in ((None, None), (new_id(), new_id())):
        with pytest.raises(Invalid):
            check_about(*both)


def test_every_step_in_the_life_of_an_appointment_is_published_but_notes_and_whose_record_it_is() -> None:
    steps = {
        each
        for each in vars(Appointment).values()
        if isinstance(each, type) and issubclass(each, Appointment.Event) and each.__name__ != "Event"
    }
    assert {each.__name__ for each in steps - set(PUBLISHED)} - {"Created"} == {"Noted", "Transferred"}
