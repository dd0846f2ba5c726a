"""Who is told of what, and what is there to tell?"""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from domain.catalog.organization import Organization, Rank
from domain.webhooks.webhook import Webhook
from projections.query.ownership import Owner
from projections.query.paging import Page
from projections.query.snapshot import Snapshots
from projections.read_models import webhook
from projections.read_models.jobs.job import job
from tests.projections.story import NOW, a_provider, an_organization

ALL = Page(limit=50)


def a_webhook(**about: UUID) -> Webhook:
    told: dict[str, Any] = {"provider_id": None, "organization_id": None, **about}
    types = ["appointment.booked"]
    return Webhook(id=uuid4(), by=uuid4(), url="https://example.org/", types=types, timestamp=NOW, **told)


async def test_a_webhook_is_told_as_it_is(write, catch_up, look) -> None:
    it = a_webhook(provider_id=uuid4())
    since = await write(it)
    it.change(uuid4(), "https://example.org/2", ["appointment.cancelled"], NOW)
    it.disable("failing", NOW)
    await write(it)
    await catch_up()
    async with look("webhook") as read:
        told = await webhook.get(read, it.id)
    assert told is not None
    same = (
        "id",
        "version",
        "url",
        "types",
        "provider_id",
        "organization_id",
        "state",
        "reason",
        "created_at",
    )
    assert {name: getattr(told, name) for name in same} == {name: getattr(it, name) for name in same}
    assert told.since == since
    it.resume(uuid4(), NOW)
    it.rotate(uuid4(), NOW)
    await write(it)
    await catch_up()
    async with look("webhook") as read:
        told = await webhook.get(read, it.id)
        assert told is not None
        assert (told.state, told.reason, told.version) == ("active", "", it.version)


async def test_a_deleted_one_is_neither_listed_nor_found(write, catch_up, look) -> None:
    it = a_webhook(provider_id=uuid4())
    it.delete(uuid4(), NOW)
    await write(it)
    await catch_up()
    async with look("webhook") as read:
        assert await webhook.get(read, it.id) is None
        assert await webhook.find(read, ALL) == ([], None)


@pytest.fixture
async def three(write, catch_up):
    """An organization with a manager and staff, its provider, and webhooks of all three kinds."""
    manager, staff = uuid4(), uuid4()
    organization = an_organization()
    owner = next(iter(organization.members))
    for account, rank in ((manager, Rank.MANAGER), (staff, Rank.STAFF)):
        organization.add_member(owner, account, rank, Rank.OWNER, NOW)
    provider = a_provider(organization_id=str(organization.id))
    webhooks = (
        a_webhook(provider_id=provider.id),
        a_webhook(organization_id=organization.id),
        a_webhook(provider_id=provider.id, organization_id=organization.id),
    )
    await write(organization, provider, *webhooks)
    await catch_up()
    return organization, provider, manager, staff, [each.id for each in webhooks]


async def test_owners_see_their_providers_webhooks_and_managers_the_organizations(
    three: tuple[Organization, Any, UUID, UUID, list[UUID]], reads: Snapshots
) -> None:
    organization, provider, manager, staff, (own, shared, bound) = three
    expected = {
        provider.owner_id: {own},
        manager: {shared, bound},
        next(iter(organization.members)): {shared, bound},
        staff: set(),
        uuid4(): set(),
    }
    for who, theirs in expected.items():
        async with reads.open("webhook", sees=who) as read:
            assert {each.id for each in (await webhook.find(read, ALL, owner=Owner(who)))[0]} == theirs
            assert {each.id for each in (await webhook.find(read, ALL))[0]} == theirs, "row-level security"
            for id in (own, shared, bound):
                assert (await webhook.get(read, id, owner=Owner(who)) is not None) is (id in theirs)


async def test_a_webhook_has_one_job_for_good(write, catch_up, look) -> None:
    it = a_webhook(provider_id=uuid4())
    await write(it)
    it.disable("failing", NOW)
    it.resume(uuid4(), NOW)
    it.delete(uuid4(), NOW)
    await write(it)
    await catch_up()
    async with look("job") as read:
        rows = (await read.connection.execute(select(job).where(job.c.subject == it.id))).all()
    assert [(row.kind, row.slot, row.key) for row in rows] == [("deliver", "deliver", it.id)]
