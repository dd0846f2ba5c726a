"""The verification of the whole ledger: an admin starts it, a worker does it in steps, and who may sees how far."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from application.access import Role
from application.audit.ledger_verification import verification_handlers
from infrastructure.jobs.job_queue import JobQueue
from infrastructure.jobs.walker import JobWalker
from infrastructure.ledger.verification_steps import LedgerVerifications
from tests.conftest import Database
from tests.infrastructure.ledger.test_verification import FORGED, tamper
from tests.interfaces.http.test_dying import Arm, Died, deadly  # noqa: F401  a fixture
from tests.interfaces.http.town import Api, Town, problem
from tests.support.builders import somebody

KIND = "verify_ledger"
PATH = "/v1/audit/ledger/verification"
AUDITOR = somebody(Role.AUDITOR)
FORGE = f"UPDATE log.stored_events SET state = {FORGED} WHERE notification_id = 4"


def worker(api: Api, database: Database, most: int = 1) -> JobWalker:
    """One whose steps are small."""
    verifications = LedgerVerifications(api.people.rows, database.application, most)
    return JobWalker(api.people.jobs, verification_handlers(verifications))


async def works(api: Api, walker: JobWalker, *, steps: int = 1_000) -> int:
    """Until nothing is due, or for so many steps; how many it did."""
    done = 0
    while done < steps and (await api.people.jobs.due([KIND], 1))[KIND]:
        await walker.walk(lasting=0)
        await walker.finish()
        done += 1
    return done


async def told(api: Api) -> dict[str, Any]:
    answer = await api.get(PATH, AUDITOR)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_it_is_done_in_steps_and_each_moves_the_bar(town: Town, database: Database) -> None:
    api, admin = town.api, somebody(Role.ADMIN)
    assert problem(await api.get(PATH, AUDITOR)) == (404, "not-found")
    started = await api.post(PATH, {}, admin)
    assert started.status_code == 202, started.text
    assert (started.json()["state"], started.json()["checked"]) == ("running", 0)
    walker, shown = worker(api, database), [await told(api)]
    while shown[-1]["state"] == "running":
        assert await works(api, walker, steps=1) == 1
        shown.append(await told(api))
    checked = [each["checked"] for each in shown]
    assert len(set(checked)) > 3, "it moves"
    assert checked == sorted(checked)
    last = shown[-1]
    assert (last["state"], last["broken"], last["started_by"]) == ("intact", None, str(admin.id))
    assert last["checked"] == last["total"] > 3
    assert last["finished_at"] >= last["started_at"]
    assert (await api.get(f"/v1/jobs/{last['id']}", admin)).json()["outcome"] == "intact"


async def test_a_second_one_is_told_of_the_first(town: Town, database: Database) -> None:
    api, admin = town.api, somebody(Role.ADMIN)
    first = (await api.post(PATH, {}, admin)).json()
    await works(api, worker(api, database), steps=1)
    refused = await api.post(PATH, {}, somebody(Role.ADMIN))
    assert problem(refused) == (409, "ledger-verification-running")
    assert refused.json()["verification"] == first["id"]
    checked, total = (await told(api))["checked"], (await told(api))["total"]
    assert f"{checked} of {total} entries are checked" in refused.json()["detail"]
    await works(api, worker(api, database))
    again = await api.post(PATH, {}, admin)
    assert (again.status_code, again.json()["id"] != first["id"]) == (202, True)


async def test_of_many_at_once_one_starts(town: Town) -> None:
    answers = await asyncio.gather(*(town.api.post(PATH, {}, somebody(Role.ADMIN)) for _ in range(8)))
    assert sorted(each.status_code for each in answers) == [202, *[409] * 7]
    assert (await town.api.people.jobs.due([KIND], 10))[KIND] == 1


async def test_a_fault_is_named_with_its_position(town: Town, database: Database) -> None:
    await town.api.post(PATH, {}, somebody(Role.ADMIN))
    tamper(database, FORGE)
    await works(town.api, worker(town.api, database))
    shown = await told(town.api)
    assert (shown["state"], shown["broken"]) == ("broken", "event 4: its digest does not hold")


async def test_the_security_log_says_who_started_it(town: Town) -> None:
    admin = somebody(Role.ADMIN)
    started = (await town.api.post(PATH, {}, admin)).json()
    listed = (await town.api.get("/v1/audit/security?kind=ledger_verification", AUDITOR)).json()["items"]
    assert [(each["account_id"], each["facts"]) for each in listed] == [
        (str(admin.id), {"verification": started["id"]})
    ]


async def test_who_dies_right_after_the_start_has_started_it(town: Town, database: Database, deadly: Arm) -> None:  # noqa: F811
    await deadly()
    with pytest.raises(Died):
        await town.api.post(PATH, {}, somebody(Role.ADMIN))
    assert (await told(town.api))["state"] == "running"
    await works(town.api, worker(town.api, database))
    assert (await told(town.api))["state"] == "intact"


async def test_a_worker_that_is_killed_leaves_the_rest_to_another(
    town: Town, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It dies within a step, which nobody has recorded; the steps before count."""
    api = town.api
    await api.post(PATH, {}, somebody(Role.ADMIN))
    await works(api, worker(api, database), steps=2)
    before = (await told(api))["checked"]
    (held,) = (await api.people.jobs.claim([KIND], 1)).held
    assert (await told(api))["checked"] == before > 0
    assert await works(api, worker(api, database)) == 0, "the lease of the dead lasts"
    await api.people.rows.all("UPDATE work.job SET leased_until = clock_timestamp() WHERE key = %s", [held.key])
    assert await works(api, worker(api, database)) > 0
    assert (await told(api))["state"] == "intact"


async def test_failures_on_the_way_do_not_add_up(town: Town, database: Database) -> None:
    """Each step that succeeds gives back all attempts: it may take hours, and the database may restart meanwhile."""
    api = town.api
    await api.post(PATH, {}, somebody(Role.ADMIN))
    queue = JobQueue(api.people.rows, api.ports.store.keyring, attempts=2)  # type: ignore[attr-defined]
    for _ in range(3):
        (held,) = (await queue.claim([KIND], 1)).held
        await queue.failed(held, "OSError")
        await api.people.rows.all("UPDATE work.job SET due_at = clock_timestamp() WHERE key = %s", [held.key])
        assert (await told(api))["error"] == "OSError"
        assert await works(api, worker(api, database), steps=1) == 1
        assert (await told(api))["error"] is None


async def test_it_takes_nothing(town: Town) -> None:
    answer = await town.api.post(PATH, {"from": "0.1"}, somebody(Role.ADMIN))
    assert problem(answer)[0] == 422
