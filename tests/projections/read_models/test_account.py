"""Who can sign in, as what?"""

from datetime import timedelta
from uuid import UUID, uuid4

from domain.people.account import Account
from domain.personal_data import PersonalData
from projections.query.paging import Page
from projections.read_models import account
from tests.projections.story import NOW

ALL = Page(limit=50)
CONTACT = {"email": "ada@example.org", "name": "Ada", "timezone": "UTC", "language": "en"}


def an_account(role: str = "customer", minutes: int = 0, **changes: str) -> Account:
    id = uuid4()
    return Account(
        id=Account.id_of(id),
        by=id,
        account_id=id,
        role=role,
        address=uuid4(),
        contact=PersonalData(id, CONTACT | changes),
        timestamp=NOW + timedelta(minutes=minutes),
    )


async def told(look, id: UUID) -> account.ListedAccount:
    async with look("account") as read:
        found = await account.get(read, id)
    assert found is not None
    return found


async def test_an_account_is_told_as_it_is(write, catch_up, look):
    ada, by, due = an_account(), uuid4(), NOW + timedelta(days=7)
    await write(ada)
    ada.change_contact(by, PersonalData(ada.account_id, CONTACT | {"name": "Ada L."}), NOW)
    ada.change_address(by, uuid4(), PersonalData(ada.account_id, CONTACT | {"email": "a@example.net"}), NOW)
    ada.change_role(by, "provider", NOW)
    ada.ask_forgetting(by, due, cancel_appointments=False, now=NOW)
    await write(ada)
    await catch_up()
    row = await told(look, ada.account_id)
    assert (row.version, row.role, row.standing) == (5, "provider", "active")
    assert (row.email, row.name, row.timezone, row.language) == ("a@example.net", "Ada", "UTC", "en")
    assert (row.created_at, row.forgetting_due) == (NOW, due)
    ada.cancel_forgetting(by, NOW)
    ada.take_guest(uuid4(), NOW)
    ada.disable(by, NOW)
    await write(ada)
    await catch_up()
    row = await told(look, ada.account_id)
    assert (row.version, row.standing, row.forgetting_due) == (8, "disabled", None)
    ada.enable(by, NOW)
    await write(ada)
    await catch_up()
    assert (await told(look, ada.account_id)).standing == "active"


async def test_nothing_personal_is_left_of_who_is_forgotten(write, catch_up, look):
    ada = an_account()
    await write(ada)
    await catch_up()
    ada.forget(uuid4(), NOW)
    await write(ada)
    await catch_up()
    row = await told(look, ada.account_id)
    assert row.standing == "forgotten"
    assert {row.email, row.name, row.timezone, row.language} == {None}


async def test_filters_narrow_and_pages_follow_by_age(write, catch_up, look):
    ada, bea = an_account("admin", 1), an_account(minutes=2, email="bea_50%@example.net", name="Bea")
    carl = an_account(minutes=3, name="Carl")
    carl.disable(uuid4(), NOW)
    await write(bea, carl, ada)
    await catch_up()
    async with look("account") as read:

        async def found(page=ALL, **filters):
            return [row.name for row in (await account.find(read, page, **filters))[0]]

        assert await found() == ["Ada", "Bea", "Carl"]
        assert await found(role="admin") == ["Ada"]
        assert await found(standing="disabled") == ["Carl"]
        assert await found(q="EXAMPLE.NET") == ["Bea"]
        assert await found(q="cARL") == ["Carl"]
        assert await found(q="a_5") == ["Bea"]
        assert await found(q="%") == ["Bea"]
        assert await found(q="_") == ["Bea"]
        first, after = await account.find(read, Page(limit=2))
        assert [row.name for row in first] == ["Ada", "Bea"]
        assert await found(Page(limit=2, after=after)) == ["Carl"]


async def test_who_has_none_is_not_found(look):
    async with look("account") as read:
        assert await account.get(read, uuid4()) is None
