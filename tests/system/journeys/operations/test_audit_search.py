"""`daybook audit search` and `request` print what the routes answer, and how far the index has read."""

import asyncio
import json

from sqlalchemy.ext.asyncio import create_async_engine

from projections.engine.projector import Projector
from projections.registry import PROJECTIONS
from tests.conftest import Database
from tests.support.sealed import CODEC
from tests.system.journeys.operations.test_audit import Audit, _renamed_tag, audit

__all__ = ["audit"]  # a fixture


async def _catch_up(database: Database) -> None:
    engine = create_async_engine(database.url)
    await Projector(engine, PROJECTIONS, CODEC).catch_up()
    await engine.dispose()


def test_events_are_found_and_an_index_that_lags_says_so(database: Database, audit: Audit) -> None:
    tag = str(asyncio.run(_renamed_tag(database)))
    assert audit("search") == (0, "", "The index is at 0.0; the log ends at 0.2.\n")
    asyncio.run(_catch_up(database))
    status, said, warned = audit("search", "--stream", tag)
    assert (status, warned) == (0, "")
    assert [line.split()[2:4] for line in said.splitlines()] == [["Tag.Coined", tag], ["Tag.Renamed", tag]]
    found = json.loads(audit("search", "--kind", "Tag", "--newest", "--limit", "1", "--json")[1])
    assert [(each["type"], each["via"]) for each in found] == [("Tag.Renamed", "cli")]
    assert len(audit("search", "--request", found[0]["request"], "--to", found[0]["at"])[1].splitlines()) == 1
    status, said, warned = audit("search", "--from", "yesterday")
    assert (status, said) == (1, "")
    assert warned.startswith("Use RFC 3339")
    status, said, _ = audit("request", found[0]["request"])
    assert (status, [line.split()[2:4] for line in said.splitlines()]) == (0, [["Tag.Renamed", tag]])
    assert json.loads(audit("request", found[0]["request"], "--json")[1])["events"] == found
    status, said, warned = audit("request", "nobody")
    assert (status, said) == (1, "")
    assert warned.startswith("There is no request")
