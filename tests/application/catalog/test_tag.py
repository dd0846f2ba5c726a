"""Tags are coined by whoever uses them, renamed and retired by admins."""

import asyncio

import pytest

from application.access import ANONYMOUS, Caller, Role
from application.catalog.provider import (
    ChangeProvider,
    CreateProvider,
    change_provider,
    create_provider,
)
from application.catalog.tag import (
    CreateTag,
    DeleteTag,
    MergeTag,
    RenameTag,
    create_tag,
    delete_tag,
    merge_tag,
    rename_tag,
)
from domain.catalog.tag import MergedIntoItself, SlugTaken, Tag, TagMerged, TagRetired
from domain.errors import Forbidden, Invalid, NotFound, Stale, Unauthenticated
from domain.kernel import new_id
from infrastructure.event_log.event_store import EventStore
from tests.application.conftest import Clocked
from tests.support.builders import a_provider, profile, somebody
from tests.support.sealed import MASTERS

ADMIN, STAFF = somebody(Role.ADMIN), somebody(Role.PROVIDER)


async def test_one_that_exists_is_answered_as_it_is(store: Clocked) -> None:
    first = await create_tag(CreateTag(by=STAFF, slug="vegan", name="Vegan"), store)
    again = await create_tag(CreateTag(by=somebody(Role.PROVIDER), slug="vegan", name="VEGAN"), store)
    assert (again.aggregate.id, again.aggregate.name) == (first.aggregate.id, "Vegan")
    assert store.recorded() == ["Tag.Coined"]


async def test_without_a_name_it_is_called_by_its_slug(store: Clocked) -> None:
    assert (await create_tag(CreateTag(by=STAFF, slug="vegan"), store)).aggregate.name == "vegan"


async def test_a_retired_one_comes_back_when_it_is_used(store: Clocked) -> None:
    tag = (await create_tag(CreateTag(by=STAFF, slug="vegan"), store)).aggregate
    retire = DeleteTag(by=ADMIN, tag_id=tag.id)
    await delete_tag(retire, store)
    await delete_tag(retire, store)
    assert (await create_tag(CreateTag(by=STAFF, slug="vegan"), store)).aggregate.retired is False
    await delete_tag(retire, store)
    await a_provider(store, tags=["vegan"])
    tags = [topic for topic in store.recorded() if topic.startswith("Tag.")]
    assert tags == ["Tag.Coined", "Tag.Retired", "Tag.Revived", "Tag.Retired", "Tag.Revived"]


@pytest.mark.parametrize(
    ("by", "refusal"),
    [
        (ANONYMOUS, Unauthenticated),
        (somebody(Role.CUSTOMER), Forbidden),
        (somebody(Role.AUDITOR), Forbidden),
        (somebody(Role.ANALYST), Forbidden),
        (STAFF, Forbidden),
    ],
)
async def test_only_admins_rename_and_retire(store: Clocked, by: Caller, refusal: type[Exception]) -> None:
    tag = (await create_tag(CreateTag(by=STAFF, slug="vegan"), store)).aggregate
    with pytest.raises(refusal):
        await rename_tag(RenameTag(by=by, tag_id=tag.id, name="X"), store)
    with pytest.raises(refusal):
        await delete_tag(DeleteTag(by=by, tag_id=tag.id), store)
    if by is not STAFF:
        with pytest.raises(refusal):
            await create_tag(CreateTag(by=by, slug="new"), store)
    assert (await rename_tag(RenameTag(by=ADMIN, tag_id=tag.id, name="X"), store)).aggregate.name == "X"


async def test_one_that_does_not_exist_is_not_found(store: Clocked) -> None:
    for id in (new_id(), Tag.id_of("vegan")):
        with pytest.raises(NotFound):
            await rename_tag(RenameTag(by=ADMIN, tag_id=id, name="X"), store)


async def a_tag(store: EventStore, slug: str) -> Tag:
    return (await create_tag(CreateTag(by=STAFF, slug=slug), store)).aggregate


async def merge(store: EventStore, slug: str, into: str, version: int | None = None) -> Tag:
    command = MergeTag(by=ADMIN, tag_id=Tag.id_of(slug), into=Tag.id_of(into), version=version)
    return (await merge_tag(command, store)).aggregate


