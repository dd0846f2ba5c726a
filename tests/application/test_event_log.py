"""A command is tried until it stands, its refusals are true, and its answer is kept."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from application.access import OPERATOR, SYSTEM, Caller, Role
from application.catalog.tag import CreateTag, create_tag
from application.event_log import Command, ConcurrencyConflict, EventLog, command
from application.scheduling.schedule import ReplaceSchedule, replace_schedule
from domain.booking.origin import Channel
from domain.catalog.tag import Tag
from domain.errors import Conflict, NotFound
from domain.kernel import new_id
from tests.application.conftest import Clocked
from tests.support.builders import a_key, a_provider, an_organization, somebody

ADMIN = somebody(Role.ADMIN)


async def a_tag(store: Clocked) -> Tag:
    return (await create_tag(CreateTag(by=ADMIN, slug="vegan"), store)).aggregate


async def test_a_command_that_somebody_overtook_decides_again(store: Clocked) -> None:
    tag = await a_tag(store)
    tries: list[str] = []

    @command
    async def rename(cmd: Command, log: EventLog, now: datetime) -> Tag:
        mine = await log.edit(Tag, tag.id)
        if not tries:  # somebody else writes meanwhile, unseen by this process
            theirs = mine.own_copy()
            theirs.rename(new_id(), "theirs", now)
            other = Clocked()
            other.journal = store.journal
            async for attempt in other.attempts(cmd):
                async with attempt as elsewhere:
                    await elsewhere.find(Tag, tag.id)
                    await elsewhere.record(theirs)
                break
        tries.append(mine.name)
        mine.rename(new_id(), "mine", now)
        await log.record(mine)
        return mine

    done = await rename(Command(by=ADMIN), store)
    assert tries == ["vegan", "theirs"]
    assert (done.aggregate.name, done.aggregate.version, done.position) == ("mine", 3, 3)


async def test_a_handler_may_ask_for_another_try(store: Clocked) -> None:
    tries: list[datetime] = []

    @command
    async def second_time_lucky(cmd: Command, log: EventLog, now: datetime) -> Tag:
        tries.append(now)
        if len(tries) < 3:
            raise ConcurrencyConflict
        return Tag(id=new_id(), by=ADMIN.account, slug="s", name="s", timestamp=now)

    await second_time_lucky(Command(by=ADMIN), store)
    assert len(tries) == 3


async def test_a_refusal_under_a_key_that_was_carried_out_is_answered_as_then(store: Clocked) -> None:
    """The twin that came second meets what the first one did."""
    tag = await a_tag(store)

    @command
    async def once(cmd: Command, log: EventLog, now: datetime) -> Tag:
        mine = await log.edit(Tag, tag.id)
        if mine.retired:
            raise Conflict("It is retired.")
        mine.retire(cmd.by.account, now)
        await log.record(mine)
        return mine

    cmd = Command(by=ADMIN, key=a_key("once"))
    first, again = await once(cmd, store), await once(cmd, store)
    assert (again.replayed, again.position, again.aggregate.version) == (True, first.position, 2)
    with pytest.raises(Conflict):
        await once(Command(by=ADMIN), store)


async def test_any_other_error_goes_through_and_frees_the_streams(store: Clocked) -> None:
    tag = await a_tag(store)

    @command
    async def broken(cmd: Command, log: EventLog, now: datetime) -> Tag:
        await log.edit(Tag, tag.id)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await broken(Command(by=ADMIN), store)
    assert store.locks._waiting == {}


async def test_what_is_not_there_is_not_found_and_none_where_asked_so(store: Clocked) -> None:
    tag = await a_tag(store)
    seen: list[object] = []

    @command
    async def look(cmd: Command, log: EventLog, now: datetime) -> Tag:
        seen.append(await log.find(Tag, new_id()))
        seen.extend(await log.find_all(Tag, [tag.id, new_id()]))
        seen.extend(await log.edit_all(Tag, [new_id()]))
        with pytest.raises(NotFound):
            await log.load(Tag, new_id())
        with pytest.raises(NotFound):
            await log.edit(Tag, new_id())
        return await log.load(Tag, tag.id)

    done = await look(Command(by=ADMIN), store)
    assert [type(item) for item in seen] == [type(None), Tag, type(None), type(None)]
    assert done.position == store.position


KEY = a_key("once")
SESSION, API_KEY = new_id(), new_id()


@pytest.mark.parametrize(
    ("by", "told", "written"),
    [
        (ADMIN, {"correlation": "c-1", "key": KEY}, {"correlation": "c-1", "key": KEY.value.hex(), "via": "token"}),
        (Caller(ADMIN.id, Role.ADMIN, session=SESSION), {}, {"via": f"session:{SESSION}"}),
        (Caller(ADMIN.id, Role.ADMIN, key=API_KEY), {}, {"via": f"key:{API_KEY}"}),
        (
            SYSTEM,
            {"cause": "job:7", "channel": Channel.WAITLIST},
            {"cause": "job:7", "via": "worker", "channel": "waitlist"},
        ),
        (OPERATOR, {}, {"via": "cli"}),
        (Caller(ADMIN.id, Role.ADMIN, means="code"), {}, {"via": "code"}),
    ],
    ids=["request", "session", "api key", "job", "command line", "code from a mail"],
)
async def test_who_asked_and_why_is_written_beside_each_event(
    store: Clocked, by: Caller, told: dict[str, Any], written: dict[str, str]
) -> None:
    await create_tag(CreateTag(by=by, slug="vegan", **told), store)
    (row,) = store.memory.rows
    found = json.loads(row.metadata)
    if "correlation" not in told:
        assert UUID(found.pop("correlation")), "a request of its own"
    assert found == {"actor": str(by.id), "role": "admin", "channel": "api", **written}


async def test_metadata_says_with_what_rank_in_an_organization_the_actor_acted(store: Clocked) -> None:
    owner, manager, staff = (somebody(Role.PROVIDER) for _ in range(3))
    organization_id = await an_organization(store, owner, manager=manager, staff=staff)
    provider_id = await a_provider(store, owner, organization_id=str(organization_id))
    for n, by in enumerate((manager, staff, owner)):
        weekly = {str(n): [[540, 1020]]}
        change = ReplaceSchedule(by=by, calendar_id=provider_id, timezone="UTC", weekly=weekly)
        await replace_schedule(change, store)
    ranks = [json.loads(row.metadata).get("rank") for row in store.memory.rows[-3:]]
    assert ranks == ["manager", "staff", None], "the provider's owner needs no rank"
