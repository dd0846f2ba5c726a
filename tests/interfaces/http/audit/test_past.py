"""The state of any aggregate at a position or an instant, and the difference of two."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from application.access import Caller, Role
from domain.booking.calendar_day import Day
from domain.booking.quota import Quota
from domain.catalog.invitation import Invitations
from domain.catalog.tag import Tag
from domain.kernel import Aggregate, new_id
from domain.people.account import Account
from domain.people.admins import Admins
from domain.scheduling.schedule import Schedule
from tests.conftest import Database
from tests.interfaces.http.sign_in import an_account
from tests.interfaces.http.town import Town, pointers, problem
from tests.support.builders import somebody

AUDITOR = somebody(Role.AUDITOR)
FORGOTTEN = "forgotten"
OF_AN_APPOINTMENT = ("note", "answers", "external_id", "metadata")
OF_OTHERS = {"service", "provider", "customer", "staff_note"}
"""What only a read model adds to an appointment: names, which are of other streams, and what staff alone may see."""
OF_A_CUSTOMER = ("name", "email", "phone", "timezone", "note", "external_id", "metadata")


def past(stream: Any, **query: str) -> str:
    return f"/v1/audit/streams/{stream}" + ("?at=" + query["at"] if query else "")


async def state(town: Town, stream: Any, at: str, by: Caller = AUDITOR) -> dict[str, Any]:
    answer = await town.api.ask("GET", past(stream, at=at), by)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


@dataclass
class Recorder:
    """Lives in the town at random, and keeps each answer with its position and the stream that it is about."""

    town: Town
    chance: Random
    admin: Caller
    seen: list[tuple[str, UUID, dict[str, Any]]] = field(default_factory=list)
    appointments: list[str] = field(default_factory=list)
    guests: list[str] = field(default_factory=list)
    erased: set[str] = field(default_factory=set)
    minutes: int = 0

    def keep(self, answer: httpx.Response, stream: UUID | None = None) -> dict[str, Any]:
        assert answer.status_code < 300, answer.text
        told: dict[str, Any] = answer.json()
        self.seen.append((answer.headers["daybook-position"], stream or UUID(told["id"]), told))
        return told

    async def step(self) -> None:
        actions = [self.enter, self.book, self.book, self.move, self.annotate, self.cancel, self.describe, self.reprice]
        await self.chance.choice([*actions, self.close, self.look, self.look, self.erase])()

    async def enter(self) -> None:
        said = {"name": f"Guest {self.chance.random()}", "note": self.chance.choice(["", "tall"])}
        self.guests.append(self.keep(await self.town.api.post("/v1/customers", said, self.town.owner))["id"])

    async def book(self) -> None:
        if self.guests:
            said = self.town.booking(*self.next_start())
            said |= {"customer_id": self.chance.choice(self.guests), "note": self.chance.choice(["", "a towel"])}
            key = str(new_id())
            booked = await self.town.api.post("/v1/appointments", said, self.town.owner, idempotency_key=key)
            self.appointments.append(self.keep(booked)["id"])

    def next_start(self) -> tuple[str, int]:
        """A time that nobody has asked for yet: time of day, and days after the Monday."""
        self.minutes += 30
        return f"{9 + self.minutes // 60 % 8:02}:{self.minutes % 60:02}", 1 + self.minutes // 480

    async def move(self) -> None:
        for id in self.some(self.appointments):
            body = {"start": self.town.at(*self.next_start())}
            answer = await self.town.api.post(f"/v1/appointments/{id}/reschedule", body, self.town.owner, if_match="*")
            if answer.status_code != 409:  # it has ended
                self.keep(answer)

    async def annotate(self) -> None:
        for id in self.some(self.appointments):
            body = {"note": f"{self.chance.random()}"}
            answer = await self.town.api.patch(f"/v1/appointments/{id}", body, self.town.owner, if_match="*")
            if answer.status_code != 409:  # it has ended
                self.keep(answer)

    async def cancel(self) -> None:
        for id in self.some(self.appointments):
            path, body = f"/v1/appointments/{id}/cancel", {"reason": "ill"}
            self.keep(await self.town.api.post(path, body, self.town.owner, if_match="*"))

    async def describe(self) -> None:
        body = {"bio": f"{self.chance.random()}", "phone": self.chance.choice([None, "+1 555 0199"])}
        path = f"/v1/providers/{self.town.provider_id}"
        self.keep(await self.town.api.patch(path, body, self.town.owner, if_match="*"))

    async def reprice(self) -> None:
        path, body = f"/v1/services/{self.town.service_id}", {"price": self.chance.randrange(100)}
        self.keep(await self.town.api.patch(path, body, self.town.owner, if_match="*"))

    async def close(self) -> None:
        day = self.chance.randrange(40, 90)
        said = {"start": self.town.at("12:00", day), "end": self.town.at("13:00", day), "reason": "sea"}
        off = await self.town.api.post(f"/v1/providers/{self.town.provider_id}/time-off", said, self.town.owner)
        assert off.status_code == 201, off.text

    async def look(self) -> None:
        provider = f"/v1/providers/{self.town.provider_id}"
        seen = [f"/v1/appointments/{id}" for id in self.some(self.appointments)]
        seen += [f"/v1/customers/{id}" for id in self.some(self.guests)]
        for path in [provider, *seen]:
            self.keep(await self.town.api.get(path, self.town.owner))
        schedule = await self.town.api.get(f"{provider}/schedule", self.town.owner)
        self.keep(schedule, Schedule.id_of(UUID(self.town.provider_id)))

    def some(self, ids: list[str]) -> list[str]:
        return [self.chance.choice(ids)] if ids else []

    async def erase(self) -> None:
        if len(self.guests) < 2:
            return
        guest = self.guests.pop(0)
        await self.town.api.catch_up()
        path, body = f"/v1/customers/{guest}/forget", {"cancel_appointments": True}
        answer = await self.town.api.post(path, body, self.admin)
        assert answer.status_code == 204, answer.text
        self.erased.add(guest)
        gone = [told["id"] for _, _, told in self.seen if told.get("customer_id") == guest]
        self.appointments = [each for each in self.appointments if each not in gone]

    def now_said(self, told: Mapping[str, Any]) -> Mapping[str, Any]:
        """What was answered then, without what is of the erased."""
        if told["id"] in self.erased:
            return {**told, **dict.fromkeys(OF_A_CUSTOMER, FORGOTTEN)}
        if told.get("customer_id") not in self.erased:
            return told
        hidden = dict.fromkeys(OF_AN_APPOINTMENT, FORGOTTEN) if told["note"] else {}
        ending = {"cancelled": {**told["cancelled"], "reason": FORGOTTEN}} if "cancelled" in told else {}
        return {**told, **hidden, **ending}


@pytest.mark.parametrize("seed", range(4))
async def test_the_state_at_a_position_is_what_was_answered_with_it(town: Town, followed: None, seed: int) -> None:
    recorder = Recorder(town, Random(seed), await an_account(town.api, "root@example.org", Role.ADMIN))
    for _ in range(60):
        await recorder.step()
    while not recorder.erased:
        await recorder.enter()
        await recorder.erase()
    for position, stream, told in recorder.seen:
        found = await state(town, stream, position)
        expected = recorder.now_said({name: said for name, said in told.items() if name not in OF_OTHERS})
        assert {name: found["state"][name] for name in expected} == expected
        assert (found["position"], found["version"]) == (position, told["version"])


class TestEveryKind:
    async def test_of_every_aggregate_there_is_a_state(self, town: Town) -> None:
        """Of those without a route of their own, it is their fields."""
        api = town.api
        customer = await an_account(api, "grace@example.org")
        await an_account(api, "root@example.org", Role.ADMIN)
        organization = await town.an_organization(town.provider_id)
        booked = await town.booked("09:00", customer, note="a towel")
        held = await api.post("/v1/holds", town.booking("10:00"), customer, idempotency_key="h")
        dates = {"dates": {"from": town.day(2), "to": town.day(3)}}
        waiting = await api.post("/v1/waitlist", {"service_id": town.service_id, **dates}, customer)
        await api.post("/v1/tags", {"slug": "hair"}, town.owner)
        hook = {"url": "https://example.org/hook", "types": ["appointment.booked"], "organization_id": organization}
        webhook = await api.post("/v1/webhooks", hook, town.owner)
        invited = {"email": "ada@example.org", "rank": "staff"}
        path = f"/v1/organizations/{organization}/invitations"
        assert (await api.post(path, invited, town.owner)).status_code == 201
        day = town.monday.date()
        streams: dict[str, Any] = {
            "Admins": Admins.ID,
            "Account": Account.id_of(customer.account),
            "Address": await api.ports.store.address_id("grace@example.org"),
            "Appointment": booked["id"],
            "Customer": customer.id,
            "Day": Day.id_of(UUID(town.provider_id), day),
            "Hold": held.json()["id"],
            "Invitations": Invitations.id_of(UUID(organization)),
            "Organization": organization,
            "Provider": town.provider_id,
            "Quota": Quota.id_of(customer.account),
            "Schedule": Schedule.id_of(UUID(town.provider_id)),
            "Service": town.service_id,
            "Tag": Tag.id_of("hair"),
            "Waiting": waiting.json()["id"],
            "Webhook": webhook.json()["id"],
        }
        head = (await api.ask("GET", "/v1/audit/position", AUDITOR)).json()["position"]
        found = {kind: await state(town, stream, head) for kind, stream in streams.items()}
        assert {kind: each["kind"] for kind, each in found.items()} == {kind: kind for kind in streams}
        assert {each.__name__ for each in Aggregate.__subclasses__()} == streams.keys()
        (seat, _) = found["Day"]["state"]["seats"].values()
        assert (seat["service_id"], seat["starts_at"]) == (town.service_id, town.at("09:00"))
        assert found["Organization"]["state"]["members"] == {str(town.owner.id): "owner"}
        assert found["Account"]["state"]["email"] == "grace@example.org"
        assert found["Address"]["state"]["holder"] == str(customer.id)
        for kind, answered in (("Hold", held), ("Waiting", waiting)):
            assert found[kind]["state"] == answered.json()
        assert found["Webhook"]["state"].items() <= webhook.json().items()


class TestPosition:
    async def test_it_is_that_of_the_last_seal_by_an_instant(self, town: Town, database: Database) -> None:
        with psycopg.connect(database.owner) as connection:
            seals = connection.execute("SELECT upto, at FROM log.seal ORDER BY upto").fetchall()
        (first, at), (_, next_at) = seals[1:3]
        for instant in (at.isoformat(), f"0.{first}"):
            answer = await town.api.ask("GET", f"/v1/audit/position?at={instant.replace('+', '%2B')}", AUDITOR)
            told = answer.json()
            assert told["position"] == answer.headers["daybook-position"] == f"0.{first}"
            assert (datetime.fromisoformat(told["at"]), datetime.fromisoformat(told["until"])) == (at, next_at)
            again = await town.api.ask("GET", f"/v1/audit/position?at={told['at']}", AUDITOR)
            assert again.json() == told, "what it says can be asked"

    @pytest.mark.parametrize("at", ["yesterday", "2030-01-01", "2030-01-01T09:00:00", "0.x"])
    async def test_other_text_is_refused(self, town: Town, at: str) -> None:
        assert pointers(await town.api.ask("GET", f"/v1/audit/position?at={at}", AUDITOR)) == ["/at"]

    async def test_a_position_beyond_the_end_is_refused(self, town: Town) -> None:
        beyond = await town.api.ask("GET", "/v1/audit/position?at=0.4711", AUDITOR)
        assert problem(beyond) == (400, "beyond-head")
        waited = await town.api.ask("GET", "/v1/audit/position", AUDITOR, daybook_position="0.4711")
        assert problem(waited) == (400, "beyond-head")


class TestDifference:
    async def test_it_names_the_fields_that_differ(self, town: Town) -> None:
        booked = await town.api.post("/v1/appointments", town.booking(), town.customer, idempotency_key="k")
        id, first = booked.json()["id"], booked.headers["daybook-position"]
        path, reason = f"/v1/appointments/{id}/cancel", {"reason": "ill"}
        cancelled = await town.api.post(path, reason, town.owner, if_match="*")
        last = cancelled.headers["daybook-position"]
        answer = await town.api.ask("GET", f"{past(id)}/diff?from={first}&to={last}", AUDITOR)
        told = answer.json()
        assert (told["from"]["position"], told["from"]["version"]) == (first, 1)
        assert (told["to"]["position"], told["to"]["version"]) == (last, 2)
        changes = [
            each for each in told["changes"] if each["pointer"] != "/updated_at"
        ]  # in seconds, of which one may pass
        assert changes == [
            {"pointer": "/version", "before": 1, "after": 2},
            {"pointer": "/status", "before": "booked", "after": "cancelled"},
            {"pointer": "/cancelled", "before": None, "after": cancelled.json()["cancelled"]},
        ]
        was = {"position": "0.0", "at": None, "version": 0}
        born = (await town.api.ask("GET", f"{past(id)}/diff?from=0.0&to={first}", AUDITOR)).json()
        assert (born["from"].items() >= was.items(), born["kind"]) == (True, "Appointment")
        assert {each["pointer"]: each["after"] for each in born["changes"]}["/status"] == "booked"
        assert all(each["before"] is None for each in born["changes"])

    async def test_what_never_was_is_not_found(self, town: Town) -> None:
        for path in (past(new_id()), f"{past(new_id())}/diff?from=0.1"):
            assert problem(await town.api.ask("GET", path, AUDITOR)) == (404, "not-found")


class TestBelonging:
    async def test_a_thing_belongs_to_whom_it_belonged_then(self, town: Town) -> None:
        """The provider moves from Ada's organization to Bob's: each of the two sees its own time."""
        api, bob = town.api, somebody(Role.PROVIDER)
        await town.an_organization(town.provider_id, manager=bob)
        before = await api.patch(f"/v1/providers/{town.provider_id}", {"bio": "at Ada's"}, town.owner, if_match="*")
        theirs = (await api.post("/v1/organizations", {"name": "Bob's"}, bob)).json()["id"]
        admin = await an_account(api, "root@example.org", Role.ADMIN)
        path, move = f"/v1/providers/{town.provider_id}", {"organization_id": theirs}
        after = await api.patch(path, move, admin, if_match="*")
        assert after.status_code == 200, after.text
        then, now = (each.headers["daybook-position"] for each in (before, after))
        streams = [town.provider_id, Schedule.id_of(UUID(town.provider_id)), town.service_id]
        for stream in streams:
            assert (await state(town, stream, then, town.owner))["stream"] == str(stream)
            assert problem(await api.ask("GET", past(stream, at=then), bob)) == (404, "not-found")
            assert (await state(town, stream, now, bob))["stream"] == str(stream)
            assert problem(await api.ask("GET", past(stream, at=now), town.owner)) == (404, "not-found")
            both = f"{past(stream)}/diff?from={then}&to={now}"
            assert {problem(await api.ask("GET", both, by))[0] for by in (town.owner, bob)} == {404}
            assert (await api.ask("GET", both, AUDITOR)).status_code == 200

    async def test_owners_are_those_of_now(self, town: Town) -> None:
        api, bob = town.api, somebody(Role.PROVIDER)
        organization = await town.an_organization(town.provider_id, manager=bob)
        head = (await api.ask("GET", "/v1/audit/position", AUDITOR)).json()["position"]
        assert problem(await api.ask("GET", past(town.provider_id, at=head), bob)) == (404, "not-found")
        path, body = f"/v1/organizations/{organization}/members/{bob.id}", {"rank": "owner"}
        assert (await api.put(path, body, town.owner, if_match="*")).status_code == 200
        assert (await state(town, town.provider_id, head, bob))["position"] == head