class TestMerge:
    async def test_only_admins_merge(self, store: Clocked) -> None:
        a, b = [await a_tag(store, slug) for slug in "ab"]
        for by in (STAFF, somebody(), somebody(Role.AUDITOR)):
            with pytest.raises(Forbidden):
                await merge_tag(MergeTag(by=by, tag_id=a.id, into=b.id), store)

    async def test_the_tag_that_stays_is_answered(self, store: Clocked) -> None:
        for slug in "ab":
            await a_tag(store, slug)
        kept = await merge(store, "a", "b")
        assert (kept.slug, kept.aliases) == ("b", ["a"])

    async def test_merged_already_is_not_an_error(self, store: Clocked) -> None:
        for slug in "abc":
            await a_tag(store, slug)
        await merge(store, "a", "b")
        await merge(store, "b", "c")
        before = store.position
        for into in "bc":
            assert (await merge(store, "a", into)).slug == "c"
        assert store.position == before

    async def test_into_one_that_was_merged_means_what_became_of_it(self, store: Clocked) -> None:
        for slug in "abcd":
            await a_tag(store, slug)
        await merge(store, "c", "d")
        await merge(store, "b", "c")
        assert (await merge(store, "a", "b")).slug == "d"

    async def test_no_circle_is_closed(self, store: Clocked) -> None:
        for slug in "abc":
            await a_tag(store, slug)
        await merge(store, "a", "b")
        await merge(store, "b", "c")
        for into in "abc":
            with pytest.raises(MergedIntoItself):
                await merge(store, "c", into)

    async def test_into_a_retired_or_unknown_one_is_refused(self, store: Clocked) -> None:
        a, b = [await a_tag(store, slug) for slug in "ab"]
        await delete_tag(DeleteTag(by=ADMIN, tag_id=b.id), store)
        with pytest.raises(TagRetired):
            await merge(store, "a", "b")
        with pytest.raises(Invalid) as refused:
            await merge(store, "a", "nothing")
        assert refused.value.pointer == "/into"
        with pytest.raises(NotFound):
            await merge(store, "nothing", "a")
        with pytest.raises(Stale):
            await merge(store, "b", "a", version=a.version)

    async def test_what_was_merged_elsewhere_is_not_merged_again(self, store: Clocked) -> None:
        for slug in "abc":
            await a_tag(store, slug)
        await merge(store, "a", "b")
        with pytest.raises(TagMerged):
            await merge(store, "a", "c")

    async def test_of_two_opposite_merges_at_once_one_wins(self, store: Clocked) -> None:
        twin = EventStore(store.memory, MASTERS)  # as another process: with a cache and locks of its own
        for n in range(20):
            a, b = f"a{n}", f"b{n}"
            for slug in (a, b):
                await a_tag(store, slug)
                await a_tag(twin, slug)  # which it knows from now on as it is now
            both = await asyncio.gather(merge(store, a, b), merge(twin, b, a), return_exceptions=True)
            assert sorted(type(each).__name__ for each in both) == ["MergedIntoItself", "Tag"], both
            topics = store.recorded()
            assert topics.count("Tag.Merged") == topics.count("Tag.Absorbed") == n + 1


class TestSlugs:
    async def test_a_tag_gets_another_slug_and_the_old_one_leads_to_it(self, store: Clocked) -> None:
        tag = await a_tag(store, "hair")
        command = RenameTag(by=ADMIN, tag_id=tag.id, name="Haar", slug="haar")
        renamed = (await rename_tag(command, store)).aggregate
        assert (renamed.id, renamed.slug, renamed.name, renamed.aliases) == (tag.id, "haar", "Haar", ["hair"])
        for slug in ("hair", "haar"):
            assert (await a_tag(store, slug)).id == tag.id
        again = (await rename_tag(command, store)).aggregate
        assert again.version == renamed.version
        back = RenameTag(by=ADMIN, tag_id=tag.id, name="Haar", slug="hair")
        assert (await rename_tag(back, store)).aggregate.aliases == ["haar"]

    async def test_a_slug_of_another_tag_is_refused_even_of_a_merged_one(self, store: Clocked) -> None:
        tag = await a_tag(store, "hair")
        for slug in ("beard", "beards"):
            await a_tag(store, slug)
        await merge(store, "beards", "beard")
        before = store.position
        for slug in ("beard", "beards"):
            with pytest.raises(SlugTaken):
                await rename_tag(RenameTag(by=ADMIN, tag_id=tag.id, name="X", slug=slug), store)
        assert store.position == before

    async def test_of_two_tags_that_want_one_slug_at_once_one_gets_it(self, store: Clocked) -> None:
        twin = EventStore(store.memory, MASTERS)
        tags = [await a_tag(by, slug) for slug in ("hair", "beard") for by in (store, twin)][::2]

        async def rename(tag: Tag, by: EventStore) -> Tag:
            return (await rename_tag(RenameTag(by=ADMIN, tag_id=tag.id, name="X", slug="new"), by)).aggregate

        both = await asyncio.gather(rename(tags[0], store), rename(tags[1], twin), return_exceptions=True)
        assert sorted(type(each).__name__ for each in both) == ["SlugTaken", "Tag"]

    async def test_a_new_use_of_a_merged_slug_is_one_of_its_target(self, store: Clocked) -> None:
        for slug in ("hair", "cuts"):
            await a_tag(store, slug)
        await merge(store, "hair", "cuts")
        before = store.position
        made = CreateProvider(by=STAFF, id=new_id(), profile=profile(tags=["hair", "new", "cuts"]))
        provider = (await create_provider(made, store)).aggregate
        assert provider.profile["tags"] == ["cuts", "new"]
        assert [t for t in store.recorded(before) if t.startswith("Tag.")] == ["Tag.Coined"]
        assert (await a_tag(store, "hair")).slug == "cuts"

    async def test_using_a_slug_revives_the_tag_that_it_leads_to(self, store: Clocked) -> None:
        for slug in ("hair", "cuts"):
            await a_tag(store, slug)
        kept = await merge(store, "hair", "cuts")
        await delete_tag(DeleteTag(by=ADMIN, tag_id=kept.id), store)
        before = store.position
        await a_provider(store, tags=["hair"])
        assert [t for t in store.recorded(before) if t.startswith("Tag.")] == ["Tag.Revived"]

    async def test_whatever_else_is_changed_of_a_provider_its_tags_are_spelled_as_they_are_now(
        self, store: Clocked
    ) -> None:
        owner = somebody(Role.PROVIDER)
        id = await a_provider(store, owner, tags=["hair", "rare"])
        await a_tag(store, "cuts")
        await merge(store, "hair", "cuts")
        await delete_tag(DeleteTag(by=ADMIN, tag_id=Tag.id_of("rare")), store)
        before = store.position
        change = ChangeProvider(by=owner, provider_id=id, profile={"bio": "New."})
        assert (await change_provider(change, store)).aggregate.profile["tags"] == ["cuts", "rare"]
        assert store.recorded(before) == ["Provider.Changed"]  # nobody has used the retired one
