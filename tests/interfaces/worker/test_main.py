"""A role that can't find what it needs says so, and ends."""

from pathlib import Path

import pytest

from infrastructure.settings import Settings
from interfaces.worker.main import run_worker
from tests.support.instances import Process, clean_environment


@pytest.mark.parametrize("role", ["worker", "beat"])
def test_without_a_broker_it_says_what_to_set(role: str, tmp_path: Path) -> None:
    with Process.start(tmp_path, role, env=clean_environment(DB_HOST="127.0.0.1")) as process:
        assert process.wait() == 1
        assert "BROKER_URL is not set" in process.said


def test_an_unknown_queue_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_worker(Settings(broker_url="redis://127.0.0.1:1/0"), 1, ["mail", "foo"])
    assert ended.value.code == 2
    told = 'Unknown queue "foo". Queues: sweep, accounts, jobs, urgent, mail, webhooks.\n'
    assert capsys.readouterr().err == told
