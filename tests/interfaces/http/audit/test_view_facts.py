"""What rows of the views log say: for which organizations somebody looked, and whether as the customer."""

import asyncio
from uuid import UUID

import psycopg

from application.access import Role
from application.seen import SEE_AS
from application.view_log import PersonView
from domain.kernel import new_id
from infrastructure.ledger.verification import verify
from infrastructure.ledger.view_log import ViewLog
from tests.conftest import Database
from tests.interfaces.http.audit.test_views import guest, rows, views  # noqa: F401  guest: a fixture
from tests.interfaces.http.sign_in import an_account
from tests.interfaces.http.town import Town, problem
from tests.support.builders import somebody


class TestOrganizations:
    """For whom somebody looked: the organizations that they belong to, and that the person is a customer of."""

    async def test_the_export_says_which_organization_looked(self, town: Town, database: Database) -> None:
        staff, elsewhere = somebody(Role.PROVIDER), somebody(Role.PROVIDER)
        grace = await an_account(town.api, "grace@example.org")
        there = await town.an_organization(town.provider_id, staff=staff)
        booked = await town.booked("09:00", grace)
        path = f"/v1/appointments/{booked['id']}"
        assert problem(await town.api.get(path, elsewhere)) == (404, "not-found")
        for viewer in (staff, town.owner, somebody(Role.ADMIN)):
            assert (await town.api.get(path, viewer)).status_code == 200
        exported = await town.api.get("/v1/me/export", grace)
        assert exported.status_code == 200, exported.text
        shown = [(each["role"], [one["id"] for one in each["organizations"]]) for each in exported.json()["views"]]
        assert shown == [("admin", []), ("provider", [there]), ("provider", [there])]
        name = (await town.api.get(f"/v1/organizations/{there}", grace)).json()["name"]
        assert exported.json()["views"][1]["organizations"] == [{"id": there, "name": name}]
        for viewer in (staff, town.owner):
            assert str(viewer.id) not in str(exported.json()["views"])
        listed = await views(town, viewer=str(staff.id))
        assert [each["organizations"] for each in listed] == [[there]]

    async def test_who_belongs_to_two_looks_for_the_one_that_has_the_person(self, town: Town, guest: str) -> None:  # noqa: F811
        """Also once they have left it: what was recorded stays."""
        staff = somebody(Role.PROVIDER)
        there = await town.an_organization(town.provider_id, staff=staff)
        await town.an_organization(staff=staff)
        await town.booked("09:00", town.owner, customer_id=guest)
        assert (await town.api.get(f"/v1/customers/{guest}", staff)).status_code == 200
        path = f"/v1/organizations/{there}/members/{staff.id}"
        assert (await town.api.delete(path, town.owner, if_match="*")).status_code in {200, 204}
        await town.api.catch_up()
        assert [each["organizations"] for each in await views(town, viewer=str(staff.id))] == [[there]]

    async def test_who_acts_for_themselves_looks_for_none(self, town: Town, guest: str) -> None:  # noqa: F811
        assert (await town.api.get(f"/v1/customers/{guest}", town.owner)).status_code == 200
        assert [each["organizations"] for each in await views(town)] == [[]]

    async def test_rows_of_earlier_releases_name_none(self, town: Town, guest: str, database: Database) -> None:  # noqa: F811
        seen = PersonView(town.owner.account, UUID(guest), "get_customer", {"role": "provider", "via": "token"})
        await ViewLog(town.api.people.rows, town.api.ports.store.now).record(seen)
        assert [each["organizations"] for each in await views(town)] == [[]]


class TestKinds:
    async def test_a_look_as_the_customer_has_a_row_beside_that_of_the_card(
        self, town: Town, database: Database
    ) -> None:
        """In either order, once each in an hour; by a process that remembers, and by one that does not."""
        log, viewer = town.api.ports.views, town.admin.account
        for person, kinds in ((new_id(), ("get_user", SEE_AS)), (new_id(), (SEE_AS, "get_user"))):
            for forgets in (False, True, False):
                if forgets:
                    log._known.clear()  # type: ignore[attr-defined]
                for kind in kinds:
                    await log.record(PersonView(viewer, person, kind, {"role": "admin"}))
            assert [row[2] for row in rows(database) if row[1] == str(person)] == list(kinds)
        async with await psycopg.AsyncConnection.connect(database.application, autocommit=True) as connection:
            assert (await verify(connection)).views == 4

    async def test_both_may_come_with_one_call(self, town: Town, database: Database) -> None:
        log, person = town.api.ports.views, new_id()
        looks = [PersonView(town.admin.account, person, kind, {}) for kind in ("get_user", SEE_AS, "get_me", SEE_AS)]
        await asyncio.gather(*map(log.record, looks))
        assert sorted(row[2] == SEE_AS for row in rows(database)) == [False, True]
