"""What the README tells people to paste does what it says."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.instances import ROOT, Instance, clean_environment

BLOCKS = re.findall(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if "curl" in block], ids=lambda block: block[:20]
)
def test_a_block_that_talks_http_runs_from_an_empty_system_to_a_history(
    shared: Instance, tmp_path: Path, block: str
) -> None:
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / ".local").symlink_to(shared.data)
    pasted = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        cwd=tmp_path,
        env=clean_environment(API=shared.api),
        capture_output=True,
        text=True,
        check=False,
    )
    assert pasted.returncode == 0, pasted.stderr
    assert "idempotency-replayed: true" in pasted.stdout
    _, _, history = pasted.stdout.rpartition("\n{\n")
    assert [item["type"] for item in json.loads("{" + history)["items"]] == [
        "Appointment.Booked",
        "Appointment.Rescheduled",
        "Appointment.Cancelled",
    ]


def test_the_readme_has_a_first_booking_to_paste() -> None:
    assert any("/v1/appointments" in block for block in BLOCKS)
