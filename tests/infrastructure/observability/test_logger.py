"""What a process writes to its log: lines of JSON, whatever is in them, and no secret."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from typing import Any

import structlog

from infrastructure.observability.outages import QUIET, OutageFilter
from tests.support.instances import faults

PREPARED = """
import logging, structlog
from infrastructure.observability.logger import configure_logs, log_start, log_stop
configure_logs("INFO", "worker", lambda: {"request_id": "r1"})
log = structlog.get_logger("tests")
"""


def lines_of(said: str) -> list[dict[str, Any]]:
    """What a process with our logs writes. Another one, since they are set for a whole process."""
    ran = subprocess.run([sys.executable, "-c", PREPARED + said], capture_output=True, text=True, check=True)
    assert ran.stdout == ""
    return [json.loads(line) for line in ran.stderr.splitlines()]


def test_a_line_says_when_in_utc_where_and_in_which_request() -> None:
    (line,) = lines_of("log.warning('outage', error='OperationalError')")
    assert line["timestamp"].endswith("Z")
    assert (line["logger"], line["level"], line["request_id"]) == ("tests", "warning", "r1")
    assert (line["event"], line["error"]) == ("outage", "OperationalError")


def test_nobody_writes_a_line_of_their_own_into_the_log() -> None:
    forged = 'x\n{"level": "info", "event": "all is well"}\r\x1b[2J'
    structured, plain = lines_of(
        f"log.warning({forged!r}, who={forged!r})\nlogging.getLogger('lib').warning('%s', {forged!r})"
    )
    assert structured["event"] == structured["who"] == plain["event"] == forged


def test_a_trace_shows_where_it_failed_and_no_value() -> None:
    (line,) = lines_of("""
def sign_in(password):
    raise RuntimeError("it failed")
try:
    sign_in("hu" + "sh")
except RuntimeError as error:
    log.error("unexpected", exc_info=error)
""")
    assert "it failed" in json.dumps(line)
    assert "sign_in" in json.dumps(line)
    assert "hush" not in json.dumps(line)


def test_the_trace_of_a_request_that_ended_with_500_is_found_in_the_log() -> None:
    lines = lines_of("""
from interfaces.http.framework.errors import unexpected
log.info("request", status=200)
unexpected(ZeroDivisionError("it failed"), {"operation": "confirm_appointment"})
""")
    (fault,) = faults("\n".join(map(json.dumps, lines)))
    assert fault.startswith("confirm_appointment r1")
    assert "ZeroDivisionError: it failed" in fault


def test_in_a_terminal_a_line_is_short_and_begins_with_the_time_of_day() -> None:
    reader, terminal = os.openpty()
    said = "log_start('http://127.0.0.1:8000')"
    subprocess.run([sys.executable, "-c", PREPARED + said], stderr=terminal, check=True)
    os.close(terminal)
    shown = re.sub(r"\x1b\[[0-9;]*m", "", os.read(reader, 4096).decode())
    os.close(reader)
    assert re.fullmatch(
        r"\d\d:\d\d:\d\dZ \[info\] daybook role started role=worker request_id=r1 address=http://127.0.0.1:8000\s+",
        shown,
    )


def test_every_line_begins_with_the_same_keys() -> None:
    structured, library = lines_of("log.info('outage', error='x')\nlogging.getLogger('lib').warning('%s', 'plain')")
    first = ["timestamp", "level", "role", "pid", "request_id", "event", "logger"]
    assert list(structured) == [*first, "error"]
    assert list(library) == first
    assert structured["role"] == library["role"] == "worker"
    assert isinstance(structured["pid"], int)


def test_a_role_says_when_it_starts_and_when_it_stops() -> None:
    started, silent, stopped = lines_of("log_start('http://127.0.0.1:8000')\nlog_start()\nlog_stop()")
    assert (started["event"], started["address"]) == ("daybook role started", "http://127.0.0.1:8000")
    assert re.fullmatch(r"\d+\.\d+\.\d+", started["version"])
    assert "address" not in silent
    assert stopped["event"] == "daybook role stopped"


def test_warnings_of_python_are_lines_like_others_and_that_of_root_is_none() -> None:
    (line,) = lines_of("""
