"""The chain of a request: its events, the jobs that they made, mails, deliveries, and how these ended."""

from datetime import timedelta
from typing import Any

from application.access import Caller, Role
from domain.kernel import new_id
from infrastructure.jobs.outcomes import KEPT_FOR
from tests.interfaces.http.audit.test_search import AUDITOR
from tests.interfaces.http.pages.mailed import mailed_links
from tests.interfaces.http.sign_in import an_account
from tests.interfaces.http.town import Town, problem
from tests.interfaces.http.webhooks.test_webhook import HOOKS, URL, deliver
from tests.support.builders import somebody

NOTHING = {"events": 0, "jobs": 0, "deliveries": 0}


async def chain(town: Town, request: str, by: Caller = AUDITOR) -> dict[str, Any]:
    answer = await town.api.get(f"/v1/audit/requests/{request}", by)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def booked(town: Town, by: Caller | None = None, clock: str = "09:00") -> tuple[str, str]:
    """The ids of a request and of the appointment that it booked."""
    asked = str(new_id())
    headers = {"idempotency_key": asked, "x_request_id": asked}
    answer = await town.api.post("/v1/appointments", town.booking(clock), by or town.customer, **headers)
    assert answer.status_code == 201, answer.text
    return asked, answer.json()["id"]


async def test_a_booking_leads_to_its_mail_and_how_that_ended(town: Town) -> None:
    grace = await an_account(town.api, "grace@example.org")
    asked, appointment = await booked(town, grace)
    found = await chain(town, asked)
    assert (found["request"], found["withheld"], found["not_kept"], found["more"]) == (asked, NOTHING, NOTHING, False)
    by_type = {each["type"]: each for each in found["events"]}
    assert {"Appointment.Booked", "Day.Reserved"} <= by_type.keys()
    assert {each["request"] for each in found["events"]} == {asked}
    assert {each["status"] for each in found["jobs"]} == {"waiting"}
    made = {each["kind"] for each in found["jobs"]}
    assert {"notify", "remind", "complete"} <= made
    assert {each["event"] for each in found["jobs"]} == {by_type["Appointment.Booked"]["position"]}
    assert {each["subject"] for each in found["jobs"]} == {appointment}
    await mailed_links(town.api)
    found = await chain(town, asked)
    mailed = [each for each in found["jobs"] if each["mail"] is not None]
    assert [(each["kind"], each["status"], each["outcome"], each["attempts"]) for each in mailed] == [
        ("notify", "done", "done", 1)
    ]
    mails = [mail for mail in await town.api.people.mails() if mail["Message-ID"].startswith(f"<{mailed[0]['id']}@")]
    assert [mail["to"] for mail in mails] == ["grace@example.org"]
    assert {each["status"] for each in found["jobs"] if each["kind"] == "remind"} == {"waiting"}


async def test_what_a_job_recorded_is_in_the_chain_with_its_cause(town: Town) -> None:
    """An erasure that cancels: the job records under the request that asked for it."""
    grace = await an_account(town.api, "grace@example.org")
    admin = await an_account(town.api, "root@example.org", Role.ADMIN)
    asked = str(new_id())
    await booked(town, grace)
    path = f"/v1/services/{town.service_id}?appointments=cancel&reason=Closed"
    answer = await town.api.delete(path, admin, if_match="*", x_request_id=asked)
    assert answer.is_success, answer.text
    await town.api.people.work()
    found = await chain(town, asked)
    (job,) = [each for each in found["jobs"] if each["kind"] == "cancel_ahead"]
    assert (job["event"], job["status"]) == (None, "done")
    (cancelled,) = [each for each in found["events"] if each["type"] == "Appointment.Cancelled"]
    assert cancelled["cause"] == f"job:{job['id']}"
    (withdrawn,) = [each for each in found["events"] if each["type"] == "Service.Withdrawn"]
    assert withdrawn["cause"] is None
    notices = [each for each in found["jobs"] if each["event"] == cancelled["position"]]
    assert {each["kind"] for each in notices} == {"notify"}


