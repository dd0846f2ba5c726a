"""What a process sends to Sentry: its errors, by an allow list; and nothing of it stops the process."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from typing import Any

from infrastructure.local.programs import free_port
from infrastructure.observability.sentry import EACH, PER_MINUTE, WITHHELD
from tests.infrastructure.observability.envelopes import EnvelopeReceiver
from tests.support.waiting import PATIENCE

PREPARED = """
import logging, structlog
from infrastructure.observability.logger import configure_logs
from infrastructure.observability.sentry import Monitors, start_sentry
configure_logs("INFO", "api", dict)
start_sentry({dsn!r}, "staging", "api", lambda: {{"request_id": "r1", "actor": "0198c5a2"}})
log = structlog.get_logger("tests")
"""


def ran(dsn: str, code: str) -> list[dict[str, Any]]:
    """The log of a process that reports to a server. A process of its own, since the SDK is set up for all of it."""
    command = [sys.executable, "-c", PREPARED.format(dsn=dsn) + code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stderr.splitlines()]


def sent(code: str) -> EnvelopeReceiver:
    """What a process sends until its end."""
    with EnvelopeReceiver() as receiver:
        ran(receiver.dsn, f"{code}\nimport sentry_sdk\nsentry_sdk.flush({PATIENCE})\n")
    return receiver


def test_an_error_is_one_event_and_a_warning_is_none() -> None:
    (event,) = sent("""
log.warning("job failed, retrying")
log.error("projection stopped", projection="agenda", position=7)
""").events
    assert event["logentry"] == {"message": "projection stopped"}
    assert event["level"] == "error"
    assert event["environment"] == "staging"
    assert event["tags"] == {"role": "api", "request_id": "r1", "projection": "agenda", "position": "7"}


def test_no_text_of_an_exception_is_sent_however_it_came_about() -> None:
    receiver = sent("""
names = ["gr" + "ace@example.org", "lov" + "elace"]
def refuse(name):
    raise KeyError(name)
try:
    try:
        refuse(names[0])
    except KeyError as first:
        raise ExceptionGroup(names[1], [ValueError(names[0])]) from first
except ExceptionGroup as error:
    error.add_note(names[0])
    log.error("unhandled error", operation="book_appointment", exc_info=error)
""")
    (event,) = receiver.events
    errors = event["exception"]["values"]
    assert {each["type"] for each in errors} == {"KeyError", "ValueError", "ExceptionGroup"}
    assert {each["value"] for each in errors} == {WITHHELD}
    assert "refuse" in receiver.raw
    assert "grace" not in receiver.raw
    assert "lovelace" not in receiver.raw


def test_neither_other_fields_nor_a_library_s_text_are_sent() -> None:
    receiver = sent("""
name = "gr" + "ace"
log.error("command refused by the database", error=name, payload={"name": name}, who=name)
logging.getLogger("library").error("cannot serve %s", name)
logging.getLogger("library").error(f"cannot serve {name}")
""")
    texts = [event["logentry"]["message"] for event in receiver.events]
    assert texts == ["command refused by the database", "error in library", "error in library"]
    assert "grace" not in receiver.raw
    assert "0198c5a2" not in receiver.raw


def test_an_outage_is_one_event() -> None:
    receiver = sent("""
for _ in range(50):
    log.error("append failed, connecting again", outage="postgresql")
""")
    assert len(receiver.events) == 1


def test_a_storm_of_errors_is_bounded() -> None:
    receiver = sent("""
for number in range(200):
    log.error("unhandled error", position=number)
""")
    assert len(receiver.events) == PER_MINUTE


def test_a_monitor_hears_once_a_minute_and_only_of_what_it_watches() -> None:
    receiver = sent(f"""
now = 0.0
monitors = Monitors(lambda: now)
for _ in range(3):
    monitors.check_in("beat")
    monitors.check_in("walk")
monitors.check_in("tidy", ok=False)
now = {EACH}
monitors.check_in("beat")
""")
    told = [(each["monitor_slug"], each["status"]) for each in receiver.of("check_in")]
    assert told == [("daybook-beat", "ok"), ("daybook-tidy", "error"), ("daybook-beat", "ok")]
    assert all(each["monitor_config"]["schedule"] for each in receiver.of("check_in"))


MANY = """
for number in range(200):
    log.error("unhandled error", position=number)
"""


def test_a_server_that_is_down_costs_one_line() -> None:
    lines = ran(f"http://key@127.0.0.1:{free_port()}/1", MANY)
    assert [line["level"] for line in lines if line["event"] != "unhandled error"] == ["warning"]
    assert [line["outage"] for line in lines if "outage" in line] == ["sentry"]


def test_a_server_that_never_answers_keeps_nobody_from_ending() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        lines = ran(f"http://key@127.0.0.1:{silent.getsockname()[1]}/1", MANY)
    assert len([line for line in lines if line["event"] == "unhandled error"]) == 200
