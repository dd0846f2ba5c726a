"""Which tests of whole Daybooks `make test` plays too, and a database of each test's own."""

from pathlib import Path

import pytest

from tests.conftest import Database, is_in

ALL = None
# File -> how many of its tests, from the top; what is not told is for `make test-system` alone.
QUICK: dict[str, int | None] = {
    "browser/test_admin_panel.py": 2,
    "browser/test_mail_pages.py": 2,
    "journeys/booking/test_cached.py": 1,
    "journeys/booking/test_closing.py": ALL,
    "journeys/booking/test_machine.py": ALL,
    "journeys/feed/test_pages.py": 1,
    "journeys/feed/test_sink.py": 2,
    "journeys/feed/test_stream.py": 3,
    "journeys/feed/test_stream_load.py": 1,
    "journeys/jobs/test_notices.py": ALL,
    "journeys/jobs/test_webhook.py": ALL,
    "journeys/booking/test_once.py": ALL,
    "journeys/test_people.py": ALL,
    "journeys/test_upgrade.py": 1,
    "journeys/booking/test_race.py": ALL,
    "journeys/operations/test_audit.py": 1,
    "journeys/operations/test_auditors.py": ALL,
    "journeys/operations/test_readme.py": ALL,
    "journeys/booking/test_story.py": ALL,
    "torture/test_supervision.py": 1,
    "journeys/operations/test_up.py": 1,
    "journeys/operations/test_zones.py": 2,
    "worker/test_away.py": 1,
    "worker/test_backlog.py": ALL,
    "worker/test_mail.py": 1,
    "worker/test_worker.py": 2,
    "recipes/test_recipes.py": 4,
    "faults/test_reminders.py": ALL,
    "torture/test_delivery.py": 1,
    "torture/test_storm.py": ALL,
}
HERE = Path(__file__).parent
assert all((HERE / file).exists() for file in QUICK), "a file that moves takes its line with it"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_in(item.path, "system") and not _is_quick(item):
            item.add_marker(pytest.mark.long)


def _is_quick(item: pytest.Item) -> bool:
    assert isinstance(item, pytest.Function)
    many = QUICK.get(str(item.path.relative_to(HERE)), 0)
    tests = [name for name in vars(item.module) if name.startswith("test_")]
    return many is ALL or item.originalname in tests[:many]


@pytest.fixture
def database(own_database: Database) -> Database:
    """Shared with nobody: other processes work on it, and some are killed."""
    return own_database
