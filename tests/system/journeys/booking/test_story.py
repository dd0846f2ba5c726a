"""The story of one booking, through every door."""

from datetime import timedelta
from typing import Any

import pytest

from tests.system.journeys.town import (
    OFFICE_HOURS,
    TAKEN,
    Town,
    at,
    good,
    position,
    problem,
    read,
    written,
)


async def test_a_stranger_books_moves_and_cancels_and_every_door_shows_it(town: Town) -> None:
    owner, ada, bea = town.somebody("provider"), town.somebody(), town.somebody()
    nine, ten = at("09:00"), at("10:00")

    made = await owner.ask("POST", "/v1/providers", {"name": "Dr. Story", "timezone": "UTC"})
    provider = good(made, 201)
    path = f"/v1/providers/{provider['id']}/schedule"
    before = await owner.get(path, seen=position(made))
    hours = {"timezone": "UTC", "weekly": OFFICE_HOURS}
    assert (await owner.ask("PUT", path, hours)).status_code == 428
    opened = await owner.ask("PUT", path, hours, if_match=before.headers["etag"])
    assert good(opened)["weekly"] == OFFICE_HOURS
    body = {"name": "Check-up", "provider_id": provider["id"], "duration": 30, "currency": "EUR"}
    offered = await owner.ask("POST", "/v1/services", body)
    service = good(offered, 201)

    async def free(seen: int) -> list[str]:
        day = nine.date()
        span = f"service_id={service['id']}&from={day}&to={day}&tz=UTC"
        answer = await town.stranger.get(f"/v1/availability?{span}", seen=seen)
        assert position(answer) >= seen
        return [each["start"] for each in good(answer)["starts"]]

    starts = await free(position(offered))
    assert starts == [written(nine + n * timedelta(minutes=30)) for n in range(16)]

    booking = {"service_id": service["id"], "provider_id": provider["id"], "start": starts[0]}
    booked = await ada.ask("POST", "/v1/appointments", booking, idempotency_key="story-1")
    appointment = good(booked, 201)
    assert booked.headers["location"] == f"/v1/appointments/{appointment['id']}"
    assert booked.headers["etag"] == f'"{appointment["version"]}"'
    assert await free(position(booked)) == starts[1:]
    too_late = await bea.ask("POST", "/v1/appointments", booking, idempotency_key="story-2")
    assert problem(too_late) == TAKEN

    shown = await ada.get(booked.headers["location"], seen=position(booked))
    assert shown.json().items() >= appointment.items()
    listed = good(await owner.get(f"/v1/appointments?provider_id={provider['id']}", seen=position(booked)))
    (only,) = listed["items"]
    assert only.items() >= appointment.items()
    assert (await bea.get(booked.headers["location"], seen=position(booked))).status_code == 404

    moved = await ada.change(appointment, "reschedule", {"start": written(ten)})
    appointment = good(moved)
    assert (read(appointment["start"]), appointment["version"]) == (ten, 2)
    assert await free(position(moved)) == [start for start in starts if start != written(ten)]

    cancelled = await ada.change(appointment, "cancel", {"reason": "Feeling better"})
    appointment = good(cancelled)
    assert appointment["status"] == "cancelled"
    assert await free(position(cancelled)) == starts
    assert good(await ada.change(appointment, "cancel")) == appointment, "already so is not an error"

    history = await ada.get(f"{booked.headers['location']}/history", seen=position(cancelled))
    told = [(item["type"], item["version"]) for item in good(history)["items"]]
    assert told == [
        ("Appointment.Booked", 1),
        ("Appointment.Rescheduled", 2),
        ("Appointment.Cancelled", 3),
    ]


@pytest.mark.fault(14)
async def test_every_door_asked_with_the_position_of_a_write_shows_the_write(town: Town) -> None:
    shop = await town.a_shop()
    ada = town.somebody()
    for minute in range(0, 12 * 60, 30):
        start = at("00:00") + timedelta(minutes=minute)
        booked = await ada.book(shop, start)
        told, seen = good(booked, 201), position(booked)
        assert start not in (await shop.starts(seen=seen))["starts"]
        why = f"/v1/availability/why?service_id={shop.service_id}&start={written(start)}"
        assert good(await ada.get(why, seen=seen))["rule"] == "taken"
        earliest = f"/v1/availability/earliest?service_id={shop.service_id}&limit=200"
        assert written(start) not in _starts(good(await ada.get(earliest, seen=seen)))
        path = f"/v1/appointments/{told['id']}"
        assert good(await ada.get(path, seen=seen)).items() >= told.items()
        assert [item["version"] for item in good(await ada.get(f"{path}/history", seen=seen))["items"]] == [1]
        day = f"from={written(at('00:00'))}&to={written(at('00:00', 1))}&limit=200"
        listed = good(await ada.get(f"/v1/appointments?{day}", seen=seen))["items"]
        assert any(each.items() >= told.items() for each in listed)


def _starts(told: dict[str, Any]) -> list[str]:
    return [each["start"] for each in told["starts"]]
