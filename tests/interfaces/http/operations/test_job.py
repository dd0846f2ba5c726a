"""Jobs over HTTP: what is to be done, what became of it, and trying again."""

from typing import Any
from uuid import UUID

import pytest

from application.access import Role
from application.jobs.job import JobRequest
from domain.kernel import new_id
from infrastructure.jobs.enqueuing import JobEnqueuer
from infrastructure.jobs.enrolment import Enrolment
from infrastructure.jobs.job_queue import HeldJob, JobQueue
from projections.read_models.jobs import job_status
from projections.read_models.jobs.job import key_of
from tests.interfaces.http.town import Api, Town, pointers, problem
from tests.support.builders import somebody

JOBS = "/v1/jobs"


@pytest.fixture
async def appointment(town: Town) -> dict[str, Any]:
    return await town.booked("09:00")


@pytest.fixture
def jobs(api: Api) -> JobQueue:
    return api.people.jobs


async def begun(api: Api, jobs: JobQueue) -> HeldJob:
    """The job of telling the customer is in somebody's hands."""
    await api.catch_up()
    await Enrolment(jobs.rows).enrol()
    found = {each.job.slot: each for each in (await jobs.claim(["notify"], 10)).held}
    if "staff-booked" in found:
        await jobs.done(found["staff-booked"], "own")
    return found["booked"]


async def slots(api: Api, town: Town, query: str) -> list[str]:
    told = (await api.get(f"{JOBS}?{query}", town.admin)).json()
    return [each["slot"] for each in told["items"]]


class TestList:
    async def test_is_empty_where_nothing_is_to_be_done(self, api: Api) -> None:
        assert (await api.get(JOBS, somebody(Role.ADMIN))).json() == {"items": [], "next": None}

    @pytest.mark.parametrize("taken_over", [False, True])
    async def test_shows_what_is_to_be_done_in_order_whether_a_worker_knows_or_not(
        self, api: Api, town: Town, jobs: JobQueue, appointment: dict[str, Any], taken_over: bool
    ) -> None:
        if taken_over:
            await api.catch_up()
            await Enrolment(jobs.rows).enrol()
        told = (await api.get(f"{JOBS}?subject={appointment['id']}", town.admin)).json()
        listed = [each["slot"] for each in told["items"]]
        assert {*listed[:2]} == {"booked", "staff-booked"}, "due at the same time"
        assert listed[2:] == ["remind-0", "remind-1", "complete"]
        assert {each["status"] for each in told["items"]} == {"waiting"}
        assert {each["subject"] for each in told["items"]} == {appointment["id"]}

    async def test_goes_on_with_the_cursor(self, api: Api, town: Town, appointment: dict[str, Any]) -> None:
        asked = f"{JOBS}?limit=3&subject={appointment['id']}"
        first = (await api.get(asked, town.admin)).json()
        second = (await api.get(f"{asked}&cursor={first['next']}", town.admin)).json()
        assert [each["slot"] for each in first["items"] + second["items"]][-2:] == ["remind-1", "complete"]
        assert second["next"] is None

    async def test_is_filtered(self, api: Api, town: Town, jobs: JobQueue, appointment: dict[str, Any]) -> None:
        await jobs.done(await begun(api, jobs), "sent")
        assert {*await slots(api, town, "status=done")} == {"booked", "staff-booked"}
        assert await slots(api, town, "status=waiting&kind=remind") == ["remind-0", "remind-1"]
        assert await slots(api, town, f"subject={new_id()}") == []
        assert pointers(await api.get(f"{JOBS}?status=lost", town.admin)) == ["/status"]

    async def test_of_those_that_no_sweep_has_copied_the_first_recorded_are_listed(
        self, api: Api, town: Town, jobs: JobQueue, appointment: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        every = await slots(api, town, "limit=100")
        monkeypatch.setattr(job_status, "MOST_NEW", 2)
        assert len(await slots(api, town, "limit=100")) == 2
        assert len(await slots(api, town, "limit=100&status=waiting")) == 2
        of_one = await slots(api, town, f"subject={appointment['id']}")
        assert set(of_one) >= {"booked", "remind-0", "complete"}, "all, of one appointment"
        await Enrolment(jobs.rows).enrol()
        assert sorted(await slots(api, town, "limit=100")) == sorted(every), "all, once a sweep has copied them"


class TestOne:
    async def test_tells_how_it_goes(self, api: Api, town: Town, jobs: JobQueue, appointment: dict[str, Any]) -> None:
        path = f"{JOBS}/{key_of(UUID(appointment['id']), 'booked', 1)}"

        async def told() -> tuple[Any, ...]:
            shown = (await api.get(path, town.admin)).json()
            return shown["status"], shown["attempts"], shown["outcome"], shown["error"]

        assert await told() == ("waiting", 0, None, None)
        held = await begun(api, jobs)
        assert await told() == ("running", 1, None, None)
        await jobs.failed(held, "OSError")
        assert await told() == ("retrying", 1, None, "OSError")
        assert (await api.post(f"{path}/retry", {}, town.admin)).json()["attempts"] == 0
        await jobs.failed(await begun(api, jobs), "no such mailbox", hopeless=True)
        assert await told() == ("dead", 1, None, "no such mailbox")
        assert (await api.post(f"{path}/retry", {}, town.admin)).json()["status"] == "waiting"
        await jobs.done(await begun(api, jobs), "sent")
        assert await told() == ("done", 1, "sent", None)
        assert problem(await api.post(f"{path}/retry", {}, town.admin)) == (409, "job-not-retryable")

    async def test_one_whose_appointment_is_gone_is_dropped(
        self, api: Api, town: Town, jobs: JobQueue, appointment: dict[str, Any]
    ) -> None:
        await api.catch_up()
        await Enrolment(jobs.rows).enrol()
        path = f"/v1/appointments/{appointment['id']}/cancel"
        await api.post(path, {"reason": "Ill."}, town.owner, if_match="*")
        reminder = f"{JOBS}/{key_of(UUID(appointment['id']), 'remind-0', 1)}"
        assert (await api.get(reminder, town.admin)).json()["status"] == "dropped"
        assert problem(await api.post(f"{reminder}/retry", {}, town.admin)) == (409, "job-not-retryable")

    async def test_one_that_nobody_knows_is_not_found(self, api: Api, town: Town) -> None:
        assert problem(await api.get(f"{JOBS}/{new_id()}", town.admin)) == (404, "not-found")
        assert problem(await api.post(f"{JOBS}/{new_id()}/retry", {}, town.admin)) == (404, "not-found")


class TestEnqueued:
    """A job that no event made: listed and retried like any other; what it says is never shown."""

    async def test_a_dead_one_is_listed_and_retried(self, api: Api, jobs: JobQueue) -> None:
        admin = somebody(Role.ADMIN)
        request = JobRequest("reset_password", {"email": "ada@example.org"})
        await JobEnqueuer(jobs.rows, api.ports.store.keyring).enqueue(request)  # type: ignore[attr-defined]
        (held,) = (await jobs.claim(["reset_password"], 1)).held
        await jobs.failed(held, "no such mailbox", hopeless=True)
        listed = await api.get(f"{JOBS}?status=dead", admin)
        (shown,) = listed.json()["items"]
        assert (shown["id"], shown["kind"], shown["error"]) == (str(request.key), "reset_password", "no such mailbox")
        assert "ada" not in listed.text
        again = await api.post(f"{JOBS}/{request.key}/retry", {}, admin)
        assert (again.status_code, again.json()["status"]) == (200, "waiting")
        await api.people.work()
        assert (await api.get(f"{JOBS}/{request.key}", admin)).json()["status"] == "done"
