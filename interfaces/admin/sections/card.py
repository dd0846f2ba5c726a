"""The card of a thing: its facts, what is related to it, and the forms that the person may send."""

from collections.abc import Mapping, Sequence
from secrets import token_urlsafe
from typing import Any

from domain.errors import Forbidden
from interfaces.admin.operations import Call, id_parameter, run
from interfaces.admin.page import View
from interfaces.admin.request import PanelRequest
from interfaces.admin.sections.cells import Row, cells, references, value_at
from interfaces.admin.sections.inputs import shown, text_of, with_options
from interfaces.admin.sections.names import Names, names_of
from interfaces.admin.sections.section import NOW, CellKind, Column, PanelForm, Related, Section

MOST_ON_CARD = 4
"""A form with more fields has a page of its own."""


async def row_of(asked: PanelRequest, section: Section, id: str) -> Row:
    """The thing, as fresh as the command before demands; raises NotFound."""
    call = Call(section.card, {id_parameter(section.card): id}, after=asked.query.get("after", ""))
    row: Row = (await run(asked, call)).body
    if section.check is not None:
        await section.check(asked, row)
    return row


async def show_card(asked: PanelRequest, section: Section) -> View:
    id = str(asked.request.path_params["id"])
    row = await row_of(asked, section, id)
    if section.more is not None:
        row = {**row, **await section.more(asked, row)}
    related = [(each, await _items(asked, each, id)) for each in section.related if asked.may(each.operation)]
    wanted = list(references([row], section.facts))
    for each, items in related:
        wanted += references(items, each.columns)
    names = await names_of(asked, wanted)
    values = {
        "section": section,
        "heading": heading(asked, section, row, names),
        "tone": row.get("status") or row.get("standing") or row.get("state") or "",
        "facts": cells(row, section.facts, asked.language, names),
        "forms": [await _form(asked, section, form, row) for form in section.forms if asked.may(form.operation)],
        "listed": _listed(section, id),
        "pages": _pages(asked, section, row),
        "timeline": await section.timeline(asked, row) if section.timeline is not None else (),
        "related": [_table(asked, section, row, each, items, names) for each, items in related],
    }
    return View("card", values)


def _pages(asked: PanelRequest, section: Section, row: Row) -> Sequence[Mapping[str, str]]:
    return [
        {"label": asked.language.say(each.key), "href": f"{section.path}/{row['id']}/{each.end}"}
        for each in section.pages
        if each.only is None or row.get(each.only[0]) == each.only[1]
    ]


def _listed(section: Section, id: str) -> Mapping[str, str] | None:
    """The way to the list of what belongs to the card."""
    if section.listed_by is None:
        return None
    other, parameter = section.listed_by
    return {"section": other, "href": f"/admin/{other}?{parameter}={id}"}


def heading(asked: PanelRequest, section: Section, row: Row, names: Names) -> str:
    """The name of the thing; that of what it refers to, where it has none."""
    value = value_at(row, section.heading)
    fact = next((each for each in section.facts if each.name == section.heading), Column(section.heading))
    text = str(value or "")
    if fact.kind is CellKind.VALUE:
        text = asked.language.value("value", text)
    found = names.get((fact.section, str(value)), text) or asked.language.say("nameless")
    return found if len(found) < 100 else f"{found[:97]}…"


async def _form(asked: PanelRequest, section: Section, form: PanelForm, row: Row) -> Mapping[str, Any]:
    path = f"{section.path}/{row['id']}/{form.path}"
    if form.edits or len(form.inputs) > MOST_ON_CARD:
        return {"operation": form.operation, "href": path, "dangerous": form.dangerous}
    form = await with_options(asked, form, row)
    fields = [shown(each, text_of(each, row) or each.first, asked.language, spot=form.path) for each in form.inputs]
    return form_values(form, path, row, fields)


def form_values(form: PanelForm, path: str, row: Row | None, fields: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """A form for a template. `key`: the same however often it is sent, so that it is done once."""
    return {
        "operation": form.operation,
        "href": "",
        "path": path,
        "dangerous": form.dangerous,
        "version": "" if row is None else row.get("version", ""),
        "key": token_urlsafe(16),
        "fields": fields,
    }


async def _items(asked: PanelRequest, related: Related, id: str) -> Sequence[Row]:
    now = f"{asked.ports.store.now():%Y-%m-%dT%H:%M:%SZ}"
    query = {name: now if text == NOW else text for name, text in related.given.items()}
    path = {} if related.parameter else {id_parameter(related.operation): id}
    query |= {related.parameter: id} if related.parameter else {}
    call = Call(related.operation, path, query=query, after=asked.query.get("after", ""))
    try:
        items: Sequence[Row] = (await run(asked, call)).body["items"]
    except Forbidden:
        return ()
    return items


def _table(
    asked: PanelRequest, section: Section, card: Row, related: Related, items: Sequence[Row], names: Names
) -> Mapping[str, Any]:
    may = related.form is not None and asked.may(related.form.operation)
    return {
        "name": related.name or related.operation,
        "labels": [asked.language.say(f"field.{column.name}") for column in related.columns],
        "rows": [
            {
                "cells": cells(row, related.columns, asked.language, names),
                "href": f"/admin/{related.section}/{row['id']}" if related.section else "",
                "form": _row_form(asked, section, card, related, row) if may else None,
            }
            for row in items
        ],
        "acts": may,
    }


def _row_form(asked: PanelRequest, section: Section, card: Row, related: Related, row: Row) -> Mapping[str, Any] | None:
    """The form of a row, if there is something to do with it."""
    form = related.form
    if form is None or row.get(related.while_null) is not None:
        return None
    fields = [shown(each, str(row["id"]), asked.language, spot=f"{form.path}-{row['id']}") for each in form.inputs]
    return form_values(form, f"{section.path}/{card['id']}/{form.path}", card, fields)
