"""A data folder that release 0.1.0 made opens in this release, with all that was promised in it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from application.jobs.dispatch import KINDS
from tests.golden.release import PACKAGES, unpack_release
from tests.support.instances import Instance, Process, a_folder, ask, eventually
from tests.support.waiting import PATIENCE
from tests.system.journeys.conftest import checked
from tests.system.journeys.mailbox import mailed, subjects
from tests.system.journeys.town import Person, Town, at, good, position


@pytest.fixture(scope="module")
def release_0_1_0() -> Iterator[Path]:
    """The packages of the release."""
    with a_folder("daybook-0.1.0-") as folder:
        unpack_release(folder, *PACKAGES)
        yield folder


async def history(customer: Person, id: str, seen: int | None = None) -> list[str]:
    found = good(await customer.get(f"/v1/appointments/{id}/history", seen=seen))
    return [each["type"] for each in found["items"]]


NEWCOMER, LEAVER, CUSTOMER = "newcomer@example.org", "leaver@example.org", "customer@daybook.example"
PASSWORD, ANOTHER = "a ship in port is safe", "but ships are made to sail"
_LEFT = "SELECT kind FROM work.job WHERE done_at IS NULL AND kind = ANY(%s)"


async def ask_errands(before: Instance, town: Town) -> None:
    """A registration, a password reset and an erasure, which release 0.1.0 accepts and does not carry out."""
    ask(before.superuser_database, "REVOKE UPDATE ON auth.errand FROM daybook_app")  # it can enqueue, but not claim
    async with httpx.AsyncClient(base_url=before.api, timeout=PATIENCE) as web:
        who = {"email": NEWCOMER, "password": PASSWORD, "name": "New Comer"}
        good(await web.post("/v1/auth/register", json=who), 202)
        good(await web.post("/v1/auth/password/forgot", json={"email": CUSTOMER}), 202)
    admin = town.somebody("admin")
    made = await admin.ask("POST", "/v1/users", {"email": LEAVER, "name": "Lea Ver", "role": "customer"})
    good(await admin.ask("POST", f"/v1/users/{good(made, 201)['id']}/forget", {"at_once": True}), 202)
    kinds = ask(before.superuser_database, "SELECT kind FROM auth.errand ORDER BY kind")
    assert [kind for (kind,) in kinds] == ["forget", "invite", "notice", "register", "reset"]


async def assert_carried_out(after: Instance) -> None:
    """The newcomer signs in, the customer has another password, and the leaver is told once of being erased."""
    async with httpx.AsyncClient(base_url=after.api, timeout=PATIENCE) as web:
        good(await web.post("/v1/auth/email/verify", json={"token": await mailed(web, NEWCOMER)}))
        reset = {"ticket": await mailed(web, CUSTOMER), "password": ANOTHER}
        good(await web.post("/v1/auth/password/reset", json=reset), 204)
        for email, password in ((NEWCOMER, PASSWORD), (CUSTOMER, ANOTHER)):
            form = {"grant_type": "password", "username": email, "password": password}
            good(await web.post("/v1/auth/token", data=form))

        async def all_done() -> bool:
            return not await asyncio.to_thread(ask, after.superuser_database, _LEFT, [list(KINDS["accounts"])])

        await eventually(all_done)
        told = await subjects(web, LEAVER)
        assert told[0] == "Your data has been deleted"
        assert len(told) == len({*told}), "each mail is sent once"


@pytest.mark.fault(20)
@pytest.mark.timeout(600)
async def test_a_data_folder_of_release_0_1_0_opens(release_0_1_0: Path) -> None:
    with a_folder() as data:
        before = await asyncio.to_thread(Instance.start, data, apis=1, program=release_0_1_0)
        async with Town(before) as town:
            shop = await town.a_shop()
            organization = await town.an_organization(shop.owner, shop.provider_id)
            customer = town.somebody()
            kept = good(await customer.book(shop, at("09:00"), note="A note of mine"), 201)
            moved = await customer.change(
                good(await customer.book(shop, at("10:00")), 201), "reschedule", {"start": at("11:00").isoformat()}
            )
            await ask_errands(before, town)
            promised = town.acknowledged
            seen = position(moved)
        assert before.process.stop() == 0

        after = await asyncio.to_thread(Instance.start, data, apis=1)
        with after:
            assert "Rebuilt the read models" in after.process.said
            await assert_carried_out(after)
            async with Town(after) as now:
                shop.owner._town = customer._town = now  # the same people, at the new address
                found = good(await customer.get("/v1/appointments", seen=seen))["items"]
                assert {each["id"] for each in found} == {kept["id"], good(moved)["id"]}
                assert next(each for each in found if each["id"] == kept["id"])["note"] == "A note of mine"
                assert await history(customer, good(moved)["id"]) == [
                    "Appointment.Booked",
                    "Appointment.Rescheduled",
                ]
                assert good(await shop.owner.get(f"/v1/organizations/{organization}"))["name"] == "Ada's"
                reopened = type(shop)(now, shop.owner, shop.provider_id, shop.service_id)
                starts = (await reopened.starts())["starts"]
                assert at("09:00") not in starts
                assert at("11:00") not in starts
                assert at("10:00") in starts
                taken = await now.somebody().book(reopened, at("09:00"))
                assert taken.status_code == 409
                good(await now.somebody().book(reopened, at("10:00")), 201)
                await checked(after, promised + now.acknowledged)
            verified = Process.start(data, "audit", "verify", "--data", str(data))
            assert verified.wait() == 0, verified.said
            generations = ask(after.superuser_database, "SELECT generation FROM read.live")
            assert generations == [(2,)]


@pytest.mark.timeout(300)
async def test_a_data_folder_of_this_release_opens_without_a_rebuild() -> None:
    with a_folder() as data:
        with await asyncio.to_thread(Instance.start, data, apis=1):
            pass
        with await asyncio.to_thread(Instance.start, data, apis=1) as again:
            assert "Rebuilt" not in again.process.said
            assert ask(again.superuser_database, "SELECT generation FROM read.live") == [(1,)]
