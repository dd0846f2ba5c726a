"""A tag is coined, renamed, retired and comes back when somebody uses it."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from domain.catalog.tag import MergedIntoItself, SlugTaken, Tag, TagMerged, TagRetired
from domain.kernel import new_id

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


def a_tag(slug: str) -> Tag:
    tag = Tag(id=Tag.id_of(slug), by=ME, slug=slug, name=slug, timestamp=NOW)
    tag.pending_events.clear()
    return tag


def recorded(tag: Tag) -> list[str]:
    return [type(event).__name__ for event in tag.pending_events]


def test_merging_is_recorded_on_both_and_the_target_answers_to_all_slugs() -> None:
    a, b, c = a_tag("a"), a_tag("b"), a_tag("c")
    a.merge(ME, b, NOW)
    b.merge(ME, c, NOW)
    assert (recorded(a), recorded(b), recorded(c)) == (["Merged"], ["Absorbed", "Merged"], ["Absorbed"])
    assert (c.slug, c.aliases) == ("c", ["a", "b"])
    assert (a.merged_into, b.merged_into, c.merged_into) == (b.id, c.id, None)


def test_a_tag_can_not_be_merged_into_itself() -> None:
    tag = a_tag("a")
    with pytest.raises(MergedIntoItself):
        tag.merge(ME, tag, NOW)


def test_two_tags_can_not_be_merged_into_each_other() -> None:
    a, b = a_tag("a"), a_tag("b")
    a.merge(ME, b, NOW)
    with pytest.raises(TagMerged):
        b.merge(ME, a, NOW)
    assert b.merged_into is None


def test_a_retired_tag_takes_nothing_in_but_can_be_merged() -> None:
    a, b = a_tag("a"), a_tag("b")
    b.retire(ME, NOW)
    with pytest.raises(TagRetired):
        a.merge(ME, b, NOW)
    assert recorded(a) == []
    b.merge(ME, a, NOW)
    assert a.aliases == ["b"]


def test_what_is_merged_is_changed_no_more() -> None:
    a, b, c = a_tag("a"), a_tag("b"), a_tag("c")
    a.merge(ME, b, NOW)
    for change in (
        rename("A"),
        retire,
        lambda tag: tag.merge(ME, c, NOW),
        lambda tag: tag.respell(ME, "a", NOW),
    ):
        with pytest.raises(TagMerged):
            change(a)


def test_a_tag_is_respelled_by_slugs_of_its_own_only_and_keeps_the_old_one() -> None:
    tag, other = a_tag("hair"), a_tag("haar")
    with pytest.raises(SlugTaken):
        tag.respell(ME, "haar", NOW)
    other.merge(ME, tag, NOW)
    tag.respell(ME, "haar", NOW)
    tag.respell(ME, "haar", NOW)
    assert (tag.slug, tag.aliases, recorded(tag)) == ("haar", ["hair"], ["Absorbed", "Respelled"])
    tag.respell(ME, "hair", NOW)
    assert (tag.slug, tag.aliases) == ("hair", ["haar"])
