"""What the README tells people to paste does what it says."""

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.support.instances import ROOT, Instance, clean_environment

BLOCKS = re.findall(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)


def pasted(shared: Instance, tmp_path: Path, script: str) -> str:
    """What a shell says to it, in a folder where `make up` has been called."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / ".local").symlink_to(shared.data)
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=clean_environment(API=shared.api),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_the_blocks_that_talk_http_go_from_an_empty_system_to_a_history_and_an_account(
    shared: Instance, tmp_path: Path
) -> None:
    booking, account = (block for block in BLOCKS if "curl" in block)
    first, second = pasted(shared, tmp_path, f"{booking}\necho =====\n{account}").split("=====")
    assert "idempotency-replayed: true" in first
    _, _, history = first.rpartition("\n{\n")
    assert [item["type"] for item in json.loads("{" + history)["items"]] == [
        "Appointment.Booked",
        "Appointment.Rescheduled",
        "Appointment.Cancelled",
    ]
    assert '"account_id"' in second
    assert "booked\n" in second
    assert json.loads(second.strip().splitlines()[-1])["status"] == 401


def test_the_readme_has_a_first_booking_to_paste() -> None:
    assert any("/v1/appointments" in block for block in BLOCKS)
