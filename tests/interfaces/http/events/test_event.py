"""The feed over HTTP: pages and streams of what concerns the caller."""

from typing import Any
from uuid import UUID

from application.access import Caller, Role
from domain.log_position import position_of
from tests.interfaces.http.events.frames import Frame, frames
from tests.interfaces.http.town import Api, Town, problem
from tests.support.builders import somebody

EVENTS = "/v1/events"


async def page(api: Api, by: Caller, query: str = "") -> dict[str, Any]:
    answer = await api.get(f"{EVENTS}{query}", by)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def streamed(api: Api, by: Caller, query: str = "", **headers: str) -> list[Frame]:
    answer = await api.get(f"{EVENTS}/stream{query}", by, **headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/event-stream"
    return list(frames(answer.text.split("\n")))


def types(told: dict[str, Any]) -> list[str]:
    return [each["type"] for each in told["items"]]


async def test_both_sides_read_what_happened_to_an_appointment_and_nobody_else_does(town: Town) -> None:
    api, appointment = town.api, await town.booked()
    await api.post(f"/v1/appointments/{appointment['id']}/cancel", {}, town.customer, if_match=1)
    told = await page(api, town.customer)
    assert types(told) == ["appointment.booked", "appointment.cancelled"]
    first, second = told["items"]
    assert (first["data"]["id"], first["data"]["status"]) == (appointment["id"], "booked"), "as it was then"
    assert (second["data"]["status"], second["data"]["version"]) == ("cancelled", 2)
    assert types(await page(api, town.owner)) == ["schedule.changed", *types(told)]
    assert types(await page(api, town.admin)) == ["schedule.changed", *types(told)]
    assert types(await page(api, somebody(Role.AUDITOR))) == ["schedule.changed", *types(told)]
    for other in (town.stranger, somebody(Role.PROVIDER)):
        assert (await page(api, other))["items"] == []


async def test_next_is_the_after_of_the_next_page_and_an_empty_page_advances(town: Town) -> None:
    api = town.api
    for clock in ("09:00", "10:00", "11:00"):
        await town.booked(clock)
    found, after = [], "0.0"
    for _ in range(3):
        told = await page(api, town.customer, f"?after={after}&limit=1")
        found += told["items"]
        after = told["next"]
        assert after == told["items"][0]["data"]["position"]
    assert [each["data"]["start"][11:16] for each in found] == ["09:00", "10:00", "11:00"]
    await api.patch(f"/v1/providers/{town.provider_id}", {"bio": "Cuts hair."}, town.owner, if_match="*")
    told = await page(api, town.customer, f"?after={after}")
    assert told["items"] == []
    assert position_of(told["next"]) > position_of(after)


async def test_types_narrow_the_page(town: Town) -> None:
    await town.booked()
    assert types(await page(town.api, town.owner, "?types=appointment.booked")) == ["appointment.booked"]
    both = "?types=appointment.booked,schedule.changed"
    assert types(await page(town.api, town.owner, both)) == ["schedule.changed", "appointment.booked"]
    for query in ("?types=appointment.bokked", "?after=soon", "?limit=0", "?after=1.4", "?cursor=x"):
        for path in (EVENTS, f"{EVENTS}/stream"):
            if (path, query) != (f"{EVENTS}/stream", "?limit=0"):
                assert problem(await town.api.get(f"{path}{query}", town.owner)) == (422, "invalid-fields")


async def test_a_position_beyond_the_log_is_refused(town: Town) -> None:
    for path in (EVENTS, f"{EVENTS}/stream"):
        answer = await town.api.get(f"{path}?after=0.999999", town.owner)
        assert answer.status_code == 400, answer.text
    answer = await town.api.get(f"{EVENTS}/stream", town.owner, last_event_id="yesterday")
    assert problem(answer) == (400, "malformed")


async def test_a_member_reads_until_they_leave(town: Town) -> None:
    api, staff = town.api, somebody(Role.PROVIDER)
    organization_id = await town.an_organization(town.provider_id, staff=staff)
    await town.booked()
    told = await page(api, staff)
    assert types(told) == ["provider.changed", "appointment.booked"]
    assert (
        await api.delete(f"/v1/organizations/{organization_id}/members/{staff.id}", town.owner, if_match="*")
    ).is_success
    assert (await page(api, staff))["items"] == []
    assert [each for each in await streamed(api, staff, "?after=0.0") if each.type] == []


async def test_a_stream_tells_what_pages_tell_and_resumes_after_an_event(town: Town) -> None:
    api = town.api
    for clock in ("09:00", "10:00", "11:00"):
        await town.booked(clock)
    told = await page(api, town.owner)
    found = [each for each in await streamed(api, town.owner, "?after=0.0") if each.type]
    assert [each.data for each in found] == told["items"]
    assert [(each.id, each.type) for each in found] == [(i["data"]["position"], i["type"]) for i in told["items"]]
    rest = await streamed(api, town.owner, "?after=0.0", last_event_id=found[1].id)
    assert [each.data for each in rest if each.type] == told["items"][2:]
    some = await streamed(api, town.owner, "?after=0.0&types=schedule.changed")
    assert [each.type for each in some if each.type] == ["schedule.changed"]
    opening, *nothing = await streamed(api, town.owner)
    assert (opening.type, nothing) == ("", []), "without a position, only what happens from now on"
    assert position_of(opening.id) == position_of(told["next"])


async def test_head_of_a_stream_is_its_head_alone(town: Town) -> None:
    answer = await town.api.ask("HEAD", f"{EVENTS}/stream", town.owner)
    assert (answer.status_code, answer.content) == (200, b"")


async def test_nothing_personal_is_told_and_a_forgotten_guest_stays_an_id(town: Town, followed: None) -> None:
    api = town.api
    guest = (await api.post("/v1/customers", {"name": "Wilhelmina"}, town.owner)).json()
    said = {"customer_id": guest["id"], "note": "is afraid of scissors"}
    appointment = await town.booked("09:00", town.owner, **said)
    cancel = {"reason": "has seen the scissors"}
    assert (await api.post(f"/v1/appointments/{appointment['id']}/cancel", cancel, town.owner, if_match=1)).is_success
    before = await page(api, town.owner)
    assert UUID(before["items"][-1]["data"]["customer_id"]) == UUID(guest["id"])
    assert "scissors" not in str(before)
    assert "Wilhelmina" not in str(before)
    assert (await api.post(f"/v1/customers/{guest['id']}/forget", {}, town.admin)).status_code == 204
    after = await page(api, town.owner)
    assert after["items"] == before["items"]
    assert position_of(after["next"]) > position_of(before["next"])
