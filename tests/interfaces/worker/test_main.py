"""A role that can't find what it needs says so, and ends."""

from pathlib import Path

import pytest

from tests.support.instances import Process, clean_environment


@pytest.mark.parametrize("role", ["worker", "beat"])
def test_without_a_broker_it_says_what_to_set(role: str, tmp_path: Path) -> None:
    with Process.start(tmp_path, role, env=clean_environment(DB_HOST="127.0.0.1")) as process:
        assert process.wait() == 1
        assert "BROKER_URL is not set" in process.said
