"""Processes that end or do not start, watched by a supervisor: it tries on, says each thing once, and stops at once."""

import subprocess
import threading
import time
from pathlib import Path

from structlog.testing import capture_logs

from infrastructure.local.disk_space import DiskWatch
from infrastructure.local.programs import NoServer
from infrastructure.local.supervision import Supervisor
from tests.support.instances import within
from tests.support.waiting import PATIENCE, assert_took


class Script:
    """A shell script as a supervised process. It does not start without the file that it needs."""

    name = "script"

    def __init__(self, text: str, needs: Path | None = None) -> None:
        self._text = text
        self.needs = needs
        self.starts = 0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.starts += 1
        if self.needs and not self.needs.exists():
            raise NoServer(f"{self.needs} is missing.\nThe end of its log, attempt {self.starts}.")
        self.process = subprocess.Popen(["/bin/sh", "-c", self._text], start_new_session=True)

    def ended(self) -> int | None:
        return self.process.poll() if self.process else None

    def ask_to_stop(self) -> None:
        if self.process:
            self.process.terminate()

    def stop(self) -> None:
        if self.process:
            self.process.wait()


def test_one_that_ends_again_and_again_is_retried_with_a_line_or_two() -> None:
    script = Script("exit 3")
    with capture_logs() as lines, Supervisor() as supervisor:
        supervisor.start([script])
        within(PATIENCE, lambda: script.starts >= 4)
    assert [(line["event"], line["status"]) for line in lines] == [
        ("child process ended, restarting", 3),
        ("child process keeps ending, retrying every few seconds", 3),
    ]


def test_after_each_end_is_cleaned_up_and_a_failing_clean_up_stops_no_restart() -> None:
    script, cleaned = Script("exit 3"), list[int]()

    def clean() -> None:
        cleaned.append(script.starts)
        raise OSError

    with capture_logs(), Supervisor(clean) as supervisor:
        supervisor.start([script])
        within(PATIENCE, lambda: script.starts >= 3)
    assert cleaned[:2] == [1, 2]


def test_one_that_cannot_start_is_retried_until_it_can_and_both_are_said_once(tmp_path: Path) -> None:
    needed = tmp_path / "needed"
    needed.touch()
    script = Script("sleep 600", needs=needed)
    with capture_logs() as lines, Supervisor() as supervisor:
        supervisor.start([script])
        needed.unlink()
        assert script.process is not None
        script.process.kill()
        within(PATIENCE, lambda: script.starts >= 4)
        needed.touch()
        within(PATIENCE, lambda: script.ended() is None)
        within(PATIENCE, lambda: any(line["event"] == "child process runs again" for line in lines))
    ended, refused, again = lines
    assert (ended["event"], ended["signal"]) == ("child process ended, restarting", "SIGKILL")
    assert refused["reason"] == f"{needed} is missing."
    assert again["child"] == "script"


def test_all_stop_at_once_and_a_slow_one_is_named() -> None:
    slow = [Script("trap 'sleep 4; exit' TERM; while :; do sleep 0.1; done") for _ in range(3)]
    with capture_logs() as lines:
        with Supervisor() as supervisor:
            supervisor.start(slow)
            time.sleep(0.5)  # until the traps are set
            began = time.monotonic()
        assert_took(began, 4.5)
    assert time.monotonic() - began < 3 * 4, "one after the other would take as long"
    assert [line["event"] for line in lines] == ["waiting for child processes to finish"]
    assert lines[0]["children"] == ["script"] * 3


def test_a_stop_does_not_wait_for_one_that_cannot_start(tmp_path: Path) -> None:
    script = Script("exit 1")
    with Supervisor() as supervisor:
        supervisor.start([script])
        script.needs = tmp_path / "never"
        within(PATIENCE, lambda: script.starts >= 3)
    assert not [each for each in threading.enumerate() if "script" in each.name]


def test_a_full_disk_is_said_once_and_so_is_its_end(tmp_path: Path, monkeypatch) -> None:
    room = {"free": 10**12}
    monkeypatch.setattr("infrastructure.local.disk_space.CHECK", 0.01)
    monkeypatch.setattr("infrastructure.local.disk_space.free_bytes", lambda _: room["free"])
    with capture_logs() as lines, DiskWatch(tmp_path):
        for said, free in enumerate((10**6, 10**12), start=1):
            room["free"] = free
            within(PATIENCE, lambda: len(lines) == said)  # noqa: B023  it is asked at once
    assert [(line["event"], line["free_mb"]) for line in lines] == [
        ("disk is full: changes are refused until space is free", 1),
        ("disk has space again", 10**6),
    ]
