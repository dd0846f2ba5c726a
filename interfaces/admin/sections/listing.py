"""The list of a section: filters, a page of rows, and the way to the next page."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from interfaces.admin.operations import Call, run
from interfaces.admin.page import View
from interfaces.admin.request import PanelRequest
from interfaces.admin.sections.cells import Row, cells, references
from interfaces.admin.sections.inputs import shown
from interfaces.admin.sections.names import names_of
from interfaces.admin.sections.section import Input, InputKind, Section

PERSON = Input("person")
PAGING = ("cursor", "limit")
MOST_PERSONS = 20
_ASKED: Mapping[InputKind, Callable[[str], str]] = {
    InputKind.DAY: lambda text: f"{text}T00:00:00Z",
    InputKind.CHECK: lambda _: "true",
}


async def show_list(asked: PanelRequest, section: Section) -> View:
    sent = {name: text.strip() for name, text in asked.query.items()}
    persons: Sequence[Row] = ()
    query = _query(asked, section, sent)
    if section.person and sent.get(PERSON.name):
        persons = await _persons(asked, sent[PERSON.name])
        if len(persons) != 1:
            return View("list", {**_frame(asked, section, sent), "rows": None, "persons": persons, "more": ""})
        query["customer_id"] = persons[0]["id"]
    answer = await run(asked, Call(section.listing, query=query, after=sent.get("after", "")))
    rows: Sequence[Row] = answer.body["items"]
    names = await names_of(asked, references(rows, section.columns))
    shown_rows = [
        {
            "href": f"{section.path}/{row['id']}" if section.card else "",
            "cells": cells(row, section.columns, asked.language, names),
        }
        for row in rows
    ]
    following = {**sent, "cursor": answer.body["next"]}
    following.pop("done", None)
    more = f"{section.path}?{urlencode(following)}" if answer.body["next"] else ""
    return View("list", {**_frame(asked, section, sent), "rows": shown_rows, "persons": persons, "more": more})


def _query(asked: PanelRequest, section: Section, sent: Mapping[str, str]) -> dict[str, str]:
    """The parameters of the operation: those that the section always sends, the filters, and the page."""
    query = dict(section.given)
    if section.own and asked.sees_own:
        query[section.own] = str(asked.caller.id)
    for wanted in section.filters:
        text = sent.get(wanted.name, "")
        query[wanted.name] = _ASKED[wanted.kind](text) if text and wanted.kind in _ASKED else text
    return query | {name: sent[name] for name in (*section.narrowing, *PAGING) if name in sent}


async def _persons(asked: PanelRequest, name: str) -> Sequence[Row]:
    """The customers with this name that the person may see."""
    found = await run(asked, Call("list_customers", query={"q": name, "limit": str(MOST_PERSONS)}))
    items: Sequence[Row] = found.body["items"]
    return items


def _frame(asked: PanelRequest, section: Section, sent: Mapping[str, str]) -> Mapping[str, Any]:
    filters = [PERSON, *section.filters] if section.person else section.filters
    create = section.create
    return {
        "section": section,
        "filters": [shown(each, sent.get(each.name, ""), asked.language, spot="filter") for each in filters],
        "labels": [asked.language.say(f"field.{column.name}") for column in section.columns],
        "create": f"{section.path}/{create.path}" if create and asked.may(create.operation) else "",
        "narrowed": any(sent.get(each.name) for each in filters),
    }
