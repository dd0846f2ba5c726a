"""What a process writes to its log: lines of JSON, whatever is in them, and no secret."""

import json
import subprocess
import sys
from typing import Any

PREPARED = """
import logging, structlog
from infrastructure.observability.logger import configure_logs
configure_logs("INFO", lambda: {"request_id": "r1"})
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
