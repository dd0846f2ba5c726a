"""Every kind of event says who, when, what, why, and by what means, whoever causes it."""

import json
from typing import Any
from uuid import UUID

import pytest

from application.access import OPERATOR, SYSTEM, Caller, LinkPurpose, Role
from application.event_log import Command
from domain.booking.origin import Channel
from domain.kernel import Aggregate, new_id
from infrastructure.event_log.memory_journal import MemoryJournal, memory_store
from tests.golden.test_golden import CLASSES, ID, example

ACCOUNT = new_id()
ASKED: dict[str, Command] = {
    "session": Command(by=Caller(ACCOUNT, Role.PROVIDER, session=new_id()), correlation="r-1"),
    "api key": Command(by=Caller(ACCOUNT, Role.CUSTOMER, key=new_id()), correlation="r-2"),
    "link": Command(by=Caller(ACCOUNT, Role.CUSTOMER, link=LinkPurpose.OFFER), correlation="r-3", channel=Channel.PAGE),
    "code": Command(by=Caller(ACCOUNT, Role.CUSTOMER, means="code"), correlation="r-4"),
    "job": Command(by=SYSTEM, correlation="r-5", cause="job:7"),
    "command line": Command(by=OPERATOR),
    "token of release 0.1.0": Command(by=Caller(ACCOUNT, Role.ADMIN)),
}


@pytest.mark.parametrize("kind", CLASSES.values(), ids=lambda kind: kind.TOPIC)
async def test_every_event_says_who_when_what_why_and_by_what_means(kind: type[Any]) -> None:
    for name, asked in ASKED.items():
        store = memory_store()
        async for attempt in store.attempts(asked):
            async with attempt as log:
                await log.record(_aggregate_with(kind))
            break
        assert isinstance(store.journal, MemoryJournal)
        (row,) = store.journal.rows
        said = json.loads(row.metadata)
        assert UUID(said["actor"]) == asked.by.id
        assert said["role"] == asked.by.role
        assert said["correlation"], "the request"
        assert said["via"], "the means"
        assert said["channel"] == asked.channel
        assert said.get("cause", "") == asked.cause, name
        assert (row.topic, row.stream) == (kind.TOPIC, ID)
        assert json.loads(row.state)["timestamp"], "when it happened; the seal says when it was recorded"


def _aggregate_with(kind: type[Any]) -> Aggregate:
    """An aggregate that is about to record an example of the event."""
    aggregate = object.__new__(Aggregate)
    aggregate.__dict__.update(_id=ID, _version=1, _pending_events=[example(kind)])
    return aggregate
