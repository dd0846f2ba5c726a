"""Every benchmark runs, and has figures; what they are says nothing about speed here."""

import json
import math
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench.__main__ import NAMES
from bench.contend import WrongWinners, check
from bench.tools.figure import Figure, Side, Target

ROOT = Path(__file__).parents[2]
NOON = datetime(2030, 1, 7, 12, tzinfo=UTC)


def stretch(since: int, until: int) -> tuple[datetime, datetime]:
    """Minutes past noon."""
    return NOON + timedelta(minutes=since), NOON + timedelta(minutes=until)


NEEDS_PACKAGES = ("peer",)  # of other people, which cannot be had everywhere
QUICK = ("append",)  # of these `make test` sees that they run; of all of them, `make test-system`


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.long) for name in NAMES]
)
def test_each_benchmark_answers_with_positive_figures_beside_their_controls(name: str, tmp_path: Path) -> None:
    to = tmp_path / "figures.json"
    command = [sys.executable, "-m", "bench", name, "--quick", "--json", str(to)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    found = json.loads(to.read_text())
    figures = found["figures"]
    if name in NEEDS_PACKAGES and found["left_out"]:
        assert f"{name} was left out: " in run.stderr
        return
    assert {each["bench"] for each in figures} == {name}
    for each in figures:
        for side in (each["ours"], each["control"]):
            assert all(math.isfinite(value) and value > 0 for value in side["rounds"]), side
        assert each["ratio"]["min"] <= each["ratio"]["median"] <= each["ratio"]["max"]
        assert each["ours"]["name"] in run.stdout.replace("\n", " ")


def test_a_benchmark_that_is_not_there_is_refused() -> None:
    command = [sys.executable, "-m", "bench", "nothing"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "nothing" in run.stderr


def test_the_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    ours, control = Side("ours", [10.0, 100.0, 9.0]), Side("control", [5.0, 10.0, 9.0])
    figure = Figure("any", "a second", ours, control, Target(2))
    assert figure.ratios == [2.0, 10.0, 1.0]
    assert figure.ratio == 2.0
    assert figure.met is True


@pytest.mark.parametrize(("target", "met"), [(Target(1.1), False), (Target(1.1, at_most=True), True)])
def test_a_target_says_whether_less_or_more_is_better(target: Target, met: bool) -> None:
    assert target.met_by(1.0) is met


@pytest.mark.parametrize(
    ("statuses", "kept", "why"),
    [
        ([201, 409, 409], [stretch(0, 30)], "is free, but"),
        ([201, 201, 409], [stretch(0, 30), stretch(15, 45)], "overlap"),
        ([201, 409, 201], [stretch(0, 30)], "are kept"),
    ],
)
def test_wrong_winners_are_found(statuses: list[int], kept: list[tuple[datetime, datetime]], why: str) -> None:
    with pytest.raises(WrongWinners, match=why):
        check([stretch(0, 30), stretch(15, 45), stretch(30, 60)], statuses, kept)


def test_right_winners_pass() -> None:
    wanted = [stretch(0, 30), stretch(15, 45), stretch(30, 60)]
    check(wanted, [201, 409, 201], [stretch(0, 30), stretch(30, 60)])