async def test_deliveries_to_webhooks_are_in_the_chain(town: Town) -> None:
    organization = await town.an_organization(town.provider_id)
    said = {"url": URL, "types": ["appointment.booked"], "organization_id": organization}
    made = await town.api.post(HOOKS, said, town.owner)
    assert made.status_code == 201, made.text
    webhook = made.json()["id"]
    asked, _ = await booked(town)
    (waiting,) = (await chain(town, asked))["deliveries"]
    assert (waiting["webhook_id"], waiting["status"], waiting["attempts"]) == (webhook, "waiting", 0)
    await deliver(town, webhook, 500)
    (failed,) = (await chain(town, asked))["deliveries"]
    assert (failed["event"], failed["status"], failed["attempts"]) == (waiting["event"], "failed", 1)
    await deliver(town, webhook)
    for by in (AUDITOR, town.owner):
        (delivered,) = (await chain(town, asked, by))["deliveries"]
        assert (delivered["status"], delivered["attempts"]) == ("delivered", 2)
        assert delivered["ended_at"] is not None
    people = town.api.people
    await people.rows.all("UPDATE work.outcome SET at = clock_timestamp() - %s", [KEPT_FOR + timedelta(hours=1)])
    await people.jobs.forget()
    found = await chain(town, asked)
    assert found["deliveries"] == []


async def test_an_owner_gets_their_part_and_the_count_of_the_rest(town: Town) -> None:
    await town.an_organization(town.provider_id)
    private = {"url": URL, "types": ["appointment.booked"], "provider_id": town.provider_id}
    assert (await town.api.post(HOOKS, private, town.owner)).status_code == 201
    asked = str(new_id())
    said = town.booking()
    answer = await town.api.post("/v1/holds", said, town.customer, idempotency_key=asked, x_request_id=asked)
    assert answer.status_code == 201, answer.text
    everything, own = await chain(town, asked), await chain(town, asked, town.owner)
    kinds = {each["type"].split(".")[0] for each in everything["events"]}
    assert {"Hold", "Day", "Quota"} <= kinds
    assert {each["type"].split(".")[0] for each in own["events"]} == {"Hold", "Day"}
    assert len(own["events"]) + own["withheld"]["events"] == len(everything["events"])
    assert own["withheld"]["events"] == sum(each["type"].startswith("Quota.") for each in everything["events"])
    assert own["jobs"] == everything["jobs"]
    asked, _ = await booked(town, clock="11:00")
    assert len((await chain(town, asked))["deliveries"]) == 1
    assert (await chain(town, asked, town.owner))["withheld"] == NOTHING | {
        "events": 0,
        "deliveries": 1,
    }, "a webhook of the provider alone is not the organization's"


async def test_an_old_outcome_is_told_as_no_longer_kept(town: Town) -> None:
    grace = await an_account(town.api, "grace@example.org")
    asked, _ = await booked(town, grace)
    await mailed_links(town.api)
    before = await chain(town, asked)
    ended = [each for each in before["jobs"] if each["status"] == "done"]
    rows = town.api.people.rows
    await rows.all("UPDATE work.job SET done_at = done_at - interval '100 days'")
    await town.api.people.jobs.forget()
    assert (await chain(town, asked)) == before, "the outcome is kept longer than the job"
    await rows.all("UPDATE work.outcome SET at = at - %s", [KEPT_FOR])
    await town.api.people.jobs.forget()
    after = await chain(town, asked)
    assert after["not_kept"] == NOTHING | {"jobs": len(ended)}
    assert after["jobs"] == [each for each in before["jobs"] if each not in ended]


async def test_an_unknown_request_and_one_of_others_are_not_found(town: Town) -> None:
    asked, _ = await booked(town)
    for request, by in ((new_id(), AUDITOR), (asked, town.owner), (asked, somebody(Role.PROVIDER))):
        assert problem(await town.api.get(f"/v1/audit/requests/{request}", by)) == (404, "not-found")
    assert problem(await town.api.get(f"/v1/audit/requests/{asked}", town.customer)) == (403, "forbidden")
    assert problem(await town.api.get("/v1/audit/requests/%00", AUDITOR)) == (404, "not-found")
