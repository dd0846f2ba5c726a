"""Filter and policy of each owned table show the same rows to each kind of person, and these rows."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from domain.catalog.invitation import Invitations
from domain.catalog.organization import Organization, Rank
from domain.kernel import Aggregate
from domain.people.account import Account
from domain.people.customer import Customer
from projections.query.ownership import Owner, Ownership, ownership_of
from projections.query.snapshot import EVERYTHING, Snapshots
from projections.registry import PROJECTIONS
from tests.projections.owned_things import a_client, a_wait, a_webhook, an_account, an_invitation, consents
from tests.projections.read_models.test_hold import a_hold
from tests.projections.story import NOW, a_customer, a_provider, a_service, an_appointment, an_organization

OWNED: dict[str, tuple[str, Ownership]] = {
    table.name: (projection.name, ownership)
    for projection in PROJECTIONS
    for table in projection.tables
    if (ownership := ownership_of(table)) is not None and "id" in table.c  # for feed_entry, see read_models/feed
}


class Town:
    """A salon with members of each rank and provider Ada; Sol, who works alone; clients, guests, a rival salon.

    `people`: name -> account. `things`: table -> name -> id.
    """

    def __init__(self) -> None:
        names = ("owner", "manager", "staff", "former", "ada", "sol", "carl", "dora", "claimant", "rival", "stranger")
        self.people = {name: uuid4() for name in names}
        p = self.people
        self.salon = an_organization(owner_id=p["owner"])
        self._employ(self.salon)
        other = an_organization("Other", p["rival"])
        self.ada = a_provider(owner_id=p["ada"], organization_id=str(self.salon.id))
        self.sol = a_provider("Sol", owner_id=p["sol"])
        carl, dora = a_client(p["carl"]), a_client(p["dora"])
        claimed = a_customer("Claimed", by=p["sol"])
        claimed.claim(p["claimant"], NOW)
        private, shared = a_customer("Private", by=p["staff"]), a_customer("Shared", by=p["staff"])
        shared.share(p["staff"], self.salon.id, NOW)
        clients = {"carl": carl, "dora": dora, "claimed": claimed, "private": private, "shared": shared}
        for each in clients.values():
            consents(each)
        haircut, massage = a_service(self.ada), a_service(self.sol)
        self.things: dict[str, dict[str, Aggregate]] = {
            "account": {name: an_account(p[name]) for name in ("carl", "ada")},
            "agenda_customer": clients,
            "customer": clients,
            "consent": clients,
            "appointment": {
                "carl-ada": an_appointment(self.ada.id, customer_id=carl.id, organization_id=self.salon.id),
                "claimed-ada": an_appointment(self.ada.id, customer_id=claimed.id, organization_id=self.salon.id),
                "dora-sol": an_appointment(self.sol.id, customer_id=dora.id),
                "private-sol": an_appointment(self.sol.id, customer_id=private.id),
            },
            "hold": {
                "carl-ada": a_hold(self.ada.id, customer_id=carl.id),
                "claimed-ada": a_hold(self.ada.id, customer_id=claimed.id),
                "dora-sol": a_hold(self.sol.id, customer_id=dora.id),
                "private-sol": a_hold(self.sol.id, customer_id=private.id),
            },
            "waiting": {
                "carl-ada": a_wait(carl.id, haircut.id, self.ada.id),
                "dora-any-haircut": a_wait(dora.id, haircut.id),
                "dora-any-massage": a_wait(dora.id, massage.id),
                "claimed-sol": a_wait(claimed.id, massage.id, self.sol.id),
            },
            "organization_invitation": {"salon": an_invitation(self.salon.id), "other": an_invitation(other.id)},
            "webhook": {
                "ada": a_webhook(self.ada.id),
                "salon": a_webhook(None, self.salon.id),
                "ada-in-salon": a_webhook(self.ada.id, self.salon.id),
                "sol": a_webhook(self.sol.id),
            },
        }
        self.others = (self.salon, other, self.ada, self.sol, haircut, massage)

    def _employ(self, salon: Organization) -> None:
        p = self.people
        for name, rank in (("manager", Rank.MANAGER), ("staff", Rank.STAFF), ("former", Rank.STAFF)):
            salon.add_member(p["owner"], p[name], rank, Rank.OWNER, NOW)
        salon.remove_member(p["owner"], p["former"], Rank.OWNER, NOW)

    @property
    def everything(self) -> list[Aggregate]:
        return [*self.others, *(each for things in self.things.values() for each in things.values())]


ADAS_APPOINTMENTS, ADAS_LINE = {"carl-ada", "claimed-ada"}, {"carl-ada", "dora-any-haircut"}
OF_SALON = {
    "appointment": ADAS_APPOINTMENTS,
    "hold": ADAS_APPOINTMENTS,
    "agenda_customer": {"carl", "claimed"},
    "waiting": ADAS_LINE,
    "customer": {"carl", "claimed", "shared"},
    "consent": {"shared"},
}
SALONS_WEBHOOKS = {"salon", "ada-in-salon"}

EXPECTED: dict[str, dict[str, set[str]]] = {
    "owner": {**OF_SALON, "webhook": SALONS_WEBHOOKS, "organization_invitation": {"salon"}},
    "manager": {**OF_SALON, "webhook": SALONS_WEBHOOKS, "organization_invitation": {"salon"}},
    "staff": {**OF_SALON, "customer": {"carl", "claimed", "shared", "private"}, "consent": {"shared", "private"}},
    "former": {},
    "ada": {
        "account": {"ada"},
        "appointment": ADAS_APPOINTMENTS,
        "hold": ADAS_APPOINTMENTS,
        "agenda_customer": {"carl", "claimed"},
        "waiting": ADAS_LINE,
        "customer": {"carl", "claimed"},
        "webhook": {"ada"},
    },
    "sol": {
        "appointment": {"dora-sol", "private-sol"},
        "hold": {"dora-sol", "private-sol"},
        "agenda_customer": {"dora", "private"},
        "waiting": {"dora-any-massage", "claimed-sol"},
        "customer": {"dora", "private", "claimed"},
        "consent": {"claimed"},
        "webhook": {"sol"},
    },
    "carl": {
        "account": {"carl"},
        "appointment": {"carl-ada"},
        "hold": {"carl-ada"},
        "agenda_customer": {"carl"},
        "waiting": {"carl-ada"},
        "customer": {"carl"},
        "consent": {"carl"},
    },
    "dora": {
        "appointment": {"dora-sol"},
        "hold": {"dora-sol"},
        "agenda_customer": {"dora"},
        "waiting": {"dora-any-haircut", "dora-any-massage"},
        "customer": {"dora"},
        "consent": {"dora"},
    },
    "claimant": {
        "appointment": {"claimed-ada"},
        "hold": {"claimed-ada"},
        "agenda_customer": {"claimed"},
        "waiting": {"claimed-sol"},
        "customer": {"claimed"},
        "consent": {"claimed"},
    },
    "rival": {"organization_invitation": {"other"}},
    "stranger": {},
}
AS_CUSTOMER = ("carl", "dora", "claimant")
"""Those whose rows stay theirs when they may not act for a provider."""


@pytest.fixture
async def town(write, catch_up) -> Town:
    town = Town()
    await write(*town.everything)
    await catch_up()
    return town


def test_every_owned_table_is_in_the_table_of_this_test() -> None:
    assert set(OWNED) == set(Town().things)


async def test_filter_and_policy_show_each_person_the_same_rows_of_each_table(town: Town, reads: Snapshots) -> None:
    for table, (projection, ownership) in OWNED.items():
        names = {_id_of(thing, table): name for name, thing in town.things[table].items()}
        rows = select(ownership.table.c.id)
        for person, account in town.people.items():
            expected = EXPECTED[person].get(table, set())
            async with reads.open(projection, sees=EVERYTHING) as read:
                filtered = await read.connection.execute(rows.where(ownership.shows(Owner(account))))
                assert {names[id] for id in filtered.scalars()} == expected, f"filter: {person} of {table}"
            async with reads.open(projection, sees=account) as read:
                held_to = await read.connection.execute(rows)
                assert {names[id] for id in held_to.scalars()} == expected, f"policy: {person} of {table}"


async def test_admins_see_every_row_and_nobody_none(town: Town, reads: Snapshots) -> None:
    for table, (projection, ownership) in OWNED.items():
        for sees, count in ((EVERYTHING, len(town.things[table])), (None, 0)):
            async with reads.open(projection, sees=sees) as read:
                rows = await read.connection.execute(select(ownership.table.c.id))
                assert len(rows.all()) == count, f"{sees} of {table}"


async def test_an_owner_who_may_not_act_for_providers_is_shown_their_rows_as_a_customer(
    town: Town, reads: Snapshots
) -> None:
    for table in ("appointment", "waiting", "customer"):
        projection, ownership = OWNED[table]
        names = {_id_of(thing, table): name for name, thing in town.things[table].items()}
        async with reads.open(projection, sees=EVERYTHING) as read:
            for person, account in town.people.items():
                expected = EXPECTED[person].get(table, set()) if person in AS_CUSTOMER else set()
                query = select(ownership.table.c.id).where(ownership.shows(Owner(account, acts=False)))
                found = await read.connection.execute(query)
                assert {names[id] for id in found.scalars()} == expected, f"{person} of {table}"


def _id_of(thing: Aggregate, table: str) -> UUID:
    if isinstance(thing, Customer) and table == "consent":
        return next(iter(thing.consents))
    if isinstance(thing, Invitations):
        return next(iter(thing.open))
    return thing.account_id if isinstance(thing, Account) else thing.id
