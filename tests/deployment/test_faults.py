"""Every fault that Daybook must survive has a test that causes it, and docs/faults.md says so."""

import ast

import pytest

from tests import faults
from tests.faults import FAULTS, marked_tests, table


def test_every_fault_has_a_test() -> None:
    assert marked_tests().keys() == FAULTS.keys()
    assert "**open**" not in table()


def test_a_fault_without_a_test_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "marked_tests", dict)
    assert table().count("**open**") == len(FAULTS)


def test_tests_in_classes_are_found_and_others_are_not() -> None:
    module = ast.parse(
        "class TestA:\n"
        "    @pytest.mark.fault(3, 4)\n"
        "    async def test_b(self): ...\n"
        "@pytest.mark.long\n"
        "@pytest.mark.fault(5)\n"
        "def test_c(): ...\n"
        "@pytest.mark.long\n"
        "def test_d(): ...\n"
    )
    assert list(faults._marked(module)) == [("TestA::test_b", 3), ("TestA::test_b", 4), ("test_c", 5)]
