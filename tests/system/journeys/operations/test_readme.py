"""The scripts of README and tutorial do what the text beside them says."""

import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.support.instances import ROOT, Instance, clean_environment, within
from tests.support.waiting import PATIENCE

_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
README = _BLOCK.findall((ROOT / "README.md").read_text())
TUTORIAL = _BLOCK.findall((ROOT / "docs/tutorial.md").read_text())
_HAIRCUT = "/v1/services?q=haircut&sort=earliest&limit=1"


@pytest.fixture
def folder(shared: Instance, tmp_path: Path) -> Path:
    """A folder that looks as if `make up` had been called in it."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / ".local").symlink_to(shared.data)
    return tmp_path


def pasted(shared: Instance, folder: Path, script: str) -> str:
    """The output of a script that is pasted into a shell."""
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=clean_environment(API=shared.api),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def offers_a_haircut(shared: Instance) -> bool:
    with urllib.request.urlopen(shared.api + _HAIRCUT, timeout=PATIENCE) as answer:
        return bool(json.load(answer)["items"])


def test_the_tutorial_goes_from_an_empty_system_to_a_history_and_an_account(shared: Instance, folder: Path) -> None:
    booking, account = TUTORIAL
    first, second = pasted(shared, folder, f"{booking}\necho =====\n{account}").split("=====")
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


def test_the_readme_books_the_next_free_haircut(shared: Instance, folder: Path) -> None:
    pasted(shared, folder, TUTORIAL[0])  # instead of the demo town
    within(30, lambda: offers_a_haircut(shared))
    (block,) = README
    head, _, body = pasted(shared, folder, block).partition("\n\n")
    assert head.startswith("HTTP/1.1 201 "), head
    appointment = json.loads(body)
    assert appointment["status"] == "booked"
    shown = re.search(r"^    (\{\"id\".*?\})$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert shown is not None
    assert set(json.loads(shown[1])) < set(appointment)
