"""Dashboards and alerts are as their code writes them, and an operator is not left alone with any."""

import re
from pathlib import Path

import pytest
import yaml

from docker.grafana.board import Board, written
from docker.grafana.boards import ALL, FOLDER
from docker.prometheus import alerts
from infrastructure.event_log.metrics import BUSINESS
from tests.system.watch.runbook import SECTIONS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("board", ALL, ids=lambda board: board.uid)
def test_a_dashboard_is_as_its_code_writes_it(board: Board) -> None:
    assert (FOLDER / f"{board.uid}.json").read_text(encoding="utf-8") == written(board), (
        "python -m docker.grafana.boards"
    )


def test_no_dashboard_is_left_over() -> None:
    assert {each.stem for each in FOLDER.glob("*.json")} == {each.uid for each in ALL}


@pytest.mark.parametrize("board", ALL, ids=lambda board: board.uid)
def test_every_panel_says_what_it_means(board: Board) -> None:
    titles = [panel.title for panel in board.panels]
    assert len(titles) == len({*titles})
    for panel in board.panels:
        assert panel.title
        assert panel.unit, panel.title
        assert panel.questions, panel.title
        assert len(panel.meaning) > 25, panel.title
        assert panel.meaning.endswith("."), panel.title


def test_panels_name_sections_of_the_runbook() -> None:
    text = " ".join(panel.meaning for board in ALL for panel in board.panels)
    named = set(re.findall(r"see (\w+) in docs/runbook\.md", text))
    assert named
    assert named <= SECTIONS.keys()


def test_events_that_dashboards_count_are_counted_from_the_start() -> None:
    asked = " ".join(question.expr for board in ALL for panel in board.panels for question in panel.questions)
    assert set(re.findall(r'event="([\w.]+)"', asked)) <= {*BUSINESS}


def test_alerts_are_as_their_code_writes_them() -> None:
    assert alerts.FILE.read_text(encoding="utf-8") == alerts.written(), "python -m docker.prometheus.alerts"


def test_every_alert_is_a_section_of_the_runbook_with_its_severity() -> None:
    assert {each.name for each in alerts.ALERTS} == SECTIONS.keys()
    for each in alerts.ALERTS:
        assert SECTIONS[each.name].strip().startswith(f"`{each.severity}`."), each.name
        assert "\n1. " in SECTIONS[each.name], f"{each.name}: a first step"


def test_one_divisor_shortens_every_window_and_wait() -> None:
    def lengths(divisor: int) -> list[int]:
        sizes = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
        rules = yaml.safe_load(alerts.written(divisor))["groups"][0]["rules"]
        texts = [
            length for rule in rules for length in (*re.findall(r"\[(\w+)\]", rule["expr"]), rule.get("for", "0s"))
        ]
        return [int(text[:-1]) * sizes[text[-1]] for text in texts]

    real, short = lengths(1), lengths(60)
    assert len(real) == len(short)
    assert all(b == round(a / 60) for a, b in zip(real, short, strict=True))
