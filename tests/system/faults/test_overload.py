"""More requests than one API process can answer: it answers as many as it can in time, and says what it is short of."""

import json
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from infrastructure.settings import Settings
from tests.support.instances import Api, Instance, a_folder, clean_environment
from tests.support.waiting import PATIENCE

ROOT = Path(__file__).parents[3]
SECONDS = 10.0
SETTLED = 2.0  # seconds of an outcome after which admission has adapted
USUAL = str(Settings.model_fields["api_queue_delay"].default)


class Outcome(NamedTuple):
    """Status, seconds and detail of each answer, and the second in which its request was due."""

    answers: list[tuple[int, float, str, float]]

    @property
    def settled(self) -> "Outcome":
        """Without the first moments."""
        return Outcome([each for each in self.answers if each[3] > SETTLED])

    def took(self, part: float, status: int = 200) -> float:
        """The quantile of the seconds of the answers with a status."""
        took = sorted(seconds for each, seconds, _, _ in self.answers if each == status)
        return took[min(int(len(took) * part), len(took) - 1)] if took else 0.0

    @property
    def statuses(self) -> Counter[int]:
        return Counter(status for status, *_ in self.answers)

    def line(self, name: str) -> str:
        cells = [f"{self.statuses[200]:6}", f"{self.statuses[503]:6}"]
        cells += [f"{self.took(part, status) * 1000:6.0f} ms" for status in (200, 503) for part in (0.5, 0.99)]
        return f"{name:38}" + " | ".join(cells)


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    with a_folder() as folder, Instance.start(folder, apis=1, demo=True) as running:
        yield running


def _request(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: d\r\n\r\n".encode()


def _offered(api: Api, rate: float, seconds: float = SECONDS) -> Outcome:
    port = api.url.rpartition(":")[2]
    with tempfile.NamedTemporaryFile() as outcome:
        words = [port, str(rate), str(seconds), _request("/v1/providers?limit=20").decode(), outcome.name]
        subprocess.run([sys.executable, "-m", "tests.system.faults.open_load", *words], cwd=ROOT, check=True)
        return Outcome([tuple(each) for each in json.load(outcome)])


def _capacity(api: Api) -> float:
    """Answers a second when there is always a next request."""
    found = _offered(api, 3_000, 3.0)
    return found.statuses[200] / max(seconds for _, seconds, *_ in found.answers)


@contextmanager
def _asked(url: str) -> Iterator[list[int]]:
    """The statuses of a path that is asked again and again meanwhile."""
    statuses: list[int] = []
    over = threading.Event()

    def ask() -> None:
        while not over.wait(0.1):
            try:
                with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                    statuses.append(answer.status)
            except urllib.error.HTTPError as refused:
                statuses.append(refused.code)

    asking = threading.Thread(target=ask)
    asking.start()
    yield statuses
    over.set()
    asking.join()


@pytest.mark.fault(6)
def test_three_times_the_capacity(instance: Instance, capsys: pytest.CaptureFixture[str]) -> None:
    """Prints the table of docs/guarantees.md; compares with the same load without admission control."""
    with instance.another_api() as free:
        capacity = _capacity(free)
        uncontrolled = _offered(free, 3 * capacity)
    with instance.another_api(clean_environment(API_QUEUE_DELAY=USUAL)) as api:
        quiet = _offered(api, capacity / 4)
        with _asked(f"{api.url}/health/ready") as health:
            crowded = _offered(api, 3 * capacity)
        after = _offered(api, capacity / 4)
    with capsys.disabled():
        lines = [
            f"capacity {capacity:.0f}/s".ljust(38) + "   200 |    503 |   p50 200 |   p99 200 |   p50 503 |   p99 503",
            quiet.line("a quarter of the capacity"),
            crowded.line("three times the capacity"),
            crowded.settled.line(f"the same after {SETTLED:.0f} s"),
            uncontrolled.line("the same without admission control"),
            after.line("a quarter again"),
        ]
        sys.stdout.write("\n" + "\n".join(lines) + "\n")
    ratio = crowded.settled.took(0.99) / quiet.took(0.99)
    with capsys.disabled():
        sys.stdout.write(f"p99 of what is admitted is {ratio:.1f} times that of a quiet process\n")
    assert set(crowded.statuses) == {200, 503}, "everybody is answered"
    whys = {why for status, _, why, _ in crowded.answers if status == 503}
    assert whys == {"Daybook has more requests than it can answer now. Try again."}, "nobody blames the database"
    assert crowded.took(0.99) < uncontrolled.took(0.99) / 2, "what is admitted does not wait for what is too much"
    assert set(health) == {200}, "operators are answered"
    assert set(after.statuses) == {200}, "and it ends with the load"
