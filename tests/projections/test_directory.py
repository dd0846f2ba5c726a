"""Who offers what, where, tagged how? Events in, answers out."""

from datetime import date
from uuid import uuid4

from domain.interval import Interval
from domain.kernel import derived_id
from domain.schedule import Schedule
from domain.tag import Tag
from projections import directory
from projections.page import Page
from tests.projections.story import NOW, a_provider, a_service, at

ALL = Page(limit=50)


def a_tag(slug: str, name: str | None = None) -> Tag:
    return Tag(id=Tag.id_of(slug), by=uuid4(), slug=slug, name=name or slug, timestamp=NOW)


def shown(listed: object) -> dict[str, object]:
    told = {*listed.__dataclass_fields__, "told"} - {"about", "reasons"}
    return {name: getattr(listed, name) for name in told if hasattr(listed, name)}


async def test_a_provider_is_listed_as_it_is(write, catch_up, look):
    provider = a_provider("Ada", tags=["hair"], bio="Cuts.", location={"lat": 48.85, "lon": 2.35})
    await write(provider)
    provider.change(uuid4(), {"name": "Ada Lovelace"}, NOW)
    await write(provider)
    await catch_up()
    async with look("directory") as read:
        listed = await directory.provider(read, provider.id)
        assert shown(listed) == {name: getattr(provider, name) for name in shown(listed)}
        assert await directory.providers(read, ALL) == ([listed], None)


async def test_a_service_is_listed_as_it_is(write, catch_up, look):
    service = a_service(a_provider(), name="Haircut", capacity=3)
    await write(service)
    service.change(uuid4(), {"price": 5000}, NOW)
    await write(service)
    await catch_up()
    async with look("directory") as read:
        listed = await directory.service(read, service.id)
        assert shown(listed) == {name: getattr(service, name) for name in shown(listed)}
        assert await directory.services(read, ALL) == ([listed], None)


async def test_what_has_ended_is_neither_listed_nor_found(write, catch_up, look):
    provider = a_provider()
    service, tag = a_service(provider), a_tag("hair")
    provider.deactivate(uuid4(), NOW)
    service.withdraw(uuid4(), NOW)
    tag.retire(uuid4(), NOW)
    await write(provider, service, tag)
    await catch_up()
    async with look("directory") as read:
        for find in (directory.provider, directory.service, directory.tag):
            for id in (provider.id, service.id, tag.id, uuid4()):
                assert await find(read, id) is None
        for list_all in (directory.providers, directory.services, directory.tags):
            assert await list_all(read, ALL) == ([], None)


async def test_providers_are_found_by_tag_service_organization_and_name(write, catch_up, look):
    organization = uuid4()
    ada = a_provider("Ada", tags=["hair", "nails"])
    bob = a_provider("Bob", organization_id=str(organization))
    cut, gone = a_service(ada), a_service(bob)
    gone.withdraw(uuid4(), NOW)
    await write(bob, ada, cut, gone)
    await catch_up()
    async with look("directory") as read:

        async def names(**filters):
            found, _ = await directory.providers(read, ALL, **filters)
            return [each.told["name"] for each in found]

        assert await names() == ["Ada", "Bob"]
        assert await names(tag="nails") == ["Ada"]
        assert await names(tag="nail") == []
        assert await names(service_id=cut.id) == ["Ada"]
        assert await names(service_id=gone.id) == []
        assert await names(organization_id=organization) == ["Bob"]
        assert await names(q="b") == ["Bob"]
        assert await names(q="AD") == ["Ada"]
        assert await names(q="%") == []
        assert await names(q="_") == []
        assert await names(tag="nails", organization_id=organization) == []


async def test_services_are_found_by_tag_provider_organization_and_name(write, catch_up, look):
    ada, bob, organization = a_provider(), a_provider(), uuid4()
    cut = a_service(ada, name="Cut", tags=["hair"])
    dye = a_service(ada, bob, name="Dye", organization_id=str(organization))
    await write(ada, bob, dye, cut)
    await catch_up()
    async with look("directory") as read:

        async def names(**filters):
            found, _ = await directory.services(read, ALL, **filters)
            return [each.terms["name"] for each in found]

        assert await names() == ["Cut", "Dye"]
        assert await names(tag="hair") == ["Cut"]
        assert await names(provider_id=ada.id) == ["Cut", "Dye"]
        assert await names(provider_id=bob.id) == ["Dye"]
        assert await names(organization_id=organization) == ["Dye"]
        assert await names(q="y") == ["Dye"]


