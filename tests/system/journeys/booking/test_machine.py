"""Whatever is done in whatever order over HTTP: statuses and free times are those of a small model."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import cycle
from typing import Any, ClassVar
from uuid import uuid4

import httpx
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from domain.log_position import position_of
from tests.support.checker import check
from tests.support.hypothesis_profiles import examples
from tests.support.instances import Instance
from tests.system.journeys.booking.model import DAYS, Booked, Model
from tests.system.journeys.town import OFFICE_HOURS, at, read, written

PROBLEMS = {
    None: 201,
    "closed": "outside-hours",
    "time-off": "outside-hours",
    "grid": "off-grid",
    "taken": "slot-taken",
}
STARTS = st.builds(
    lambda day, quarter: at("00:00", day) + timedelta(minutes=15 * quarter),
    st.integers(0, DAYS - 1),
    st.integers(8 * 4, 18 * 4),
)
MINUTES = st.sampled_from([0, 5, 10, 30])


class Shop(RuleBasedStateMachine):
    """One provider, one service, everybody's requests in turn over all processes."""

    instance: ClassVar[Instance]
    apis: ClassVar[Iterator[str]]
    http: ClassVar[httpx.Client]
    appointments = Bundle("appointments")

    @initialize()
    def open(self) -> None:
        self.model, self.position = Model(), 0
        self.owner, self.ada = (self.instance.token(role, uuid4()) for role in ("provider", "customer"))
        provider = self.do("POST", "/v1/providers", {"name": "Ada", "timezone": "UTC"}, self.owner)
        self.provider = provider.json()["id"]
        self.place = f"/v1/providers/{self.provider}"
        hours = {"timezone": "UTC", "weekly": OFFICE_HOURS}
        assert self.do("PUT", f"{self.place}/schedule", hours, self.owner).status_code == 200
        service = {"name": "Cut", "provider_id": self.provider, "duration": 30, "currency": "EUR"}
        self.service = self.do("POST", "/v1/services", service, self.owner).json()["id"]

    @rule(target=appointments, start=STARTS)
    def book(self, start: datetime) -> Any:
        body = {"service_id": self.service, "provider_id": self.provider, "start": written(start)}
        against = self.model.rule(start)
        answer = self.do("POST", "/v1/appointments", body, self.ada)
        self.agrees(answer, against, 201)
        if against is not None:
            return multiple()
        told = answer.json()
        self.model.booked[told["id"]] = Booked(told["id"], 1, start, self.model.stretch(start))
        return told["id"]

    @rule(id=appointments, start=STARTS)
    def reschedule(self, id: str, start: datetime) -> None:
        mine = self.model.booked[id]
        answer = self.change(mine, "reschedule", {"start": written(start)})
        if start == mine.start:
            assert answer.json()["version"] == mine.version, "where it is already"
        elif mine.cancelled:
            assert problem(answer) == "appointment-ended"
        else:
            against = self.model.rule(start, instead_of=id)
            self.agrees(answer, against, 200)
            if against is None:
                mine.start, mine.stretch = start, self.model.stretch(start)
                mine.version += 1

    @rule(id=appointments)
    def cancel(self, id: str) -> None:
        mine = self.model.booked[id]
        answer = self.change(mine, "cancel", {})
        assert answer.json()["status"] == "cancelled"
        mine.version += not mine.cancelled
        mine.cancelled = True
        assert answer.json()["version"] == mine.version

    @rule(id=appointments)
    def cancel_on_another_version(self, id: str) -> None:
        mine = self.model.booked[id]
        answer = self.do("POST", f"/v1/appointments/{id}/cancel", {}, self.ada, mine.version + 100)
        assert problem(answer) == "stale"

    @rule(id=appointments)
    def read_one(self, id: str) -> None:
        mine = self.model.booked[id]
        told = self.now(mine)
        assert (read(told["start"]), told["version"]) == (mine.start, mine.version)
        assert told["status"] == ("cancelled" if mine.cancelled else "booked")

    @rule(day=st.integers(0, DAYS - 1), closed=st.booleans())
    def close_a_date(self, day: int, closed: bool) -> None:
        path = f"{self.place}/schedule/overrides/{at('00:00', day).date()}"
        hours = [] if closed else [{"from": "09:00", "to": "17:00"}]
        assert self.do("PUT", path, {"hours": hours}, self.owner).status_code == 200
        (self.model.closed.add if closed else self.model.closed.discard)(day)
        self.model.note_orphans()

    @rule(start=STARTS, minutes=st.sampled_from([15, 30, 60, 600]))
    def take_time_off(self, start: datetime, minutes: int) -> None:
        end = start + timedelta(minutes=minutes)
        answer = self.do("POST", f"{self.place}/time-off", {"start": written(start), "end": written(end)}, self.owner)
        self.model.time_off[answer.json()["id"]] = start, end
        self.model.note_orphans()

    @rule()
    def be_back(self) -> None:
        for id in [*self.model.time_off]:
            assert self.do("DELETE", f"{self.place}/time-off/{id}", None, self.owner).status_code == 204
            del self.model.time_off[id]

    @rule(before=MINUTES, after=MINUTES)
    def change_buffers(self, before: int, after: int) -> None:
        body = {"buffer_before": before, "buffer_after": after}
        assert self.do("PATCH", f"/v1/services/{self.service}", body, self.owner).status_code == 200
        self.model.before, self.model.after = timedelta(minutes=before), timedelta(minutes=after)

    @rule(start=STARTS)
    def ask_why_not(self, start: datetime) -> None:
        told = self.look(
            f"/v1/availability/why?service_id={self.service}&provider_id={self.provider}&start={written(start)}"
        )
        against = self.model.rule(start)
        assert (told["offered"], told["rule"]) == (against is None, against)

    @invariant()
    def what_is_offered_is_what_the_model_offers(self) -> None:
        first, last = at("00:00").date(), at("00:00", DAYS - 1).date()
        told = self.look(f"/v1/availability?service_id={self.service}&from={first}&to={last}&tz=UTC")
        assert [read(each["start"]) for each in told["starts"]] == self.model.offered()

    def agrees(self, answer: httpx.Response, against: str | None, status: int) -> None:
        """Granted if no rule stands against it; else refused with that rule."""
        if against is None:
            assert answer.status_code == status, answer.text
        else:
            assert (answer.status_code, problem(answer)) == (409, PROBLEMS[against])
            assert answer.json()["rule"] == against

    def change(self, mine: Booked, action: str, said: Any) -> httpx.Response:
        """A change of the newest version, which a job may have made meanwhile if the appointment is an orphan."""
        path = f"/v1/appointments/{mine.id}/{action}"
        answer = self.do("POST", path, said, self.ada, mine.version)
        while mine.orphaned and answer.status_code == 412:
            self.now(mine)
            answer = self.do("POST", path, said, self.ada, mine.version)
        return answer

    def now(self, mine: Booked) -> Any:
        """The appointment as a read answers it. The model learns what a job has recorded about an orphan."""
        told = self.look(f"/v1/appointments/{mine.id}", self.ada)
        if mine.orphaned:
            assert told["version"] >= mine.version
            mine.version = told["version"]
        return told

    def do(self, method: str, path: str, said: Any, token: str, version: int | None = None) -> httpx.Response:
        """One write."""
        headers = {"authorization": f"Bearer {token}", "if-match": "*" if version is None else f'"{version}"'}
        headers["idempotency-key"] = str(uuid4())
        answer = self.http.request(method, next(self.apis) + path, json=said, headers=headers)
        self.position = max(self.position, position_of(answer.headers.get("daybook-position", "0.0")))
        return answer

    def look(self, path: str, token: str | None = None) -> Any:
        """What a read answers that reflects every write so far."""
        headers = {"daybook-position": str(self.position)}
        if token:
            headers["authorization"] = f"Bearer {token}"
        answer = self.http.get(next(self.apis) + path, headers=headers)
        while answer.status_code == 503 and problem(answer) == "behind":
            answer = self.http.get(next(self.apis) + path, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()


def problem(answer: httpx.Response) -> str:
    return str(answer.json()["type"]).removeprefix("/problems/")


def test_any_life_of_a_shop_agrees_with_the_model(shared: Instance, apis: tuple[str, str]) -> None:
    with httpx.Client(timeout=180) as http:
        Shop.instance, Shop.apis, Shop.http = shared, cycle(apis), http
        run_state_machine_as_test(
            Shop,
            settings=settings(
                max_examples=examples(20),
                stateful_step_count=25,
                deadline=None,
                suppress_health_check=[*HealthCheck],
                database=None,
            ),
        )
    check(shared.superuser_database)
