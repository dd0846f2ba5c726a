"""Who offers what, where, tagged how? Events in, answers out."""

from datetime import date
from uuid import uuid4

from domain.catalog.tag import Tag
from domain.kernel import derived_id
from domain.scheduling.interval import Interval
from domain.scheduling.schedule import Schedule
from projections.query.paging import Page
from projections.read_models import directory
from projections.read_models.schedule import of_calendar
from projections.search.search import SearchQuery, find_providers, find_services
from tests.projections.story import NOW, a_provider, a_service, at

ALL = Page(limit=50)


def a_tag(slug: str, name: str | None = None) -> Tag:
    return Tag(id=Tag.id_of(slug), by=uuid4(), slug=slug, name=name or slug, timestamp=NOW)


def shown(listed: object, like: object | None = None) -> dict[str, object]:
    told = {*(like or listed).__dataclass_fields__, "told"} - {"about", "reasons"}
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
        found, end = await find_providers(read, ALL, SearchQuery(now=NOW))
        assert ([shown(each, like=listed) for each in found], end) == ([shown(listed)], None)


async def test_a_service_is_listed_as_it_is(write, catch_up, look):
    service = a_service(a_provider(), name="Haircut", capacity=3)
    await write(service)
    service.change(uuid4(), {"price": 5000}, NOW)
    await write(service)
    await catch_up()
    async with look("directory") as read:
        listed = await directory.service(read, service.id)
        assert shown(listed) == {name: getattr(service, name) for name in shown(listed)}
        found, end = await find_services(read, ALL, SearchQuery(now=NOW))
        assert ([shown(each, like=listed) for each in found], end) == ([shown(listed)], None)


async def test_what_has_ended_is_found_but_not_listed(write, catch_up, look):
    provider = a_provider()
    service, tag = a_service(provider), a_tag("hair")
    provider.deactivate(uuid4(), NOW)
    service.withdraw(uuid4(), NOW)
    tag.retire(uuid4(), NOW)
    await write(provider, service, tag)
    await catch_up()
    async with look("directory") as read:
        for find, id in ((directory.provider, provider.id), (directory.service, service.id)):
            assert (await find(read, id)).status == "ended"
            assert await find(read, uuid4()) is None
        assert await directory.get_tag(read, tag.id) is None
        assert await directory.find_tags(read, ALL) == ([], None)
        for find in (find_providers, find_services):
            assert await find(read, ALL, SearchQuery(now=NOW)) == ([], None)


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
        found, _ = await directory.find_tags(read, ALL)
        assert [(t.slug, t.name, t.version, t.providers, t.services) for t in found] == [
            ("back", "back", 3, 0, 0),
            ("hair", "hair", 1, 2, 1),
            ("rare", "Seldom", 2, 1, 0),
        ]
        assert await directory.get_tag(read, hair.id) == found[1]


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
        told = await of_calendar(read, calendar)
    assert told is not None
    assert shown(told) == {name: getattr(schedule, name) for name in shown(told)}
    assert told.reason(kept) == schedule.reason(kept) == "long dentist"


async def test_where_there_is_no_schedule_none_is_told(look):
    async with look("directory") as read:
        assert await of_calendar(read, derived_id("nobody")) is None


class TestMergedTags:
    """What was tagged with a slug that is no more, has the tag that it leads to."""

    async def test_both_slugs_find_both_and_the_new_one_is_shown(self, write, catch_up, look):
        hair, cuts = a_tag("hair"), a_tag("cuts", "Cuts")
        old, new, both = (a_provider(name, tags=tags) for name, tags in TAGGED)
        cut = a_service(old, tags=["hair", "other"])
        await write(hair, cuts, old, new, both, cut)
        hair.merge(uuid4(), cuts, NOW)
        await write(hair, cuts)
        await catch_up()
        async with look("directory") as read:
            for slug in ("hair", "cuts"):
                found, _ = await find_providers(read, ALL, SearchQuery(now=NOW, tag=slug))
                assert [each.details["name"] for each in found] == ["Both", "New", "Old"]
                assert [each.profile["tags"] for each in found] == [["cuts"], ["cuts"], ["cuts"]]
                services, _ = await find_services(read, ALL, SearchQuery(now=NOW, tag=slug))
                assert [each.terms["tags"] for each in services] == [["cuts", "other"]]
            assert (await directory.provider(read, both.id)).profile["tags"] == ["cuts"]
            assert (await directory.service(read, cut.id)).terms["tags"] == ["cuts", "other"]

    async def test_whoever_has_both_counts_once_and_the_merged_one_is_not_listed(self, write, catch_up, look):
        hair, cuts = a_tag("hair"), a_tag("cuts")
        await write(hair, cuts, *(a_provider(name, tags=tags) for name, tags in TAGGED))
        hair.merge(uuid4(), cuts, NOW)
        await write(hair, cuts)
        await catch_up()
        async with look("directory") as read:
            (listed,), _ = await directory.find_tags(read, ALL)
            assert (listed.slug, listed.aliases, listed.version) == ("cuts", cuts.aliases, cuts.version)
            assert (listed.providers, listed.services) == (3, 0)
            assert await directory.get_tag(read, hair.id) is None

    async def test_chains_lead_to_their_end(self, write, catch_up, look):
        tags = [a_tag(slug) for slug in ("a", "b", "c", "d")]
        await write(*tags, *(a_provider(tag.slug, tags=[tag.slug]) for tag in tags))
        a, b, c, d = tags
        for tag, into in ((c, d), (a, b), (b, d)):  # from either end
            tag.merge(uuid4(), into, NOW)
            await write(tag, into)
        await catch_up()
        async with look("directory") as read:
            for slug in ("a", "b", "c", "d"):
                found, _ = await find_providers(read, ALL, SearchQuery(now=NOW, tag=slug))
                assert [each.profile["tags"] for each in found] == [["d"]] * 4
            assert [(t.slug, t.aliases, t.providers) for t in (await directory.find_tags(read, ALL))[0]] == [
                ("d", ["a", "b", "c"], 4)
            ]

    async def test_a_respelled_tag_is_found_by_either_slug(self, write, catch_up, look):
        tag, claim, provider = a_tag("hair"), a_tag("haar"), a_provider(tags=["hair"])
        await write(tag, provider)
        claim.merge(uuid4(), tag, NOW)
        tag.respell(uuid4(), "haar", NOW)
        await write(tag, claim)
        await catch_up()
        async with look("directory") as read:
            for slug in ("hair", "haar"):
                (found,), _ = await find_providers(read, ALL, SearchQuery(now=NOW, tag=slug))
                assert found.profile["tags"] == ["haar"]
            assert [(t.slug, t.aliases) for t in (await directory.find_tags(read, ALL))[0]] == [("haar", ["hair"])]


TAGGED = (("Old", ["hair"]), ("New", ["cuts"]), ("Both", ["hair", "cuts"]))
