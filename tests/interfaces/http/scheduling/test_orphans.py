"""Changed hours and the appointments that they leave outside: previewed, dealt with as chosen, listed until settled."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from application.access import Role
from tests.interfaces.http.town import OFFICE_HOURS, WEEK, Town, pointers, problem
from tests.support.builders import somebody

AFTERNOONS = [{"day": day, "from": "13:00", "to": "17:00"} for day in WEEK]


def schedule_path(town: Town) -> str:
    return f"/v1/providers/{town.provider_id}/schedule"


async def close_mornings(town: Town, **orphans: Any) -> None:
    said = {"timezone": "UTC", "weekly": AFTERNOONS, **({"orphans": orphans} if orphans else {})}
    answer = await town.api.put(schedule_path(town), said, town.owner, if_match="*")
    assert answer.status_code == 200, answer.text
    await work(town)


async def work(town: Town) -> None:
    await town.api.people.work()
    await town.api.catch_up()


async def state(town: Town, booked: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = (await town.api.get(f"/v1/appointments/{booked['id']}", town.owner)).json()
    return told


async def listed(town: Town, **query: str) -> Sequence[str]:
    asked = "&".join(f"{name}={value}" for name, value in {"orphaned": "true", **query}.items())
    return [each["id"] for each in (await town.api.get(f"/v1/appointments?{asked}", town.owner)).json()["items"]]


async def preview(town: Town, said: dict[str, Any]) -> dict[str, Any]:
    answer = await town.api.post(f"{schedule_path(town)}/preview", said, town.owner)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_without_a_choice_they_stay_and_are_listed_until_they_are_settled(town: Town) -> None:
    morning, _ = await town.booked("09:00"), await town.booked("14:00")
    await close_mornings(town)
    assert await listed(town) == [morning["id"]]
    orphan = await state(town, morning)
    assert (orphan["status"], orphan["orphaned"]["choice"]) == ("booked", None)
    moved = {"start": town.at("15:00")}
    path = f"/v1/appointments/{morning['id']}"
    assert (await town.api.post(f"{path}/reschedule", moved, town.owner, if_match="*")).status_code == 200
    assert await listed(town) == []


async def test_kept_they_take_place_and_are_not_listed_when_hours_change_again(town: Town) -> None:
    morning = await town.booked("09:00")
    await close_mornings(town, choice="keep")
    kept = await state(town, morning)
    assert (kept["status"], kept["orphaned"], kept["overridden"]) == ("booked", None, ["hours"])
    never = {"timezone": "UTC", "weekly": []}
    assert (await town.api.put(schedule_path(town), never, town.owner, if_match="*")).status_code == 200
    await work(town)
    assert await listed(town) == []


async def test_cancelled_their_customers_read_why(town: Town) -> None:
    morning, afternoon = await town.booked("09:00"), await town.booked("14:00")
    await close_mornings(town, choice="cancel", reason="Ill until noon.", reason_code="provider_unavailable")
    ended = await state(town, morning)
    told = {name: ended["cancelled"][name] for name in ("party", "reason", "reason_code", "late")}
    assert told == {
        "party": "staff",
        "reason": "Ill until noon.",
        "reason_code": "provider_unavailable",
        "late": False,
    }
    assert (await state(town, afternoon))["status"] == "booked"
    assert await listed(town) == []


async def test_single_ones_may_have_another_choice(town: Town) -> None:
    booked = [await town.booked(clock) for clock in ("09:00", "10:00", "11:00")]
    each = [
        {"appointment_id": booked[0]["id"], "choice": "keep"},
        {"appointment_id": booked[1]["id"], "choice": "cancel"},
    ]
    await close_mornings(town, choice="rebook", reason="Ill until noon.", each=each)
    kept, ended, asked = [await state(town, one) for one in booked]
    assert (kept["overridden"], kept["orphaned"]) == (["hours"], None)
    assert (ended["status"], ended["cancelled"]["reason"]) == ("cancelled", "Ill until noon.")
    assert asked["orphaned"]["choice"] == "rebook"


async def test_to_cancel_them_staff_give_a_reason(town: Town) -> None:
    said = {"timezone": "UTC", "weekly": AFTERNOONS, "orphans": {"choice": "cancel"}}
    assert pointers(await town.api.put(schedule_path(town), said, town.owner, if_match="*")) == ["/orphans/reason"]


async def test_asked_to_rebook_the_customer_moves_and_cancels_whatever_the_policy_says(town: Town) -> None:
    strict = await town.a_service(reschedule_notice=525_600, cancel_notice=525_600, max_reschedules=0)
    booked = [await town.booked(clock, service_id=strict["id"]) for clock in ("09:00", "10:00")]
    moved = {"start": town.at("15:00")}
    path = f"/v1/appointments/{booked[0]['id']}/reschedule"
    refused = await town.api.post(path, moved, town.customer, if_match="*")
    assert problem(refused) == (409, "too-late-to-reschedule")
    await close_mornings(town, choice="rebook")
    assert await listed(town) == [each["id"] for each in booked]
    assert (await state(town, booked[0]))["free_cancellation"]
    done = await town.api.post(path, moved, town.customer, if_match="*")
    assert (done.status_code, done.json()["orphaned"]) == (200, None)
    cancelled = await town.api.post(f"/v1/appointments/{booked[1]['id']}/cancel", {}, town.customer, if_match="*")
    assert (cancelled.status_code, cancelled.json()["cancelled"]["late"]) == (200, False)
    assert await listed(town) == []


async def test_of_those_that_are_listed_staff_keep_one_and_ask_another(town: Town) -> None:
    first, second = await town.booked("09:00"), await town.booked("10:00")
    await close_mornings(town)
    kept = await town.api.post(f"/v1/appointments/{first['id']}/keep", {}, town.owner, if_match="*")
    assert (kept.status_code, kept.json()["orphaned"]) == (200, None)
    asked = await town.api.post(f"/v1/appointments/{second['id']}/ask-to-rebook", {}, town.owner, if_match="*")
    assert (asked.status_code, asked.json()["orphaned"]["choice"]) == (200, "rebook")
    assert await listed(town) == [second["id"]]
    again = await town.api.post(f"/v1/appointments/{first['id']}/ask-to-rebook", {}, town.owner, if_match="*")
    assert problem(again) == (409, "not-an-orphan")


async def test_hours_that_open_again_settle_them(town: Town) -> None:
    morning = await town.booked("09:00")
    await close_mornings(town)
    assert await listed(town) == [morning["id"]]
    said = {"timezone": "UTC", "weekly": OFFICE_HOURS}
    assert (await town.api.put(schedule_path(town), said, town.owner, if_match="*")).status_code == 200
    await work(town)
    assert await listed(town) == []
    assert (await state(town, morning))["orphaned"] is None


async def test_a_choice_concerns_the_orphans_of_its_change_alone(town: Town) -> None:
    morning, afternoon = await town.booked("09:00"), await town.booked("14:00")
    await close_mornings(town)
    day = f"{schedule_path(town)}/overrides/{town.day()}"
    said = {"hours": [], "orphans": {"choice": "cancel", "reason": "Closed."}}
    assert (await town.api.put(day, said, town.owner, if_match="*")).status_code == 200
    await work(town)
    assert [(await state(town, each))["status"] for each in (morning, afternoon)] == ["booked", "cancelled"]
    assert await listed(town) == [morning["id"]]


async def test_two_changes_before_the_job_runs_keep_a_choice_each(town: Town) -> None:
    first, second = await town.booked("09:00"), await town.booked("14:00")
    for clock, orphans in (("09:00", {"choice": "cancel", "reason": "Ill."}), ("14:00", {"choice": "keep"})):
        off = {"start": town.at(clock), "end": town.at(f"{clock[:2]}:30"), "orphans": orphans}
        made = await town.api.post(f"/v1/providers/{town.provider_id}/time-off", off, town.owner, if_match="*")
        assert made.status_code == 201, made.text
    await work(town)
    assert [(await state(town, each))["status"] for each in (first, second)] == ["cancelled", "booked"]
    assert (await state(town, second))["overridden"] == ["hours"]


async def test_a_holiday_of_the_organization_leaves_appointments_of_all_its_providers_outside(town: Town) -> None:
    organization = await town.an_organization(town.provider_id)
    booked = await town.booked("09:00")
    said = {"name": "Rest", "orphans": {"choice": "rebook"}}
    path = f"/v1/organizations/{organization}/holidays/{town.day()}"
    assert (await town.api.put(path, said, town.owner, if_match="*")).status_code == 200
    await work(town)
    assert (await state(town, booked))["orphaned"]["choice"] == "rebook"
    assert (await town.api.delete(path, town.owner, if_match="*")).status_code == 204
    await work(town)
    assert await listed(town) == []


async def test_what_staff_booked_outside_the_hours_is_no_orphan(town: Town) -> None:
    guest = (await town.api.post("/v1/customers", {"name": "Bob"}, town.owner)).json()["id"]
    override = {"rules": ["hours"], "reason": "A walk-in."}
    await town.booked("20:00", by=town.owner, customer_id=guest, override=override)
    await close_mornings(town)
    assert await listed(town) == []


async def test_a_request_is_listed_and_its_customer_is_not_asked_to_rebook(town: Town) -> None:
    service = await town.a_service(approval=True)
    asked = await town.booked("09:00", service_id=service["id"])
    await close_mornings(town, choice="rebook")
    assert (await state(town, asked))["orphaned"]["choice"] is None
    path = f"/v1/appointments/{asked['id']}"
    refused = await town.api.post(f"{path}/ask-to-rebook", {}, town.owner, if_match="*")
    assert problem(refused) == (409, "request-pending")
    assert (await town.api.post(f"{path}/confirm", {}, town.owner, if_match="*")).status_code == 200
    assert await listed(town) == []


async def test_a_preview_changes_nothing_and_names_the_version_to_send(town: Town) -> None:
    booked = await town.booked("09:00")
    before = (await town.api.get(schedule_path(town), town.owner)).json()
    told = await preview(town, {"weekly": AFTERNOONS})
    assert (told["version"], told["orphan_count"], told["reopened"]) == (before["version"], 1, 0)
    assert [each["appointment_id"] for each in told["orphans"]] == [booked["id"]]
    assert (await town.api.get(schedule_path(town), town.owner)).json() == before
    assert await listed(town) == []
    said = {"timezone": "UTC", "weekly": AFTERNOONS}
    assert (await town.api.put(schedule_path(town), said, town.owner, if_match=told["version"])).status_code == 200


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"timezone": "Mars/Olympus"}, "/timezone"),
        ({"weekly": [*OFFICE_HOURS, *AFTERNOONS]}, "/weekly"),
        ({"time_off": [{"start": "2030-01-02T00:00:00Z", "end": "2030-01-01T00:00:00Z"}]}, "/time_off/0"),
        ({"from": "2030-01-02T00:00:00Z", "to": "2030-01-01T00:00:00Z"}, "/to"),
        ({"overrides": [{"date": "tomorrow", "hours": []}]}, "/overrides/0/date"),
    ],
)
async def test_a_preview_refuses_what_the_change_would_refuse(town: Town, said: dict[str, Any], pointer: str) -> None:
    assert pointers(await town.api.post(f"{schedule_path(town)}/preview", said, town.owner)) == [pointer]


async def test_nobody_else_previews(town: Town) -> None:
    path = f"{schedule_path(town)}/preview"
    assert problem(await town.api.post(path, {}, somebody(Role.PROVIDER))) == (404, "not-found")
    assert problem(await town.api.post(path, {}, town.customer)) == (403, "forbidden")
    missing = re.sub(r"[0-9a-f]{12}/", "0" * 12 + "/", path)
    assert problem(await town.api.post(missing, {}, town.owner)) == (404, "not-found")


async def free(town: Town, service_id: str, days: int) -> set[str]:
    asked = f"service_id={service_id}&provider_id={town.provider_id}&from={town.day()}&to={town.day(days)}&tz=UTC"
    told = (await town.api.get(f"/v1/availability?{asked}")).json()
    return {each["start"] for each in told["starts"]}


def any_change(town: Town, chance: Random) -> dict[str, Any]:
    """What a preview takes: other weekly hours, other hours on dates, time off."""

    def hours() -> list[dict[str, str]]:
        opens, closes = chance.randrange(6, 12), chance.randrange(12, 22)
        return [] if chance.random() < 0.3 else [{"from": f"{opens:02}:00", "to": f"{closes:02}:30"}]

    said: dict[str, Any] = {}
    if chance.random() < 0.6:
        said["weekly"] = [{"day": day, **each} for day in WEEK for each in hours()]
    if chance.random() < 0.6:
        said["overrides"] = [{"date": town.day(day), "hours": hours()} for day in chance.sample(range(6), 2)]
    if chance.random() < 0.6:
        start = town.monday + timedelta(hours=chance.randrange(120))
        end = start + timedelta(hours=chance.randrange(1, 30))
        said["time_off"] = [{"start": f"{start:%Y-%m-%dT%H:%M:%SZ}", "end": f"{end:%Y-%m-%dT%H:%M:%SZ}"}]
    return said


async def apply(town: Town, said: dict[str, Any]) -> None:
    """The same changes, one after the other."""
    provider = f"/v1/providers/{town.provider_id}"
    changes = []
    if "weekly" in said:
        changes.append(("PUT", f"{provider}/schedule", {"timezone": "UTC", "weekly": said["weekly"]}))
    dates = f"{provider}/schedule/overrides"
    changes += [("PUT", f"{dates}/{each['date']}", {"hours": each["hours"]}) for each in said.get("overrides", ())]
    changes += [("POST", f"{provider}/time-off", each) for each in said.get("time_off", ())]
    for method, path, body in changes:
        answer = await town.api.ask(method, path, town.owner, body, if_match="*")
        assert answer.is_success, answer.text
    await work(town)


@pytest.mark.parametrize("seed", range(6))
async def test_a_preview_equals_what_applying_then_does(town: Town, seed: int) -> None:
    chance, days = Random(seed), 6
    short = await town.a_service(duration=15)
    for _ in range(14):
        start = town.at(f"{chance.randrange(9, 17):02}:{chance.choice(('00', '30'))}", chance.randrange(5))
        said = town.booking(service_id=chance.choice((town.service_id, short["id"]))) | {"start": start}
        await town.api.post("/v1/appointments", said, town.customer, idempotency_key=f"{seed}-{start}")
    for _ in range(3):
        said = any_change(town, chance)
        span = {"from": town.at("00:00"), "to": town.at("00:00", days + 1)}
        await town.api.catch_up()
        told = await preview(town, said | span)
        before = {each: await free(town, each, days) for each in (town.service_id, short["id"])}
        known = set(await listed(town, limit="200"))
        await apply(town, said)
        after = {each: await free(town, each, days) for each in before}
        assert {each["appointment_id"] for each in told["orphans"]} == set(await listed(town, limit="200"))
        assert told["reopened"] == len(known - set(await listed(town, limit="200")))
        expected = {each: (after[each] - before[each], before[each] - after[each]) for each in before}
        compared = {each["service_id"]: each for each in told["services"]}
        assert compared.keys() == {each for each, (gained, lost) in expected.items() if gained or lost}
        for service, each in compared.items():
            gained, lost = expected[service]
            assert (each["gained"], each["lost"]) == (len(gained), len(lost))
            assert (each["gained_starts"], each["lost_starts"]) == (sorted(gained)[:100], sorted(lost)[:100])


async def test_a_booking_between_preview_and_change_is_an_orphan_too(town: Town) -> None:
    told = await preview(town, {"weekly": AFTERNOONS})
    assert told["orphan_count"] == 0
    booked = await town.booked("09:00")
    await close_mornings(town, choice="rebook")
    assert await listed(town) == [booked["id"]]
