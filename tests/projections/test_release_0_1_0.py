"""Release 0.1.0 reads what this release records: fields may be added, and a new kind of event is a decision."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from domain.catalog.provider import Provider
from domain.catalog.service import Service
from domain.kernel import Aggregate
from infrastructure.event_log.memory_journal import MemoryJournal, memory_store
from tests.golden.release import PACKAGES, unpack_release
from tests.golden.test_golden import CLASSES, EXAMPLES
from tests.projections.test_event_versions import story

ROOT = Path(__file__).parents[2]
NEW_KINDS = {
    "Quota.Opened",
    "Quota.Kept",
    "Quota.Freed",
    "Address.OptionalMailsSet",
    "Service.Paused",
    "Service.Resumed",
    "Provider.Paused",
    "Provider.Resumed",
    "Appointment.Transferred",
    "Appointment.MoveRequested",
    "Appointment.MoveDeclined",
    "Appointment.MoveExpired",
    "Appointment.OrphanFound",
    "Appointment.Kept",
    "Appointment.OrphanCleared",
    "Invitations.Opened",
    "Invitations.Invited",
    "Invitations.Accepted",
    "Invitations.Declined",
    "Invitations.Withdrawn",
    "Invitations.Expired",
    "Customer.StaffNoted",
    "Customer.ConsentGiven",
    "Customer.ConsentWithdrawn",
    "Customer.Merged",
    "Customer.Absorbed",
}
"""Release 0.1.0 stops at events of these kinds: CHANGELOG.md says that its processes must be stopped first."""

_READ = """
import json, sys
from uuid import UUID
import domain
from infrastructure.encoding import decode, evolve

told = {}
for stream, rows in json.load(sys.stdin).items():
    events = [decode(topic, state.encode(), UUID(stream), version) for topic, state, version in rows]
    last = evolve(None, events)
    told[stream] = [type(last).__name__, last.version, str(getattr(last, "status", ""))]
json.dump(told, sys.stdout)
"""


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with release 0.1.0."""
    folder = tmp_path_factory.mktemp("release")
    unpack_release(folder, *PACKAGES, "tests/golden/events.json")
    return folder


def read(folder: Path, rows: dict[str, list[Any]]) -> dict[str, Any]:
    """Stream -> kind, version and status, as the earlier release sees them."""
    command = [sys.executable, "-c", _READ]
    run = subprocess.run(
        command, cwd=folder, env={}, input=json.dumps(rows), capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def _status(each: Aggregate) -> str:
    """Services and providers had none."""
    return "" if isinstance(each, Provider | Service) else str(getattr(each, "status", ""))


@pytest.mark.fault(20)
async def test_it_comes_to_the_same_state(earlier: Path) -> None:
    store = memory_store()
    assert isinstance(store.journal, MemoryJournal)
    await story(store)
    rows: dict[str, list[Any]] = {}
    for row in store.journal.rows:
        if row.topic in NEW_KINDS:
            continue
        rows.setdefault(str(row.stream), []).append((row.topic, row.state.decode(), row.version))
    ours, _ = await store.fetch([UUID(stream) for stream in rows])
    expected = {
        str(stream): [type(each).__name__, each.version, _status(each)]
        for stream, each in ours.items()
        if each is not None
    }
    assert read(earlier, rows) == expected


@pytest.mark.fault(20)
def test_it_knows_every_kind_of_event_but_those_that_were_decided_on(earlier: Path) -> None:
    examples = json.loads((earlier / "tests/golden/events.json").read_text())
    known = {each["topic"] for each in examples}
    assert {topic for topic, _ in CLASSES} - known == NEW_KINDS


def test_later_versions_only_add_fields() -> None:
    fields = {(each["topic"], each["class_version"]): {*each["state"]} for each in EXAMPLES}
    for (topic, version), there in fields.items():
        if version > 1:
            assert there > fields[topic, version - 1], f"version {version} of {topic} lacks fields of the one before"


def test_what_release_0_1_0_cannot_read_is_named() -> None:
    page = (ROOT / "docs/upgrading.md").read_text(encoding="utf-8")
    section = page.partition("## From 0.1.0")[2]
    unnamed = [
        kind for kind in NEW_KINDS if f"`{kind}`" not in section and f"`{kind.partition('.')[0]}.*`" not in section
    ]
    assert not unnamed
