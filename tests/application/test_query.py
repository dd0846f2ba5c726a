"""A query answers what is so now, and can change nothing."""

import ast
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, get_type_hints

import pytest

import application
from application.access import Role
from application.catalog.tag import CreateTag, DeleteTag, create_tag, delete_tag
from application.current_state import GetCurrentState, get_current_state
from application.event_log import EventLog, EventReader
from application.query import Lookup, query
from domain.catalog.tag import Tag
from domain.errors import Conflict, NotFound
from domain.kernel import new_id
from tests.application.conftest import Clocked
from tests.support.builders import somebody

ADMIN = somebody(Role.ADMIN)
WRITES = {"consult", "edit", "edit_all", "unseal", "record"}


async def a_tag(store: Clocked) -> Tag:
    return (await create_tag(CreateTag(by=ADMIN, slug="vegan"), store)).aggregate


def elsewhere(store: Clocked) -> Clocked:
    """Another process on the same journal, with a cache of its own."""
    other = Clocked()
    other.journal = store.journal
    return other


async def test_the_answer_has_the_position_as_of_which_it_holds(store: Clocked) -> None:
    tag = await a_tag(store)
    found = await get_current_state(GetCurrentState(by=ADMIN, kind=Tag, id=tag.id), store)
    assert (found.aggregate.id, found.position) == (tag.id, store.position)


async def test_what_another_process_changed_is_seen_though_the_cache_is_stale(store: Clocked) -> None:
    tag = await a_tag(store)
    await delete_tag(DeleteTag(by=ADMIN, tag_id=tag.id), elsewhere(store))
    found = await get_current_state(GetCurrentState(by=ADMIN, kind=Tag, id=tag.id), store)
    assert isinstance(found.aggregate, Tag)
    assert (found.aggregate.retired, found.position) == (True, 2)


async def test_a_refusal_from_a_stale_cache_is_no_answer(store: Clocked) -> None:
    tag = await a_tag(store)
    await delete_tag(DeleteTag(by=ADMIN, tag_id=tag.id), elsewhere(store))
    seen: list[bool] = []

    @query
    async def retired(asked: Lookup, log: EventReader, now: datetime) -> datetime:
        seen.append((await log.load(Tag, tag.id)).retired)
        if not seen[-1]:
            raise Conflict
        return now

    await retired(Lookup(by=ADMIN), store)
    assert seen == [False, True]


async def test_what_is_not_there_is_not_found(store: Clocked) -> None:
    with pytest.raises(NotFound):
        await get_current_state(GetCurrentState(by=ADMIN, kind=Tag, id=new_id()), store)


async def test_a_query_has_nothing_to_record_with(store: Clocked) -> None:
    tag = await a_tag(store)

    @query
    async def sly(asked: Lookup, log: Any, now: datetime) -> int:
        mine = (await log.load(Tag, tag.id)).own_copy()
        mine.retire(ADMIN.account, now)
        await log.record(mine)
        return 1

    with pytest.raises(AttributeError, match="record"):
        await sly(Lookup(by=ADMIN), store)
    assert store.position == 1


def test_the_port_of_a_query_reads_and_nothing_else() -> None:
    assert {name for name in vars(EventReader) if not name.startswith("_")} == {"find", "find_all", "load"}
    assert {*vars(EventLog)} >= WRITES
    assert not {"key", "version"} & {*get_type_hints(Lookup)}


def handlers(decorator: str) -> Iterator[ast.AsyncFunctionDef]:
    for path in Path(application.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.AsyncFunctionDef) and decorator in {ast.unparse(d) for d in node.decorator_list}:
                yield node


def methods_of_the_log(handler: ast.AsyncFunctionDef) -> set[str]:
    return {
        node.func.attr
        for node in ast.walk(handler)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == "log"
    }


def test_every_command_records_and_every_query_is_given_the_reading_port() -> None:
    commands, queries = list(handlers("command")), list(handlers("query"))
    assert len(commands) > 50
    assert len(queries) >= 5
    assert [each.name for each in commands if "record" not in methods_of_the_log(each)] == []
    ports = {each.name: ast.unparse(each.args.args[1].annotation or ast.Constant(None)) for each in queries}
    assert {name: port for name, port in ports.items() if port != "EventReader"} == {}
    assert [each.name for each in queries if WRITES & methods_of_the_log(each)] == []
