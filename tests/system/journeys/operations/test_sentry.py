"""Faults of Daybook arrive at a Sentry server once, with what finds them, and without anything about a person."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx
import pytest

from infrastructure.observability.versions import RELEASE
from tests.infrastructure.observability.envelopes import EnvelopeReceiver
from tests.support.instances import Instance, Process, a_folder, ask, clean_environment, within
from tests.support.waiting import PATIENCE

NOTE = "Allergic to lavender oil"


@pytest.fixture
def receiver() -> Iterator[EnvelopeReceiver]:
    with EnvelopeReceiver() as receiver:
        yield receiver


@pytest.fixture
def town(receiver: EnvelopeReceiver) -> Iterator[Instance]:
    """The demo town. The test breaks it on purpose, so that traces in its log are no news."""
    env = {"SENTRY_DSN": receiver.dsn, "SENTRY_ENVIRONMENT": "rehearsal", "WORKER_CONCURRENCY": "1"}
    with a_folder() as folder:
        instance = Instance.start(folder, apis=1, workers=1, demo=True, env=env)
        try:
            yield instance
        finally:
            if instance.process.process.poll() is None:
                instance.process.stop()


class Client:
    """The demo customer over HTTP."""

    def __init__(self, instance: Instance) -> None:
        assert instance.demo_accounts is not None
        assert instance.demo_password is not None
        self.address, self.password = instance.demo_accounts["customer"], instance.demo_password
        self.http = httpx.Client(base_url=instance.api, timeout=PATIENCE)
        answer = self.sign_in()
        assert answer.status_code == 200, answer.text
        self.token, self.refresh = answer.json()["access_token"], answer.json()["refresh_token"]
        self.http.headers["authorization"] = f"Bearer {self.token}"

    def sign_in(self) -> httpx.Response:
        signing = {"username": self.address, "password": self.password}
        return self.http.post("/v1/auth/token", data={"grant_type": "password", **signing})

    def starts(self) -> tuple[str, list[str]]:
        """A service, and its free starts on the next day that has some."""
        (service,) = self.http.get("/v1/services?q=haircut&sort=earliest&limit=1").json()["items"]
        day = service["earliest"]["start"][:10]
        asked = {"service_id": service["id"], "from": day, "to": day, "tz": "UTC"}
        return service["id"], [
            each["start"] for each in self.http.get("/v1/availability", params=asked).json()["starts"]
        ]

    def book(self, service: str, start: str, key: str, **more: str) -> httpx.Response:
        body = {"service_id": service, "start": start, **more}
        return self.http.post("/v1/appointments", json=body, headers={"idempotency-key": key})


@contextmanager
def refused(instance: Instance, table: str) -> Iterator[None]:
    """PostgreSQL takes no new row in a table, and says so with the values of the row."""
    ask(instance.superuser_database, f"ALTER TABLE {table} ADD CONSTRAINT broken CHECK (false) NOT VALID")
    try:
        yield
    finally:
        ask(instance.superuser_database, f"ALTER TABLE {table} DROP CONSTRAINT broken")


@contextmanager
def renamed(instance: Instance, thing: str, name: str) -> Iterator[None]:
    """A table, or "a table COLUMN a column", has another name meanwhile."""
    table, _, column = thing.partition(" COLUMN ")
    to = f"COLUMN {column} TO mislaid" if column else "TO mislaid"
    ask(instance.superuser_database, f"ALTER TABLE {table} RENAME {to}")
    try:
        yield
    finally:
        back = f"{table} RENAME COLUMN mislaid" if column else f"{table.partition('.')[0]}.mislaid RENAME"
        ask(instance.superuser_database, f"ALTER TABLE {back} TO {name}")


def said(receiver: EnvelopeReceiver, text: str) -> list[dict[str, Any]]:
    """The events with this text."""
    return [each for each in receiver.events if each["logentry"]["message"] == text]


def ids_of(events: list[dict[str, Any]]) -> set[str | None]:
    """The requests of events."""
    return {each["tags"].get("request_id") for each in events}


def people(instance: Instance) -> set[str]:
    """Names, addresses and phones of everybody in the town."""
    with httpx.Client(base_url=instance.api, timeout=PATIENCE) as admin:
        admin.headers["authorization"] = f"Bearer {instance.tokens['admin']}"
        paths = ("/v1/users", "/v1/customers", "/v1/providers")
        rows = [each for path in paths for each in admin.get(f"{path}?limit=200").json()["items"]]
    fields = ("name", "email", "phone", "address")
    found = {str(row[name]) for row in rows for name in fields if row.get(name)}
    # Not "Provider", the name of an account that is called by its role.
    return {each for each in found if re.search(r"[ @0-9]", each)}


def logged(said: str) -> str:
    """The lines of the log, without what `daybook up` prints for its operator."""
    return "\n".join(line for line in said.splitlines() if line.startswith('{"timestamp"'))


def break_everything(town: Instance, receiver: EnvelopeReceiver, customer: Client) -> dict[str, tuple[str, str | None]]:
    """One fault of each kind. Answers its text, the role that met it, and the id of the request that led to it."""
    service, starts = customer.starts()
    with refused(town, "auth.session"):
        failed = customer.sign_in()
    assert failed.status_code == 500
    within(PATIENCE, lambda: said(receiver, "unhandled error"))
    with refused(town, "auth.mail"):
        mailed = customer.book(service, starts[2], "mailed")
        assert mailed.status_code == 201, mailed.text
        within(PATIENCE, lambda: mailed.headers["x-request-id"] in ids_of(said(receiver, "job crashed, retrying")))
    ((generation,),) = ask(town.superuser_database, "SELECT generation FROM read.live")
    with refused(town, f"read_{generation}.appointment"):
        projected = customer.book(service, starts[-2], "projected", note=NOTE)
        assert projected.status_code == 201, projected.text
        within(PATIENCE, lambda: said(receiver, "projection stopped"))
    with renamed(town, "work.enrolled", "enrolled"):
        within(PATIENCE, lambda: said(receiver, "task crashed"))
    env = clean_environment(SENTRY_DSN=receiver.dsn, SENTRY_ENVIRONMENT="rehearsal")
    with renamed(town, "work.process COLUMN zones", "zones"):
        command = Process.start(town.data, "status", "--data", str(town.data), env=env)
        assert command.wait() == 1
    return {
        "unhandled error": ("api", failed.headers["x-request-id"]),
        "job crashed, retrying": ("worker", mailed.headers["x-request-id"]),
        "projection stopped": ("projector", projected.headers["x-request-id"]),
        "task crashed": ("worker", None),
        "process crashed": ("cli", None),
    }


def refuse_politely(customer: Client) -> None:
    """A booking that is taken, a version that is not the newest, and a body with a field too many."""
    service, starts = customer.starts()
    booked = customer.book(service, starts[0], "first")
    assert booked.status_code == 201, booked.text
    taken = {"provider_id": booked.json()["provider_id"]}  # without, another provider who is free is chosen
    assert customer.book(service, starts[0], "again", **taken).status_code == 409
    assert customer.book(service, starts[-1], "odd", no_such_field="x").status_code == 422
    headers = {"if-match": '"7"', "idempotency-key": "patch"}
    changed = customer.http.patch(booked.headers["location"], json={"note": NOTE}, headers=headers)
    assert changed.status_code == 412, changed.text


@pytest.mark.timeout(900)
def test_each_fault_arrives_once_with_its_request_and_nothing_about_a_person(
    town: Instance, receiver: EnvelopeReceiver
) -> None:
    customer, everybody = Client(town), people(town)
    assert len(everybody) > 50
    with closing(customer.http):
        refuse_politely(customer)
        faults = break_everything(town, receiver, customer)
    town.process.stop()

    assert {each["logentry"]["message"] for each in receiver.events} == faults.keys()
    for text, (role, request_id) in faults.items():
        events = said(receiver, text)
        # Several jobs may follow from one request, and jobs of other requests may be due as well.
        assert len(events) == len({each["tags"].get("key") for each in events}), text
        assert request_id in ids_of(events), text
        for event in events:
            assert event["release"] == f"daybook@{RELEASE}"
            assert event["environment"] == "rehearsal"
            assert event["tags"]["role"] == role
            assert event["exception"]["values"][-1]["stacktrace"]["frames"], text
    assert {each["monitor_slug"] for each in receiver.of("check_in")} >= {"daybook-beat", "daybook-sweep"}
    said_by_all = town.process.said
    assert "Failing row contains" not in said_by_all
    secrets = {customer.token, customer.refresh, customer.password, town.secret_key, town.master_key, NOTE}
    for word in everybody | secrets | {town.data.name}:
        assert word not in receiver.raw, word
    for word in everybody | (secrets - {town.secret_key, town.master_key}):
        assert word not in logged(said_by_all), word
