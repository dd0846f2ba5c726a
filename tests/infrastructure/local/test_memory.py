"""Servers of tests keep their data in memory, which what was killed must not fill."""

import os
import time
from pathlib import Path

import pytest

from tests.support import instances


def test_what_killed_tests_left_is_removed_and_what_is_in_use_stays(tmp_path: Path) -> None:
    old, young, other = tmp_path / "daybook-test-a", tmp_path / "daybook-test-b", tmp_path / "somebody-s"
    for each in (old, young, other):
        each.mkdir()
        (each / "file").touch()
    for each in (old, other):
        os.utime(each, (time.time() - 8 * 86_400,) * 2)
    instances.remove_left_behind(tmp_path)
    assert {*tmp_path.iterdir()} == {young, other}


@pytest.mark.parametrize(("enough", "there"), [(0, True), (2**60, False)])
def test_little_memory_is_left_alone(enough: int, there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instances, "MEMORY", tmp_path)
    monkeypatch.setattr(instances, "ENOUGH", enough)
    assert instances.servers_folder.__wrapped__() == (str(tmp_path) if there else None)
