"""Members see the appointments, customers and guests of their organization, and of no other."""

from uuid import UUID, uuid4

import pytest

from domain.catalog.organization import Organization, Rank
from projections.query.ownership import Owner
from projections.query.paging import Page
from projections.read_models import appointment, customer
from tests.projections.story import NOW, a_customer, a_provider, an_appointment, an_organization

ALL = Page(limit=50)


class Salon:
    """An organization of `owner` with `staff`, its provider, and what is there to see."""

    def __init__(self) -> None:
        self.owner, self.staff, self.stranger = uuid4(), uuid4(), uuid4()
        self.organization = an_organization(owner_id=self.owner)
        self.organization.add_member(self.owner, self.staff, Rank.STAFF, Rank.OWNER, NOW)
        self.other = an_organization("Other", self.stranger)
        self.provider = a_provider(organization_id=str(self.organization.id))
        self.patron = a_customer("Patron")
        self.guest = a_customer("Guest", by=self.owner)
        self.guest.share(self.owner, self.organization.id, NOW)
        self.private = a_customer("Private", by=self.owner)
        business = self.organization.id
        self.appointment = an_appointment(self.provider.id, customer_id=self.patron.id, organization_id=business)

    @property
    def everything(self):
        return (
            self.organization,
            self.other,
            self.provider,
            self.patron,
            self.guest,
            self.private,
            self.appointment,
        )


@pytest.fixture
async def salon(write, catch_up) -> Salon:
    it = Salon()
    await write(*it.everything)
    await catch_up()
    return it


async def appointments(look, of: UUID) -> int:
    async with look("agenda") as read:
        found, _ = await appointment.find(read, ALL, owner=Owner(of))
        assert all([await appointment.get(read, each.id, owner=Owner(of)) == each for each in found])
    return len(found)


async def names(look, of: UUID) -> list[str]:
    async with look("customer") as read:
        found, _ = await customer.find(read, ALL, owner=Owner(of))
        assert all([await customer.get(read, each.id, owner=Owner(of)) == each for each in found])
    return [each.name for each in found]


async def test_members_see_the_appointments_of_its_providers(salon, look):
    assert [await appointments(look, of) for of in (salon.owner, salon.staff)] == [1, 1]
    assert await appointments(look, salon.stranger) == 0
    async with look("agenda") as read:
        assert await appointment.get(read, salon.appointment.id, owner=Owner(salon.stranger)) is None


async def test_members_see_its_customers_and_guests_but_not_what_a_colleague_keeps_apart(salon, look):
    assert await names(look, salon.staff) == ["Guest", "Patron"]
    assert await names(look, salon.owner) == ["Guest", "Patron", "Private"]
    assert await names(look, salon.stranger) == []
    assert await names(look, salon.provider.owner_id) == ["Patron"]


async def test_who_was_removed_sees_nothing_of_it_any_more(salon, write, catch_up, look):
    salon.organization.add_member(salon.owner, salon.stranger, Rank.OWNER, Rank.OWNER, NOW)
    salon.organization.remove_member(salon.stranger, salon.staff, Rank.OWNER, NOW)
    salon.organization.remove_member(salon.stranger, salon.owner, Rank.OWNER, NOW)
    await write(salon.organization)
    await catch_up()
    assert [await appointments(look, of) for of in (salon.owner, salon.staff)] == [0, 0]
    assert await names(look, salon.staff) == []
    assert await names(look, salon.owner) == ["Private"], "the guest was made for the organization"
    assert await names(look, salon.stranger) == ["Guest", "Patron"]
    assert await appointments(look, salon.stranger) == 1


@pytest.mark.parametrize("there", [True, False], ids=["to another", "to none"])
async def test_a_provider_who_leaves_takes_no_appointments_and_no_customers_along(salon, write, catch_up, look, there):
    to = str(salon.other.id) if there else None
    salon.provider.change(uuid4(), {"organization_id": to}, NOW)
    await write(salon.provider)
    await catch_up()
    assert await appointments(look, salon.staff) == 1
    assert await names(look, salon.staff) == ["Guest", "Patron"]
    assert await appointments(look, salon.stranger) == 0
    assert await names(look, salon.stranger) == []
    salon.appointment.transfer(uuid4(), salon.other.id if there else None, NOW)
    await write(salon.appointment)
    await catch_up()
    assert await appointments(look, salon.staff) == 0
    assert await names(look, salon.staff) == ["Guest"]
    assert await appointments(look, salon.stranger) == int(there)
    assert await names(look, salon.stranger) == (["Patron"] if there else [])


async def test_nobody_makes_a_colleague_by_adding_them(salon, write, catch_up, look):
    """Whoever is added need not agree: so that alone must show nothing of theirs to who added them."""
    mine = a_provider(owner_id=salon.owner)
    theirs = an_appointment(mine.id, customer_id=salon.patron.id)
    trap: Organization = salon.other
    trap.add_member(salon.stranger, salon.owner, Rank.STAFF, Rank.OWNER, NOW)
    await write(trap, mine, theirs)
    await catch_up()
    assert await appointments(look, salon.stranger) == 0
    assert await names(look, salon.stranger) == []