async def test_a_name_is_found_in_any_case_of_any_alphabet(write, catch_up, look):
    await write(a_provider("ÉLODIE Groß"))
    await catch_up()
    async with look("directory") as read:
        for q in ("élodie", "GROSS", "groß"):
            found, _ = await directory.providers(read, ALL, q=q)
            assert len(found) == 1, q


async def test_a_tag_is_listed_with_how_many_have_it(write, catch_up, look):
    hair, rare, back = a_tag("hair"), a_tag("rare", "Rare"), a_tag("back")
    rare.rename(uuid4(), "Seldom", NOW)
    back.retire(uuid4(), NOW)
    back.revive(uuid4(), NOW)
    gone, withdrawn = a_provider(tags=["hair"]), a_service(tags=["hair"])
    gone.deactivate(uuid4(), NOW)
    withdrawn.withdraw(uuid4(), NOW)
    things = [a_provider(tags=["hair"]), a_provider(tags=["hair", "rare"]), a_service(tags=["hair"])]
    await write(hair, rare, back, gone, withdrawn, *things)
    await catch_up()
    async with look("directory") as read:
        found, _ = await directory.tags(read, ALL)
        assert [(t.slug, t.name, t.version, t.providers, t.services) for t in found] == [
            ("rare", "Seldom", 2, 1, 0),
            ("back", "back", 3, 0, 0),
            ("hair", "hair", 1, 2, 1),
        ]
        assert await directory.tag(read, hair.id) == found[2]


async def test_pages_follow_one_another_by_name(write, catch_up, look):
    await write(*(a_provider(f"P{n % 3}") for n in range(7)))
    await catch_up()
    async with look("directory") as read:
        first, after = await directory.providers(read, Page(limit=4))
        second, end = await directory.providers(read, Page(limit=4, after=after))
    assert end is None
    assert [each.told["name"] for each in [*first, *second]] == ["P0", "P0", "P0", "P1", "P1", "P2", "P2"]
    assert len({each.id for each in [*first, *second]}) == 7


async def test_the_schedule_says_what_the_schedule_says_itself(write, catch_up, look):
    calendar, by, kept, dropped = uuid4(), uuid4(), uuid4(), uuid4()
    schedule = Schedule(id=Schedule.id_of(calendar), calendar_id=calendar, timezone="UTC", timestamp=NOW)
    await write(schedule)
    schedule.set_weekly(by, "Europe/Paris", {"0": [[540, 1020]], "5": [[1320, 1560]]}, NOW)
    schedule.override(by, date(2030, 1, 8), [[600, 720]], NOW)
    schedule.override(by, date(2030, 1, 9), [], NOW)
    schedule.override(by, date(2030, 1, 8), [[660, 720]], NOW)
    schedule.override(by, date(2030, 1, 10), [[660, 720]], NOW)
    await write(schedule)
    await catch_up()
    schedule.lift_override(by, date(2030, 1, 10), NOW)
    schedule.take_time_off(by, kept, Interval(at(9), at(10)), "dentist", NOW)
    schedule.take_time_off(by, dropped, Interval(at(8), at(10)), "", NOW)
    schedule.change_time_off(by, kept, Interval(at(9), at(11)), "long dentist", NOW)
    schedule.cancel_time_off(by, dropped, NOW)
    await write(schedule)
    await catch_up()
    async with look("directory") as read:
        told = await directory.schedule(read, calendar)
    assert told is not None
    assert shown(told) == {name: getattr(schedule, name) for name in shown(told)}
    assert told.reason(kept) == schedule.reason(kept) == "long dentist"


async def test_where_there_is_no_schedule_none_is_told(look):
    async with look("directory") as read:
        assert await directory.schedule(read, derived_id("nobody")) is None
