"""Tags are coined by whoever uses them, renamed and retired by admins."""

import pytest

from application.access import ANONYMOUS, Caller, Role
from application.tag import CreateTag, DeleteTag, RenameTag, create_tag, delete_tag, rename_tag
from domain.errors import Forbidden, NotFound, Unauthenticated
from domain.kernel import new_id
from domain.tag import Tag
from tests.application.conftest import Clocked
from tests.builders import a_provider, somebody

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
