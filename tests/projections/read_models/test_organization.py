"""Who belongs to which organization, and when is it closed?"""

from datetime import date, timedelta
from uuid import uuid4

from domain.catalog.invitation import LASTS, Invitations, Invitee
from domain.catalog.organization import Rank
from domain.personal_data import PersonalData
from projections.query.ownership import Owner
from projections.query.paging import Page
from projections.read_models import organization
from projections.read_models.organization import ListedHoliday, ListedMember
from tests.projections.story import NOW, an_organization

ALL = Page(limit=50)


async def members(read, id):
    found, _ = await organization.members(read, id, ALL)
    return {each.account_id: each.rank for each in found}


async def test_an_organization_is_told_as_it_is(write, catch_up, look):
    it = an_organization("Ada's", timezone="Europe/Paris")
    await write(it)
    it.change(uuid4(), {"name": "Bea's", "bio": "New."}, NOW)
    it.set_holiday(uuid4(), date(2030, 1, 8), "Eighth", NOW)
    await write(it)
    await catch_up()
    async with look("organization") as read:
        told = await organization.get(read, it.id)
        assert told is not None
        assert (told.version, told.profile, told.closed) == (it.version, it.profile, False)
        assert await organization.find(read, ALL) == ([told], None)
        assert await organization.get(read, uuid4()) is None


async def test_members_are_those_of_the_organization_with_their_rank(write, catch_up, look):
    owner, ada, bob = uuid4(), uuid4(), uuid4()
    it = an_organization(owner_id=owner)
    await write(it)
    it.add_member(owner, ada, Rank.STAFF, Rank.OWNER, NOW)
    it.add_member(owner, bob, Rank.STAFF, Rank.OWNER, NOW)
    it.rank_member(owner, ada, Rank.MANAGER, Rank.OWNER, NOW)
    it.remove_member(bob, bob, Rank.STAFF, NOW)
    await write(it, an_organization())
    await catch_up()
    async with look("organization") as read:
        assert await members(read, it.id) == {owner: "owner", ada: "manager"} == it.members
        assert await organization.member(read, it.id, ada) == ListedMember(ada, "manager")
        assert await organization.member(read, it.id, bob) is None
        told = await organization.get(read, it.id)
        assert told is not None
        assert told.version == it.version


async def test_holidays_come_in_the_order_of_their_dates(write, catch_up, look):
    it, by = an_organization(), uuid4()
    for day, name in ((9, "Ninth"), (8, "Eighth"), (10, "Tenth"), (8, "Second Monday")):
        it.set_holiday(by, date(2030, 1, day), name, NOW)
    it.lift_holiday(by, date(2030, 1, 10), NOW)
    await write(it)
    await catch_up()
    async with look("organization") as read:
        first, after = await organization.holidays(read, it.id, Page(limit=1))
        second, end = await organization.holidays(read, it.id, Page(limit=1, after=after))
        expected = [ListedHoliday("2030-01-08", "Second Monday"), ListedHoliday("2030-01-09", "Ninth")]
        assert [*first, *second] == expected
        assert end is None
        assert (await organization.holidays(read, uuid4(), ALL))[0] == []


async def test_what_is_closed_is_neither_listed_nor_found(write, catch_up, look):
    it = an_organization()
    it.close(uuid4(), NOW)
    await write(it)
    await catch_up()
    async with look("organization") as read:
        assert await organization.get(read, it.id) is None
        assert await organization.find(read, ALL) == ([], None)


async def test_organizations_are_found_by_name_and_by_who_belongs_to_them(write, catch_up, look):
    ada, bob, nobody = uuid4(), uuid4(), uuid4()
    first, second = an_organization("Groß", ada), an_organization("Small", bob)
    second.add_member(bob, ada, Rank.STAFF, Rank.OWNER, NOW)
    await write(first, second)
    await catch_up()
    async with look("organization") as read:

        async def names(**filters):
            found, _ = await organization.find(read, ALL, **filters)
            return [each.profile["name"] for each in found]

        assert await names() == ["Groß", "Small"]
        assert await names(q="GROSS") == ["Groß"]
        assert await names(q="%") == []
        assert await names(member_id=ada) == ["Groß", "Small"]
        assert await names(member_id=bob) == ["Small"]
        assert await names(member_id=ada, of=ada) == ["Groß", "Small"]
        assert await names(member_id=ada, of=bob) == ["Small"], "what they have in common"
        assert await names(member_id=ada, of=nobody) == []
        assert await names(member_id=ada, q="s") == ["Groß", "Small"]


async def test_pages_follow_one_another_by_name(write, catch_up, look):
    await write(*(an_organization(f"O{n % 3}") for n in range(7)))
    await catch_up()
    async with look("organization") as read:
        first, after = await organization.find(read, Page(limit=4))
        second, end = await organization.find(read, Page(limit=4, after=after))
    assert end is None
    assert [each.profile["name"] for each in [*first, *second]] == ["O0", "O0", "O0", "O1", "O1", "O2", "O2"]
    assert len({each.id for each in [*first, *second]}) == 7


async def test_open_invitations_are_listed_until_they_are_over(write, catch_up, look):
    it = an_organization()
    asked = Invitations.of(it.id, NOW)
    ids = [uuid4() for _ in range(5)]
    for n, id in enumerate(ids):
        contact = PersonalData(id, {"email": f"{n}@example.org", "language": None})
        asked.invite(id, Invitee(Rank.STAFF, uuid4(), contact), it.id, NOW + timedelta(seconds=n), as_admin=False)
    await write(it, asked)
    for end in (asked.decline, asked.accept, asked.withdraw):
        end(ids.pop(0), *([uuid4()] if end != asked.decline else []), NOW)
    await write(asked)
    await catch_up()
    async with look("organization") as read:
        found, _ = await organization.invitations(read, it.id, NOW, ALL)
        assert [(each.id, each.email) for each in found] == [(ids[0], "3@example.org"), (ids[1], "4@example.org")]
        assert await organization.invitation(read, ids[0]) == found[0]
        assert found[0].version == asked.open[ids[0]].version
        assert (await organization.invitations(read, it.id, NOW + LASTS + timedelta(seconds=3), ALL))[0] == [found[1]]


async def test_invitations_are_shown_to_owners_and_managers(write, catch_up, look):
    owner, manager, staff = uuid4(), uuid4(), uuid4()
    it = an_organization(owner_id=owner)
    for account, rank in ((manager, Rank.MANAGER), (staff, Rank.STAFF)):
        it.add_member(owner, account, rank, Rank.OWNER, NOW)
    asked, id = Invitations.of(it.id, NOW), uuid4()
    contact = PersonalData(id, {"email": "a@example.org", "language": None})
    asked.invite(id, Invitee(Rank.STAFF, uuid4(), contact), owner, NOW, as_admin=False)
    await write(it, asked)
    await catch_up()
    async with look("organization") as read:
        seen = {
            who: len((await organization.invitations(read, it.id, NOW, ALL, owner=Owner(who)))[0])
            for who in (owner, manager, staff, uuid4())
        }
    assert list(seen.values()) == [1, 1, 0, 0]