import warnings
from celery.platforms import ROOT_DISCOURAGED
warnings.warn(RuntimeWarning(ROOT_DISCOURAGED.format(uid=0, euid=0, gid=0, egid=0)))
warnings.warn("this goes away")
""")
    assert (line["logger"], line["level"]) == ("py.warnings", "warning")
    assert "this goes away" in line["event"]


def test_noise_of_libraries_at_each_start_is_left_out() -> None:
    assert not lines_of("""
logging.getLogger("flower.inspector").warning("Inspect method %s failed", "stats")
logging.getLogger("flower.command").info("Registered tasks: \\n%s", [])
""")


def test_an_outage_is_one_line_however_often_it_is_met() -> None:
    lines = lines_of("""
for _ in range(100):
    log.warning("Redis unavailable", outage="redis", error="refused")
    log.warning("not listening", outage="postgresql a", error="refused")
    log.warning("not listening", outage="postgresql b", error="refused")
    log.warning("job failed", key="1")
    logging.getLogger("psycopg.pool").warning("error connecting in %r: %s", "pool-1", _)
    logging.getLogger("asyncio").warning("%s", _)
""")
    assert Counter(line["event"].split(" in ")[0] for line in lines if line["logger"] != "asyncio") == {
        "Redis unavailable": 1,
        "not listening": 2,
        "job failed": 100,
        "error connecting": 1,
    }
    assert len([line for line in lines if line["logger"] == "asyncio"]) == 100, "it says something else each time"


def test_the_next_outage_is_said_again() -> None:
    now = 0.0
    outages = OutageFilter(lambda: now)

    def said() -> bool:
        with suppress(structlog.DropEvent):
            return bool(outages(None, "warning", {"event": "Redis unavailable", "outage": "redis"}))
        return False

    assert said()
    for _ in range(100):
        now += QUIET - 1
        assert not said(), "it lasts"
    now += QUIET + 1
    assert said()


def test_the_url_of_a_webhook_never_comes_into_the_log() -> None:
    """Path and query of a URL may hold the receiver's secret; Daybook names webhooks by their id."""
    told = lines_of("""
import httpx
configure_logs("DEBUG", "worker")
with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client:
    client.post("https://example.org/hook/hush?token=hush")
log.info("done")
""")
    assert told[-1]["event"] == "done"
    assert "hush" not in json.dumps(told)


def test_lines_of_a_request_say_what_is_done_and_for_which_account() -> None:
    first, second = lines_of("""
from types import SimpleNamespace
from interfaces.request_id import current_work, request_log_fields
configure_logs("INFO", "api", request_log_fields)
current_work.set({"request_id": "r1", "operation": "book_appointment", "caller": SimpleNamespace(id=7)})
log.warning("command waits")
current_work.set({"request_id": "r2"})
log.warning("command waits")
""")
    assert [*first] == [*("timestamp", "level", "role", "pid", "request_id", "operation", "actor", "event", "logger")]
    assert (first["request_id"], first["operation"], first["actor"]) == ("r1", "book_appointment", "7")
    assert second["request_id"] == "r2"
    assert not {"operation", "actor"} & second.keys()


def test_a_trace_has_the_first_line_of_a_text_and_no_row() -> None:
    (line,) = lines_of("""
try:
    try:
        raise ValueError("new row violates a check\\nDETAIL: Failing row contains (hu" + "sh)")
    except ValueError as first:
        raise ExceptionGroup("several", [ValueError("one\\nhu" + "sh")]) from first
except ExceptionGroup as error:
    log.error("unexpected", exc_info=error)
""")
    told = json.dumps(line)
    assert "new row violates a check" in told
    assert "hush" not in told
