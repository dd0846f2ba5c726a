"""A tag is coined, renamed, retired and comes back when somebody uses it."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from domain.kernel import new_id
from domain.tag import Tag

NOW = datetime(2026, 5, 1, tzinfo=UTC)
ME = new_id()
Step = Callable[[Tag], None]


def rename(name: str) -> Step:
    return lambda tag: tag.rename(ME, name, NOW)


def retire(tag: Tag) -> None:
    tag.retire(ME, NOW)


def revive(tag: Tag) -> None:
    tag.revive(ME, NOW)


@pytest.mark.parametrize(
    ("history", "step", "recorded"),
    [
        ([], rename("Vegan"), ["Renamed"]),
        ([], rename("vegan"), []),
        ([], retire, ["Retired"]),
        ([retire], retire, []),
        ([], revive, []),
        ([retire], revive, ["Revived"]),
        ([retire, revive], retire, ["Retired"]),
    ],
)
def test_each_change_is_recorded_once_and_none_where_all_stays(
    history: list[Step], step: Step, recorded: list[str]
) -> None:
    tag = Tag(id=Tag.id_of("vegan"), by=ME, slug="vegan", name="vegan", timestamp=NOW)
    for earlier in history:
        earlier(tag)
    tag.pending_events.clear()
    step(tag)
    assert [type(event).__name__ for event in tag.pending_events] == recorded


def test_one_slug_is_one_tag() -> None:
    assert Tag.id_of("vegan") == Tag.id_of("vegan") != Tag.id_of("vegetarian")
