"""Whoever follows the runbook at night types commands that exist, and finds the panels that it names."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from docker.grafana.boards import ALL
from interfaces.cli.main import app
from tests.system.watch.runbook import HEAD, SECTIONS, TEXT, commands, italics, words

ROOT = Path(__file__).parents[2]
COMPOSE_FILES = ("docker/services.yml", *(each.name for each in ROOT.glob("docker-compose-*.yml")))
OF_THE_MACHINE = {"df", "curl", "ssh", "timedatectl", "top", "daybook()"}
OF_DOCKER = {"inspect", "system", "image", "builder"}
VALUED = {"--tail", "--since", "--scale"}
VERBS = {"ps", "logs", "exec", "run", "up", "restart"}
PAGES = {"Status", "Targets", "Jobs and mail", "event", "function", "seal", "table"}
"""Of Prometheus, and stressed words."""


@cache
def services() -> set[str]:
    files = [yaml.safe_load((ROOT / each).read_text(encoding="utf-8")) for each in COMPOSE_FILES]
    return {name for file in files for name in file["services"]}


def wrong(typed: Sequence[str]) -> str:
    """What is not there of a command; nothing for one that works."""
    if typed[0] in OF_THE_MACHINE or (typed[:1] == ["docker"] and typed[1] in OF_DOCKER):
        return ""
    if typed[:2] == ["docker", "compose"]:
        return wrong_for_compose(typed[2:])
    if typed[0] == "daybook":
        return wrong_for_daybook(typed[1:])
    return wrong_for_script(typed)


def wrong_for_compose(typed: Sequence[str]) -> str:
    if typed[0] == "-f":
        if not (ROOT / typed[1]).is_file():
            return f"no file {typed[1]}"
        typed = typed[2:]
    verb, rest = typed[0], [*typed[1:]]
    if verb not in VERBS:
        return f"no command {verb}"
    named: list[str] = []
    while rest:
        word = rest.pop(0)
        if word in VALUED:
            value = rest.pop(0)
            named += [value.partition("=")[0]] if word == "--scale" else []
        elif not word.startswith("-"):
            named.append(word)
            if verb in {"exec", "run"}:
                break  # the rest is a command in the container
    return " ".join(f"no service {each}" for each in named if each not in services())


def wrong_for_daybook(typed: Sequence[str]) -> str:
    command: Any = typer.main.get_command(app)
    for word in typed:
        options = {name for parameter in command.params for name in parameter.opts}
        if word.startswith("--"):
            if word not in options:
                return f"no option {word}"
        elif hasattr(command, "commands"):
            if word not in command.commands:
                return f"no command {word}"
            command = command.commands[word]
    return ""


def wrong_for_script(typed: Sequence[str]) -> str:
    script = ROOT / typed[0]
    if not script.is_file():
        return f"no script {typed[0]}"
    usage = subprocess.run([script, "--help"], capture_output=True, text=True, check=True).stdout
    return " ".join(f"no option {word}" for word in typed[1:] if word.startswith("-") and word not in usage)


@pytest.mark.parametrize("alert", SECTIONS)
def test_a_section_says_what_to_type_and_all_of_it_is_there(alert: str) -> None:
    typed = [*commands(SECTIONS[alert])]
    assert typed
    assert {each: wrong(words(each)) for each in typed if wrong(words(each))} == {}


def test_what_an_operator_types_first_is_there() -> None:
    typed = [*commands(HEAD)]
    assert len(typed) >= 4
    assert {each: wrong(words(each)) for each in typed if wrong(words(each))} == {}


@pytest.mark.parametrize(
    "command",
    [
        "docker compose ps --all nothing",
        "docker compose -f nothing.yml ps",
        "docker compose up -d --scale nothing=4",
        "docker compose see",
        "daybook projections nothing",
        "daybook audit verify --nothing",
        "docker/nothing",
        "docker/backup --nothing",
    ],
)
def test_a_command_that_is_not_there_is_found(command: str) -> None:
    assert "nothing" in wrong(words(command)) or "see" in wrong(words(command))


def test_dashboards_rows_panels_and_lines_are_there() -> None:
    there = set(PAGES)
    for board in ALL:
        there |= {board.title, *(title for title, _ in board.rows)}
        for panel in board.panels:
            there |= {panel.title, *(question.legend for question in panel.questions)}
    assert {*italics(TEXT)} <= there
