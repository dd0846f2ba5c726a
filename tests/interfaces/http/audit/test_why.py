"""Why a start was not offered at a moment of the past."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import httpx
import pytest
from tzdata import IANA_VERSION  # type: ignore[import-untyped]  # it has no types

from application.access import Caller, Role
from domain.kernel import new_id
from tests.conftest import Database
from tests.infrastructure.ledger.test_verification import tamper
from tests.interfaces.http.audit.test_past import AUDITOR
from tests.interfaces.http.sign_in import an_account
from tests.interfaces.http.town import Town, pointers, problem
from tests.support.builders import somebody

CLOCKS = [f"{hour:02}:{minute:02}" for hour in (8, 9, 10, 11, 16, 17) for minute in (0, 10, 30)]


async def head(town: Town) -> str:
    answer = await town.api.ask("GET", "/v1/audit/position", AUDITOR)
    assert answer.status_code == 200, answer.text
    position: str = answer.json()["position"]
    return position


async def why(town: Town, start: str, at: str, by: Caller = AUDITOR, **asked: Any) -> httpx.Response:
    said = {"service_id": town.service_id, "provider_id": town.provider_id} | asked
    query = "&".join(f"{name}={value}" for name, value in said.items() if value is not None)
    return await town.api.ask("GET", f"/v1/availability/why?{query}&start={start}&at={at}", by)


async def told(town: Town, start: str, at: str, by: Caller = AUDITOR, **asked: Any) -> dict[str, Any]:
    answer = await why(town, start, at, by, **asked)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    assert (said["rule"], said["offered"]) == (next(iter(said["rules"]), None), not said["rules"])
    assert answer.headers["daybook-position"] == said["position"]
    return said


@dataclass
class History:
    """Changes the town at random, and tries bookings. `tried`: position before, start, provider, the answer."""

    town: Town
    chance: Random
    organization: str
    second: str
    tried: list[tuple[str, str, str | None, httpx.Response]] = field(default_factory=list)
    booked: list[tuple[str, Caller]] = field(default_factory=list)

    async def step(self) -> None:
        changes = [self.hold, self.cancel, self.retime, self.close, self.override, self.celebrate, self.stop, self.move]
        await self.chance.choice([self.attempt] * 8 + changes)()

    def day(self) -> int:
        return self.chance.randrange(3)

    def wanted(self) -> tuple[str, str | None]:
        """Often a start that somebody has booked."""
        booked = [(start, provider) for _, start, provider, answer in self.tried if answer.status_code == 201]
        if booked and self.chance.random() < 0.4:
            return self.chance.choice(booked)
        start = self.town.at(self.chance.choice(CLOCKS), self.day() - 14 * (self.chance.random() < 0.05))
        return start, self.chance.choice([None, self.town.provider_id, self.second])

    async def attempt(self) -> None:
        (start, provider), customer, position = self.wanted(), somebody(), await head(self.town)
        said = {"service_id": self.town.service_id, "start": start} | ({"provider_id": provider} if provider else {})
        answer = await self.town.api.post("/v1/appointments", said, customer, idempotency_key=str(new_id()))
        self.tried.append((position, start, provider, answer))
        if answer.status_code == 201:
            self.booked.append((answer.json()["id"], customer))

    async def hold(self) -> None:
        said = self.town.booking(self.chance.choice(CLOCKS), self.day())
        await self.town.api.post("/v1/holds", said, somebody(), idempotency_key=str(new_id()))

    async def cancel(self) -> None:
        if self.booked:
            id, customer = self.booked.pop(self.chance.randrange(len(self.booked)))
            await self.town.api.post(f"/v1/appointments/{id}/cancel", {}, customer, if_match="*")

    async def move(self) -> None:
        if self.booked:
            id, customer = self.chance.choice(self.booked)
            said = {"start": self.town.at(self.chance.choice(CLOCKS), self.day())}
            await self.town.api.post(f"/v1/appointments/{id}/reschedule", said, customer, if_match="*")

    async def retime(self) -> None:
        terms = {
            "buffer_after": self.chance.choice([0, 10]),
            "capacity": self.chance.choice([1, 1, 2]),
            "approval": self.chance.choice([False, True]),
        }
        always = {"min_notice": 0, "window": None}
        seldom = [{**always, "min_notice": 14 * 1440}, {**always, "window": {"kind": "rolling", "days": 2}}]
        times = self.chance.choice([always] * 5 + seldom)
        await self.change(f"/v1/services/{self.town.service_id}", {**terms, **times})

    async def change(self, path: str, said: dict[str, Any]) -> None:
        answer = await self.town.api.patch(path, said, self.town.owner, if_match="*")
        assert answer.status_code == 200, answer.text

    async def close(self) -> None:
        day = self.day()
        said = {"start": self.town.at("09:30", day), "end": self.town.at("10:30", day)}
        await self.town.api.post(f"/v1/providers/{self.town.provider_id}/time-off", said, self.town.owner)

    async def override(self) -> None:
        path = f"/v1/providers/{self.town.provider_id}/schedule/overrides/{self.town.day(self.day())}"
        hours = self.chance.choice([[], [{"from": "10:00", "to": "12:00"}]])
        await self.town.api.put(path, {"hours": hours}, self.town.owner, if_match="*")

    async def celebrate(self) -> None:
        path = f"/v1/organizations/{self.organization}/holidays/{self.town.day(self.day())}"
        await self.town.api.put(path, {"name": "Fair"}, self.town.owner, if_match="*")

    async def stop(self) -> None:
        """Pause the service or a provider for a while."""
        services, providers = f"/v1/services/{self.town.service_id}", f"/v1/providers/{self.town.provider_id}"
        path = self.chance.choice([services, providers])
        for verb, attempts in (("pause", 2), ("resume", 0)):
            await self.town.api.post(f"{path}/{verb}", {}, self.town.owner, if_match="*")
            for _ in range(attempts):
                await self.attempt()


async def a_history(town: Town, seed: int) -> History:
    """Two providers of an organization, whose service has both."""
    made = await town.api.post("/v1/providers", {"name": "Bob", "timezone": "Europe/Paris"}, town.owner)
    second = made.json()["id"]
    hours = {"timezone": "Europe/Paris", "weekly": [{"day": "mon", "from": "10:00", "to": "13:00"}]}
    await town.api.put(f"/v1/providers/{second}/schedule", hours, town.owner, if_match=1)
    organization = await town.an_organization(town.provider_id, second)
    said = {"name": "Cut", "organization_id": organization, "duration": 30, "currency": "EUR"}
    both = {**said, "provider_ids": [town.provider_id, second]}
    offered = await town.api.post("/v1/services", both, town.owner)
    assert offered.status_code == 201, offered.text
    there = Town(**{**vars(town), "service_id": offered.json()["id"]})
    return History(there, Random(seed), organization, second)


@pytest.mark.parametrize("seed", range(3))
async def test_it_says_offered_exactly_when_a_booking_would_have_been_accepted(
    town: Town, followed: None, seed: int
) -> None:
    history = await a_history(town, seed)
    for _ in range(140):
        await history.step()
    seen = set()
    for position, start, provider, answer in history.tried:
        found = await told(history.town, start, position, provider_id=provider)
        assert found["offered"] is (answer.status_code == 201), (answer.text, found)
        refused = answer.json().get("rule")
        if provider is not None and refused is not None:
            assert found["rule"] == refused
        seen |= {*found["rules"]} or {"offered"}
    assert {"offered", "taken", "closed", "grid"} <= seen, "the history has something of each"


class TestAnswer:
    async def test_it_is_that_of_the_moment(self, town: Town) -> None:
        start, before = town.at("09:00"), await head(town)
        booked = await town.api.post("/v1/appointments", town.booking(), town.customer, idempotency_key="k")
        id, taken = booked.json()["id"], booked.headers["daybook-position"]
        path = f"/v1/appointments/{id}/cancel"
        cancelled = await town.api.post(path, {"reason": "ill"}, town.owner, if_match="*")
        after = cancelled.headers["daybook-position"]
        found = [await told(town, start, position) for position in (before, taken, after)]
        assert [(each["rules"], each["taken_by"], each["withheld"]) for each in found] == [
            ([], [], 0),
            (["taken"], [id], 0),
            ([], [], 0),
        ]
        assert [each["position"] for each in found] == [before, taken, after]
        assert found[1]["until"] == found[2]["at"]
        assert found[2]["until"] is None
        assert {each["tzdata"] for each in found} == {IANA_VERSION}
        again = await told(town, start, found[1]["at"])
        assert again == found[1], "an instant means the last position by then"

    async def test_the_rules_are_judged_at_that_time(self, town: Town) -> None:
        """The last position is the same, but by then the start had passed."""
        now = town.api.ports.store.now()
        early = (now - timedelta(minutes=1)).replace(second=0, microsecond=0)
        at = (await told(town, town.at("09:00"), await head(town)))["at"]
        found = await told(town, early.strftime("%Y-%m-%dT%H:%M:%SZ"), at)
        assert found["rules"][0] == "past"
        assert datetime.fromisoformat(found["as_of"]) >= early

    async def test_all_rules_against_it_are_named(self, town: Town) -> None:
        await town.booked("09:00")
        notice = await town.api.patch(
            f"/v1/services/{town.service_id}", {"min_notice": 60 * 24 * 30}, town.owner, if_match="*"
        )
        position = notice.headers["daybook-position"]
        assert (await told(town, town.at("09:10"), position))["rules"] == ["notice", "grid", "taken"]
        present = await town.api.get(
            f"/v1/availability/why?service_id={town.service_id}&provider_id={town.provider_id}&start={town.at('09:10')}"
        )
        assert (present.json()["rules"], present.json()["taken_by"]) == (["notice", "grid", "taken"], None)

    async def test_a_holiday_is_named(self, town: Town) -> None:
        organization = await town.an_organization(town.provider_id)
        path = f"/v1/organizations/{organization}/holidays/{town.day()}"
        made = await town.api.put(path, {"name": "Fair"}, town.owner, if_match="*")
        assert made.status_code in {200, 201}, made.text
        found = await told(town, town.at("09:00"), await head(town))
        assert (found["rule"], found["holiday"]) == ("closed", {"date": town.day(), "name": "Fair"})
        assert "Fair" in found["detail"]

    async def test_of_a_move_that_waits_the_appointment_is_named(self, town: Town) -> None:
        booked = await town.booked("09:00")
        terms = {"approval": True}
        await town.api.patch(f"/v1/services/{town.service_id}", terms, town.owner, if_match="*")
        path, said = f"/v1/appointments/{booked['id']}/reschedule", {"start": town.at("11:00")}
        moved = await town.api.post(path, said, town.customer, if_match="*")
        assert moved.json()["status"] == "requested", moved.text
        for clock in ("09:00", "11:00"):
            found = await told(town, town.at(clock), moved.headers["daybook-position"])
            assert (found["rules"], found["taken_by"]) == (["taken"], [booked["id"]])


class TestAsking:
    async def test_what_was_not_there_is_not_found(self, town: Town) -> None:
        assert problem(await why(town, town.at("09:00"), "0.1")) == (404, "not-found")
        assert problem(await why(town, town.at("09:00"), "0.0")) == (404, "not-found")
        assert problem(await why(town, town.at("09:00"), "2001-01-01T00:00:00Z")) == (404, "not-found")
        unknown = await why(town, town.at("09:00"), await head(town), provider_id=str(new_id()))
        assert problem(unknown) == (404, "not-found")

    async def test_another_provider_does_not_offer_it(self, town: Town) -> None:
        other = (await town.api.post("/v1/providers", {"name": "Bob", "timezone": "UTC"}, town.owner)).json()["id"]
        found = await told(town, town.at("09:00"), await head(town), provider_id=other)
        assert found["rules"] == ["not-offered-by"]

    async def test_the_future_and_what_is_no_moment_are_refused(self, town: Town) -> None:
        assert pointers(await why(town, town.at("09:00"), town.at("09:00"))) == ["/at"]
        assert pointers(await why(town, town.at("09:00"), "yesterday")) == ["/at"]
        assert problem(await why(town, town.at("09:00"), "0.4711")) == (400, "beyond-head")

    async def test_a_position_is_answered_even_if_its_time_is_ahead_of_the_clock(
        self, town: Town, database: Database
    ) -> None:
        """The database's clock was set back since."""
        position = await head(town)
        tamper(
            database,
            "SET session_replication_role = replica",
            f"UPDATE log.seal SET at = at + interval '1 hour' WHERE upto = {position.partition('.')[2]}",
        )
        found = await told(town, town.at("09:00"), position)
        assert found["offered"]
        assert await told(town, town.at("09:00"), found["at"]) == found

    async def test_customers_and_strangers_ask_about_now_alone(self, town: Town) -> None:
        at = await head(town)
        asked = f"/v1/availability/why?service_id={town.service_id}&start={town.at('09:00')}"
        assert (await town.api.get(asked, town.customer)).status_code == 200
        assert problem(await why(town, town.at("09:00"), at, town.customer))[0] == 403
        assert (await town.api.ask("GET", f"{asked}&at={at}")).status_code == 401

    async def test_owners_ask_about_what_was_theirs_then(self, town: Town) -> None:
        """The provider moves from Ada's organization to Bob's; the appointment stays Ada's."""
        api, bob = town.api, somebody(Role.PROVIDER)
        await town.an_organization(town.provider_id)
        booked = await town.booked("09:00")
        then = await head(town)
        theirs = (await api.post("/v1/organizations", {"name": "Bob's"}, bob)).json()["id"]
        admin = await an_account(api, "root@example.org", Role.ADMIN)
        path, move = f"/v1/providers/{town.provider_id}", {"organization_id": theirs}
        moved = await api.patch(path, move, admin, if_match="*")
        assert moved.status_code == 200, moved.text
        now, start = moved.headers["daybook-position"], town.at("09:00")
        seen = [
            ((await why(town, start, at, by)).status_code, by is bob, at is now)
            for by in (town.owner, bob)
            for at in (then, now)
        ]
        assert seen == [(200, False, False), (404, False, True), (404, True, False), (200, True, True)]
        at_adas, at_bobs = await told(town, start, then, town.owner), await told(town, start, now, bob)
        assert (at_adas["taken_by"], at_adas["withheld"]) == ([booked["id"]], 0)
        appointment = UUID(booked["id"])
        visible = (await api.ask("GET", f"/v1/audit/streams/{appointment}?at={now}", bob)).status_code == 200
        assert (at_bobs["taken_by"], at_bobs["withheld"]) == (([booked["id"]], 0) if visible else ([], 1))
        assert (await told(town, start, now))["taken_by"] == [booked["id"]]
