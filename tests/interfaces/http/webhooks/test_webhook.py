"""Webhooks over HTTP."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from application.access import SYSTEM, Caller, Role
from application.webhooks.delivery import DeliveryServices, run
from application.webhooks.payload import WebhookMessage
from application.webhooks.ports import SendResult
from application.webhooks.subscription import DisableWebhook, disable_webhook
from domain.kernel import new_id
from domain.log_position import position_of
from domain.webhooks.webhook import TYPES
from infrastructure.webhooks.targets import WebhookTargets
from tests.infrastructure.webhooks.receiver import LOOPBACK
from tests.interfaces.http.town import Api, Town, pointers, problem
from tests.support.builders import somebody

HOOKS = "/v1/webhooks"
URL = "https://example.org/hook"


async def made(town: Town, by: Caller | None = None, **more: Any) -> dict[str, Any]:
    said = {"url": URL, "types": list(TYPES), "provider_id": town.provider_id, **more}
    answer = await town.api.post(HOOKS, said, by or town.owner)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


class Taker:
    """application.webhooks.ports.Post: takes everything, or answers what it is told to."""

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.ids: list[str] = []

    async def send(self, url: str, message: WebhookMessage, secrets: Any) -> SendResult:
        status = self.answers.pop(0) if self.answers else 200
        if status == 200:
            self.ids.append(message.id)
        return SendResult(status, "" if status == 200 else f"status {status}", 3)


class _Held:
    held = True

    async def hold(self) -> None:
        pass


async def deliver(town: Town, id: str, *answers: int) -> list[str]:
    """As the worker does, by a server that answers so; the ids it has taken."""
    people, taker = town.api.people, Taker(*answers)
    await town.api.catch_up()
    await people.subscriptions.wake()
    courier = DeliveryServices(town.api.ports.store, people.subscriptions, people.hooks.secrets, taker)
    await run(UUID(id), _Held(), courier)
    return taker.ids


@pytest.mark.parametrize("url", ["https://127.0.0.1/h", "https://localhost/h", "https://[::ffff:10.0.0.1]/h"])
async def test_a_url_that_will_be_refused_is_refused_at_once(town: Town, url: str):
    api, owner = town.api, town.owner
    webhook = await made(town)
    bodies = {"url": url, "types": ["appointment.booked"], "provider_id": town.provider_id}
    for answer in (
        await api.post(HOOKS, bodies, owner),
        await api.ask("PATCH", f"{HOOKS}/{webhook['id']}", owner, {"url": url}, if_match="*"),
    ):
        assert problem(answer) == (422, "webhook-target-refused")
        assert pointers(answer) == ["/url"]
        assert "WEBHOOK_ALLOW_PRIVATE" in answer.json()["detail"]
    await made(town, url="https://receiver.invalid/hook")  # unknown now, and perhaps not later


async def test_it_is_made_shown_changed_and_ended(town: Town):
    api, owner = town.api, town.owner
    said = {"url": URL, "types": ["appointment.booked"], "provider_id": town.provider_id}
    answer = await api.post(HOOKS, said, owner)
    told = answer.json()
    assert answer.status_code == 201
    path = f"{HOOKS}/{told['id']}"
    assert answer.headers["location"] == path
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["cache-control"] == "no-store"
    secret = told.pop("secret")
    assert secret.startswith("whsec_")
    position = answer.headers["daybook-position"]
    assert told == {
        **said,
        "id": told["id"],
        "version": 1,
        "organization_id": None,
        "state": "active",
        "reason": "",
        "created_at": told["created_at"],
        "position": position,
        "behind": 0,
        "failing_since": None,
    }
    shown = await api.get(path, owner)
    assert shown.json() == told
    assert shown.headers["etag"] == '"1"'
    assert (await api.get(HOOKS, owner)).json() == {"items": [told], "next": None}
    assert problem(await api.patch(path, {"url": URL + "/2"}, owner)) == (428, "version-missing")
    changed = await api.patch(path, {"url": URL + "/2"}, owner, if_match=1)
    assert changed.json() == {**told, "url": URL + "/2", "version": 2}
    assert problem(await api.patch(path, {"types": TYPES[:1]}, owner, if_match=1)) == (412, "stale")
    assert problem(await api.delete(path, owner, if_match=1)) == (412, "stale")
    assert (await api.delete(path, owner, if_match=2)).status_code == 204
    assert problem(await api.get(path, owner)) == (404, "not-found")
    assert problem(await api.patch(path, {}, owner, if_match="*")) == (404, "not-found")
    assert (await api.get(HOOKS, owner)).json()["items"] == []


async def test_the_secret_is_shown_once_and_anew_at_rotation(town: Town):
    first = await made(town)
    path = f"{HOOKS}/{first['id']}"
    again = await town.api.post(f"{path}/rotate", {}, town.owner)
    assert again.status_code == 200
    assert again.json()["version"] == 2
    assert again.headers["cache-control"] == "no-store"
    assert again.json()["secret"] != first["secret"]
    for where in (path, HOOKS, f"{path}/deliveries"):
        assert "whsec_" not in (await town.api.get(where, town.owner)).text
    current = await town.api.people.hooks.secrets.current(UUID(first["id"]))
    assert list(current) == [again.json()["secret"], first["secret"]]


@pytest.mark.parametrize("operation", ["", "/rotate", "/redeliver?after=0"])
async def test_what_shows_a_secret_takes_no_key(town: Town, operation: str):
    """The same key again makes another: no answer with a secret is kept."""
    path = f"{HOOKS}/{(await made(town))['id']}{operation}" if operation else HOOKS
    said = {} if operation else {"url": URL, "types": TYPES[:1], "provider_id": town.provider_id}
    await town.api.catch_up()
    answers = [await town.api.post(path, said, town.owner, idempotency_key="k") for _ in range(2)]
    assert all(each.is_success for each in answers)
    assert all("idempotency-replayed" not in each.headers for each in answers)


async def test_it_says_where_it_stands(town: Town):
    it = await made(town)
    path = f"{HOOKS}/{it['id']}"
    for clock in ("09:00", "10:00", "11:00"):
        await town.booked(clock)
    await deliver(town, it["id"], 200, 500)
    shown = (await town.api.get(path, town.owner)).json()
    assert shown["behind"] == 2
    assert shown["failing_since"] is not None
    assert position_of(shown["position"]) > position_of(it["position"])
    assert (await town.api.get(HOOKS, town.owner)).json()["items"] == [shown]
    assert (await town.api.get(path, town.owner, if_none_match=1)).status_code == 200, "it may have moved"
    await deliver(town, it["id"])
    shown = (await town.api.get(path, town.owner)).json()
    assert (shown["behind"], shown["failing_since"]) == (0, None)


async def test_deliveries_are_listed_newest_first_by_cursor(town: Town):
    it = await made(town)
    path = f"{HOOKS}/{it['id']}/deliveries"
    await town.booked("09:00")
    await town.booked("10:00")
    await deliver(town, it["id"], 500)
    await deliver(town, it["id"])
    first = (await town.api.get(f"{path}?limit=2", town.owner)).json()
    second = (await town.api.get(f"{path}?limit=2&cursor={first['next']}", town.owner)).json()
    items = first["items"] + second["items"]
    assert [(each["attempt"], each["status_code"], each["error"]) for each in items] == [
        (1, 200, None),
        (2, 200, None),
        (1, 500, "status 500"),
    ]
    assert items[1]["message_id"] == items[2]["message_id"]
    assert second["next"] is None
    other = await made(town)
    moved = f"{HOOKS}/{other['id']}/deliveries?limit=2&cursor={first['next']}"
    assert problem(await town.api.get(moved, town.owner)) == (400, "bad-cursor")


async def test_redelivery_tells_the_same_again(town: Town):
    it = await made(town)
    path = f"{HOOKS}/{it['id']}/redeliver"
    await town.booked("09:00")
    await town.booked("10:00")
    first = await deliver(town, it["id"])
    answer = await town.api.post(f"{path}?after={it['position']}", {}, town.owner)
    assert answer.status_code == 200
    assert answer.json()["behind"] == 2
    assert answer.json()["position"] == it["position"]
    assert await deliver(town, it["id"]) == first
    head = position_of((await town.api.get(HOOKS, town.owner)).headers["daybook-position"])
    for after in (head, f"0.{head}"):
        assert (await town.api.post(f"{path}?after={after}", {}, town.owner)).json()["behind"] == 0
    assert problem(await town.api.post(f"{path}?after={head + 1}", {}, town.owner)) == (400, "beyond-head")
    assert pointers(await town.api.post(path, {}, town.owner)) == ["/after"]
    assert pointers(await town.api.post(f"{path}?after=-1", {}, town.owner)) == ["/after"]


async def test_one_that_is_disabled_says_why_and_is_resumed(town: Town):
    it = await made(town)
    path = f"{HOOKS}/{it['id']}"
    await town.booked("09:00")
    assert await deliver(town, it["id"], 410) == []
    await town.booked("10:00")
    shown = (await town.api.get(path, town.owner)).json()
    assert (shown["state"], shown["reason"], shown["version"]) == ("disabled", "gone", 2)
    assert await deliver(town, it["id"]) == []
    resumed = await town.api.post(f"{path}/resume", {}, town.owner)
    assert (resumed.json()["state"], resumed.json()["reason"]) == ("active", "")
    assert (await town.api.post(f"{path}/resume", {}, town.owner)).json()["version"] == 3, "already so"
    assert len(await deliver(town, it["id"])) == 2, "nothing is lost"


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({"url": "http://example.org/"}, "/url"),
        ({"url": "https://user:pass@example.org/"}, "/url"),
        ({"url": "not a url"}, "/url"),
        ({"types": []}, "/types"),
        ({"types": ["appointment.exploded"]}, "/types"),
        ({"provider_id": None}, "/provider_id"),
        ({"provider_id": "0198c5a2-7d1c-7cc1-9a54-0d6f3b1f7a10"}, "/provider_id"),
        ({"organization_id": "0198c5a2-7d1c-7cc1-9a54-0d6f3b1f7a10"}, "/provider_id"),
        (
            {"provider_id": None, "organization_id": "0198c5a2-7d1c-7cc1-9a54-0d6f3b1f7a10"},
            "/organization_id",
        ),
        ({"secret": "whsec_mine"}, "/secret"),
    ],
)
async def test_says_what_does_not_fit(town: Town, more: dict[str, Any], wrong: str):
    said = {"url": URL, "types": ["appointment.booked"], "provider_id": town.provider_id, **more}
    assert pointers(await town.api.post(HOOKS, said, town.owner)) == [wrong]


async def test_http_is_for_development_alone(town: Town):
    town.api.ports.webhooks = replace(town.api.people.hooks, plain=True)
    assert (await made(town, url="http://receiver.invalid/hook"))["url"] == "http://receiver.invalid/hook"
    with pytest.raises(AssertionError, match="/problems/webhook-target-refused"):
        await made(town, url="http://127.0.0.1:8080/hook")
    town.api.ports.webhooks = replace(town.api.ports.webhooks, targets=WebhookTargets(LOOPBACK))
    assert (await made(town, url="http://127.0.0.1:8080/hook"))["url"] == "http://127.0.0.1:8080/hook"


async def test_anothers_webhook_does_not_exist(town: Town):
    path = f"{HOOKS}/{(await made(town))['id']}"
    api, stranger = town.api, town.stranger
    assert problem(await api.get(path, stranger)) == (404, "not-found")
    assert problem(await api.get(f"{path}/deliveries", stranger)) == (404, "not-found")
    assert problem(await api.patch(path, {"url": URL}, stranger, if_match="*")) == (404, "not-found")
    assert problem(await api.delete(path, stranger, if_match="*")) == (404, "not-found")
    for verb in ("rotate", "resume", "redeliver?after=0"):
        assert problem(await api.post(f"{path}/{verb}", {}, stranger)) == (404, "not-found")
    assert (await api.get(HOOKS, stranger)).json()["items"] == []
    assert problem(await api.get(HOOKS, town.customer)) == (403, "forbidden")
    assert problem(await api.get(HOOKS)) == (401, "unauthenticated")


async def test_lists_are_of_what_one_manages_and_filtered(town: Town):
    manager, staff = somebody(Role.PROVIDER), somebody(Role.PROVIDER)
    organization_id = await town.an_organization(town.provider_id, manager=manager, staff=staff)
    own = (await made(town))["id"]
    bound = await made(town, manager)
    shared = (await made(town, manager, provider_id=None, organization_id=organization_id))["id"]
    assert bound["organization_id"] == organization_id

    async def ids(by: Caller, query: str = "") -> list[str]:
        return [each["id"] for each in (await town.api.get(HOOKS + query, by)).json()["items"]]

    assert await ids(town.owner) == [own, bound["id"], shared], "the organization's founder"
    assert await ids(manager) == [bound["id"], shared]
    assert await ids(staff) == []
    assert await ids(town.admin, f"?provider_id={town.provider_id}") == [own, bound["id"]]
    assert await ids(manager, f"?organization_id={organization_id}") == [bound["id"], shared]
    assert await ids(manager, f"?organization_id={new_id()}") == []


async def test_a_secret_is_not_found_in_any_table(town: Town, database: Any):
    """Sealed with the system's key: a dump of the database signs nothing."""
    it = await made(town)
    rows = await town.api.people.rows.all("SELECT s::text FROM work.webhook_secret s")
    events = await town.api.people.rows.all("SELECT convert_from(state, 'UTF8') FROM log.stored_events")
    assert it["secret"].removeprefix("whsec_") not in str(rows) + str(events)


async def test_only_the_system_disables(town: Town, api: Api):
    it = await made(town)
    command = DisableWebhook(by=SYSTEM, webhook_id=UUID(it["id"]), reason="failing")
    await disable_webhook(command, api.ports.store)
    shown = (await api.get(f"{HOOKS}/{it['id']}", town.owner)).json()
    assert (shown["state"], shown["reason"]) == ("disabled", "failing")
    assert problem(await api.post(f"{HOOKS}/{it['id']}/disable", {}, town.admin))[0] == 404


async def test_nobody_makes_secrets_receivers_and_messages_without_end(town: Town):
    hook = await made(town)
    path = f"{HOOKS}/{hook['id']}"
    await town.api.catch_up()
    asked = [(f"{path}/rotate", {}), (f"{path}/redeliver?after=0", None)]
    answers = [await town.api.post(*asked[n % 2], town.owner) for n in range(20)]
    assert [each.status_code for each in answers] == [200] * 19 + [429]
    said = {"url": URL, "types": list(TYPES), "provider_id": town.provider_id}
    assert problem(await town.api.post(HOOKS, said, town.owner)) == (429, "too-many-requests")
