"""The notices of an appointment over HTTP: who was told of what, and why somebody was not."""

from typing import Any

import pytest

from application.notifications.notice import REFUSED
from infrastructure.jobs.enrolment import Enrolment
from infrastructure.jobs.job_queue import HeldJob, JobQueue
from tests.interfaces.http.town import Api, Town, problem


@pytest.fixture
async def appointment(town: Town) -> dict[str, Any]:
    return await town.booked("09:00")


@pytest.fixture
def jobs(api: Api) -> JobQueue:
    return api.people.jobs


async def begun(api: Api, jobs: JobQueue) -> dict[str, HeldJob]:
    await api.catch_up()
    await Enrolment(jobs.rows).enrol()
    return {each.job.slot: each for each in (await jobs.claim(["notify"], 10)).held}


async def told(api: Api, town: Town, appointment: dict[str, Any]) -> dict[tuple[str, str], tuple[str, str | None]]:
    answer = (await api.get(f"/v1/appointments/{appointment['id']}/notices", town.owner)).json()
    assert answer["next"] is None
    for each in answer["items"]:
        assert (each["sent_at"] is None) is (each["status"] != "sent")
    return {(each["kind"], each["to"]): (each["status"], each["reason"]) for each in answer["items"]}


async def test_what_was_sent_and_what_waits(api: Api, town: Town, jobs: JobQueue, appointment: dict[str, Any]) -> None:
    held = await begun(api, jobs)
    await jobs.done(held["booked"], "done")
    await jobs.done(held["staff-booked"], "own")
    assert await told(api, town, appointment) == {
        ("booked", "customer"): ("sent", None),
        ("staff-booked", "staff"): ("unsent", "own"),
        ("reminder", "customer"): ("waiting", None),
    }


@pytest.mark.parametrize("outcome", ["no-address", "limit", "unwanted", "forgotten"])
async def test_who_was_not_told_and_why(
    api: Api, town: Town, jobs: JobQueue, appointment: dict[str, Any], outcome: str
) -> None:
    await jobs.done((await begun(api, jobs))["booked"], outcome)
    assert (await told(api, town, appointment))["booked", "customer"] == ("unsent", outcome)


@pytest.mark.parametrize(("error", "reason"), [(f"{REFUSED} ({{550}}).", "refused"), ("OSError", "failed")])
async def test_a_dead_notice_was_refused_or_failed(
    api: Api, town: Town, jobs: JobQueue, appointment: dict[str, Any], error: str, reason: str
) -> None:
    held = (await begun(api, jobs))["booked"]
    await jobs.failed(held, error, hopeless=True)
    assert (await told(api, town, appointment))["booked", "customer"] == ("unsent", reason)


async def test_a_failed_notice_that_is_tried_again_waits(
    api: Api, town: Town, jobs: JobQueue, appointment: dict[str, Any]
) -> None:
    await jobs.failed((await begun(api, jobs))["booked"], "OSError")
    assert (await told(api, town, appointment))["booked", "customer"] == ("waiting", None)


async def test_a_customer_does_not_see_them(api: Api, town: Town, appointment: dict[str, Any]) -> None:
    path = f"/v1/appointments/{appointment['id']}/notices"
    assert problem(await api.get(path, town.customer)) == (403, "forbidden")
    assert problem(await api.get(path)) == (401, "unauthenticated")
