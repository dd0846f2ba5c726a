"""Inviting people to an organization: who may, what accepting gives, and when an invitation is over."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from application.access import OPERATOR, SYSTEM, Caller, LinkPurpose, Role
from application.catalog.invitation import (
    ChangeInvitation,
    InviteMember,
    accept_invitation,
    decline_invitation,
    expire_invitation,
    invite_member,
    withdraw_invitation,
)
from application.catalog.organization import (
    AddMember,
    ChangeMember,
    DeleteOrganization,
    RemoveMember,
    RoleCannotJoin,
    add_member,
    change_member,
    delete_organization,
    remove_member,
)
from application.current_state import current_state
from application.notifications.invited_person import invited_person
from application.notifications.links import LASTING, Links, LinkVoid
from application.people.account import ChangeAccount, RegisterAccount, change_account, register_account
from domain.catalog import invitation
from domain.catalog.invitation import InvitationOver, Invitations, TooManyInvitations
from domain.catalog.organization import Organization, Rank, RankTooLow
from domain.errors import Forbidden, NotFound
from domain.kernel import new_id
from domain.people.account import Account
from domain.people.account_status import AccountDisabled
from tests.application.conftest import Clocked
from tests.support.builders import an_organization, somebody

EMAIL = "grace@example.org"
LINKS = Links("https://daybook.test", b"a key of links")


@dataclass
class Salon:
    """An organization with a member of each rank."""

    store: Clocked
    id: UUID
    owner: Caller
    manager: Caller
    staff: Caller

    async def invites(self, by: Caller, rank: Rank = Rank.STAFF, email: str = EMAIL) -> UUID:
        id = new_id()
        said = {"email": email, "address": await self.store.address_id(email), "rank": rank}
        await invite_member(InviteMember(by=by, organization_id=self.id, id=id, **said), self.store)
        return id

    def of(self, id: UUID, by: Caller) -> ChangeInvitation:
        return ChangeInvitation(by=by, organization_id=self.id, invitation_id=id)

    async def members(self) -> dict[UUID, Rank]:
        organization = await current_state(Organization, self.id, self.store)
        assert organization is not None
        return dict(organization.members)

    async def open(self) -> Invitations:
        found = await current_state(Invitations, Invitations.id_of(self.id), self.store)
        assert found is not None
        return found


@pytest.fixture
async def salon(store: Clocked) -> Salon:
    owner, manager, staff = (somebody(Role.PROVIDER) for _ in range(3))
    return Salon(store, await an_organization(store, owner, manager=manager, staff=staff), owner, manager, staff)


async def an_account(store: Clocked, role: Role = Role.CUSTOMER, email: str = EMAIL) -> Caller:
    id = new_id()
    contact: Any = {"email": email, "name": "Grace", "timezone": None, "language": None}
    address = await store.address_id(email)
    said = {"account_id": id, "role": role, "address": address, "contact": contact}
    await register_account(RegisterAccount(by=OPERATOR, **said), store)
    return Caller(id, role)


@pytest.mark.parametrize(
    ("who", "rank", "may"),
    [
        ("owner", Rank.OWNER, True),
        ("owner", Rank.STAFF, True),
        ("manager", Rank.STAFF, True),
        ("manager", Rank.MANAGER, False),
        ("manager", Rank.OWNER, False),
        ("staff", Rank.STAFF, False),
    ],
)
async def test_members_invite_to_ranks_below_their_own_and_owners_to_any(
    salon: Salon, who: str, rank: Rank, may: bool
) -> None:
    by = getattr(salon, who)
    if may:
        id = await salon.invites(by, rank)
        assert (await salon.open()).invitees[id].get("email") == EMAIL
    else:
        with pytest.raises(RankTooLow):
            await salon.invites(by, rank)


async def test_a_stranger_does_not_know_the_organization(salon: Salon) -> None:
    with pytest.raises(NotFound):
        await salon.invites(somebody(Role.PROVIDER))


async def test_accepting_makes_a_member_and_of_a_customer_a_provider(salon: Salon) -> None:
    grace = await an_account(salon.store)
    id = await salon.invites(salon.owner, Rank.MANAGER)
    await accept_invitation(salon.of(id, grace), salon.store)
    account = await current_state(Account, Account.id_of(grace.account), salon.store)
    assert account is not None
    assert account.role == Role.PROVIDER
    assert (await salon.members())[grace.account] is Rank.MANAGER
    with pytest.raises(NotFound):
        await accept_invitation(salon.of(id, grace), salon.store)


async def test_a_member_keeps_the_rank(salon: Salon) -> None:
    grace = await an_account(salon.store, Role.PROVIDER)
    adding = AddMember(by=salon.owner, organization_id=salon.id, account_id=grace.account, rank=Rank.MANAGER)
    await add_member(adding, salon.store)
    id = await salon.invites(salon.owner, Rank.STAFF)
    await accept_invitation(salon.of(id, grace), salon.store)
    assert (await salon.members())[grace.account] is Rank.MANAGER


@pytest.mark.parametrize("act", [accept_invitation, decline_invitation])
async def test_it_is_for_the_account_of_the_address_alone(salon: Salon, act: Any) -> None:
    await an_account(salon.store)
    other = await an_account(salon.store, email="other@example.org")
    id = await salon.invites(salon.owner)
    for by in (other, salon.owner, somebody()):
        with pytest.raises(NotFound):
            await act(salon.of(id, by), salon.store)


async def test_an_account_with_another_role_does_not_join(salon: Salon) -> None:
    grace = await an_account(salon.store, Role.AUDITOR)
    id = await salon.invites(salon.owner)
    with pytest.raises(RoleCannotJoin):
        await accept_invitation(salon.of(id, grace), salon.store)
    adding = AddMember(by=salon.owner, organization_id=salon.id, account_id=grace.account)
    with pytest.raises(RoleCannotJoin):
        await add_member(adding, salon.store)


async def declines(salon: Salon, id: UUID, grace: Caller) -> None:
    await decline_invitation(salon.of(id, grace), salon.store)


async def accepts(salon: Salon, id: UUID, grace: Caller) -> None:
    await accept_invitation(salon.of(id, grace), salon.store)


async def withdraws(salon: Salon, id: UUID, _: Caller) -> None:
    await withdraw_invitation(salon.of(id, salon.manager), salon.store)


async def expires(salon: Salon, id: UUID, _: Caller) -> None:
    salon.store.set_clock(salon.store.now() + invitation.LASTS)
    await expire_invitation(salon.of(id, SYSTEM), salon.store)


async def is_invited_again(salon: Salon, _: UUID, __: Caller) -> None:
    await salon.invites(salon.owner)


ENDS = [declines, accepts, withdraws, expires, is_invited_again]


@pytest.mark.parametrize("end", ENDS)
async def test_the_address_is_gone_when_it_is_over(salon: Salon, end: Any) -> None:
    grace = await an_account(salon.store)
    id = await salon.invites(salon.owner)
    assert await salon.store.knows(id)
    await end(salon, id, grace)
    assert not await salon.store.knows(id)
    assert id not in (await salon.open()).open
    with pytest.raises(NotFound):
        await accept_invitation(salon.of(id, grace), salon.store)


async def is_removed(salon: Salon) -> None:
    command = RemoveMember(by=salon.owner, organization_id=salon.id, account_id=salon.manager.account)
    await remove_member(command, salon.store)


async def loses_the_rank(salon: Salon) -> None:
    said = {"organization_id": salon.id, "account_id": salon.manager.account, "rank": Rank.STAFF}
    await change_member(ChangeMember(by=salon.owner, **said), salon.store)


async def the_organization_closes(salon: Salon) -> None:
    await delete_organization(DeleteOrganization(by=salon.owner, organization_id=salon.id), salon.store)


async def time_passes(salon: Salon) -> None:
    salon.store.set_clock(salon.store.now() + invitation.LASTS)


@pytest.mark.parametrize("event", [is_removed, loses_the_rank, the_organization_closes, time_passes])
async def test_it_stands_on_the_rank_of_who_sent_it_the_organization_and_its_time(salon: Salon, event: Any) -> None:
    grace = await an_account(salon.store)
    id = await salon.invites(salon.manager)
    await event(salon)
    with pytest.raises(InvitationOver):
        await accept_invitation(salon.of(id, grace), salon.store)
    assert grace.account not in await salon.members()


async def test_one_of_the_staff_withdraws_none_and_a_manager_none_to_a_rank_as_high(salon: Salon) -> None:
    for by, rank in ((salon.staff, Rank.STAFF), (salon.manager, Rank.MANAGER)):
        id = await salon.invites(salon.owner, rank)
        with pytest.raises(RankTooLow):
            await withdraw_invitation(salon.of(id, by), salon.store)


async def test_there_is_a_most_of_open_invitations(salon: Salon) -> None:
    for n in range(invitation.MOST):
        await salon.invites(salon.owner, email=f"{n}@example.org")
    with pytest.raises(TooManyInvitations):
        await salon.invites(salon.owner)
    await salon.invites(salon.owner, email="1@example.org")


async def test_expiring_before_the_time_does_nothing(salon: Salon) -> None:
    id = await salon.invites(salon.owner)
    await expire_invitation(salon.of(id, SYSTEM), salon.store)
    assert id in (await salon.open()).open


class TestLink:
    async def opened(self, salon: Salon, email: str = EMAIL, purpose: LinkPurpose = LinkPurpose.INVITATION) -> Any:
        now = salon.store.now()
        link = LINKS.signed(purpose, salon.id, email, now + LASTING, "en")
        capability = LINKS.open(link.partition("t=")[2].partition("&")[0], salon.id, now)
        return await invited_person(capability, LINKS, salon.store)

    async def test_is_of_the_invited_mailbox_with_or_without_account(self, salon: Salon) -> None:
        id = await salon.invites(salon.owner)
        person = await self.opened(salon)
        assert (person.invitation_id, person.account) == (id, None)
        assert person.holder.caller == (await self.opened(salon)).holder.caller, "the same account at each try"
        grace = await an_account(salon.store)
        assert (await self.opened(salon)).holder.caller.account == grace.account

    async def test_of_another_mailbox_or_purpose_or_of_an_ended_invitation_is_void(self, salon: Salon) -> None:
        id = await salon.invites(salon.owner)
        for said in ({"email": "other@example.org"}, {"purpose": LinkPurpose.MAILS}):
            with pytest.raises((InvitationOver, LinkVoid)):
                await self.opened(salon, **said)
        await withdraw_invitation(salon.of(id, salon.owner), salon.store)
        with pytest.raises(InvitationOver):
            await self.opened(salon)

    async def test_permits_nothing_else(self, salon: Salon) -> None:
        await salon.invites(salon.owner)
        await an_account(salon.store)
        caller = (await self.opened(salon)).holder.caller
        with pytest.raises(Forbidden, match="does not permit"):
            await add_member(AddMember(by=caller, organization_id=salon.id, account_id=new_id()), salon.store)


async def test_a_disabled_account_does_not_join(salon: Salon) -> None:
    grace = await an_account(salon.store)
    id = await salon.invites(salon.owner)
    await change_account(ChangeAccount(by=somebody(Role.ADMIN), account_id=grace.account, disabled=True), salon.store)
    with pytest.raises(AccountDisabled):
        await accept_invitation(salon.of(id, grace), salon.store)
