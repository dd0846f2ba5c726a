"""Projections over HTTP: their lag, and resuming one that stopped."""

import psycopg

from application.access import Role
from tests.conftest import Database
from tests.interfaces.http.town import Town, problem
from tests.support.builders import somebody
from tests.support.instances import ask

PATH = "/v1/projections"
AUDITOR, ADMIN = somebody(Role.AUDITOR), somebody(Role.ADMIN)
STOPPED = "UPDATE read.bookmark SET stopped_at = 1, position = 0, error = 'LookupError: topic' WHERE reader = %s"
SECURITY = "SELECT account_id, facts FROM auth.security_log WHERE kind = 'projection_resumed'"


def stop(database: Database, *names: str) -> None:
    with psycopg.connect(database.owner, autocommit=True) as connection:
        for name in names:
            connection.execute(STOPPED, [name])


async def told(town: Town) -> dict[str, tuple[object, object]]:
    answer = await town.api.get(PATH, AUDITOR)
    assert answer.status_code == 200, answer.text
    return {each["name"]: (each["stopped_at"], each["error"]) for each in answer.json()["items"]}


async def test_one_that_stopped_goes_on_and_the_others_stay_as_they_are(town: Town, database: Database) -> None:
    await town.api.catch_up()
    stop(database, "webhook", "hold")
    stopped = ("0.1", "LookupError: topic")
    assert ((await told(town))["webhook"], (await told(town))["hold"]) == (stopped, stopped)
    resumed = await town.api.post(f"{PATH}/webhook/resume", {}, ADMIN)
    assert resumed.status_code == 200, resumed.text
    assert (resumed.json()["name"], resumed.json()["stopped_at"]) == ("webhook", None)
    await town.api.catch_up()
    found = {each["name"]: each for each in (await town.api.get(PATH, AUDITOR)).json()["items"]}
    assert (found["webhook"]["behind"], found["webhook"]["error"]) == (0, None), "it has processed the event"
    assert found["hold"]["stopped_at"] == "0.1"
    assert found["hold"]["behind"] > 0


async def test_it_is_in_the_security_log_with_who_did_it(town: Town, database: Database) -> None:
    await town.api.catch_up()
    stop(database, "hold")
    for _ in range(2):
        assert (await town.api.post(f"{PATH}/hold/resume", {}, ADMIN)).status_code == 200, "again is no error"
    assert ask(database.owner, SECURITY) == [(ADMIN.id, {"projection": "hold"})], "what changed nothing is no entry"


async def test_one_that_cannot_be_recorded_is_not_resumed(town: Town, database: Database) -> None:
    await town.api.catch_up()
    stop(database, "hold")
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute("REVOKE EXECUTE ON FUNCTION auth.record_security FROM daybook_app")
        try:
            assert (await town.api.post(f"{PATH}/hold/resume", {}, ADMIN)).status_code == 500
        except psycopg.errors.InsufficientPrivilege:
            pass  # the transport of the tests raises what would be a 500
        finally:
            owner.execute("GRANT EXECUTE ON FUNCTION auth.record_security TO daybook_app")
    assert (await told(town))["hold"][0] == "0.1"


async def test_there_is_no_projection_of_another_name(town: Town) -> None:
    for name in ("nothing", "read.live", "%27"):
        assert problem(await town.api.post(f"{PATH}/{name}/resume", {}, ADMIN)) == (404, "not-found")
