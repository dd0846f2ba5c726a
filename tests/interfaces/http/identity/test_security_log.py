"""The security log over HTTP."""

import pytest

from application.access import Role
from domain.kernel import new_id
from tests.interfaces.http.town import Api, pointers, problem
from tests.support.builders import somebody

LOG = "/v1/audit/security"
OTHERS = sorted(set(Role) - {Role.AUDITOR, Role.ADMIN, Role.ANONYMOUS})


@pytest.mark.parametrize("role", OTHERS)
async def test_it_is_for_auditors_and_admins(door: Api, role: Role):
    assert problem(await door.get(LOG, somebody(role))) == (403, "forbidden")


async def test_anonymous_callers_are_asked_who_they_are(door: Api):
    assert problem(await door.get(LOG)) == (401, "unauthenticated")


async def test_it_is_listed_by_cursor_the_newest_first(api: Api):
    security, ada, auditor = api.ports.identity.signing.security, new_id(), somebody(Role.AUDITOR)
    for n in range(3):
        await security.note("login", ada, network="192.0.2.1", n=n)
    await security.note("logout", new_id())
    first = (await api.get(f"{LOG}?limit=2", auditor)).json()
    second = (await api.get(f"{LOG}?limit=2&cursor={first['next']}", auditor)).json()
    found = first["items"] + second["items"]
    assert [each["kind"] for each in found] == ["logout", "login", "login", "login"]
    assert [each["facts"].get("n") for each in found] == [None, 2, 1, 0]
    assert second["next"] is None
    assert (found[1]["account_id"], len(found[1]["network"])) == (str(ada), 32)
    only = (await api.get(f"{LOG}?kind=login&account_id={ada}", auditor)).json()["items"]
    assert only == found[1:]
    answer = await api.get(f"{LOG}?kind=logout&cursor={first['next']}", auditor)
    assert problem(answer) == (400, "bad-cursor")


async def test_says_what_does_not_fit(api: Api):
    assert pointers(await api.get(f"{LOG}?kind=Login", somebody(Role.AUDITOR))) == ["/kind"]
