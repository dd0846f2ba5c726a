"""Cells: fields of JSON as people read them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interfaces.admin.sections.names import Names
from interfaces.admin.sections.section import CellKind, Column
from interfaces.admin.wording import Language

Row = Mapping[str, Any]
STATES = ("status", "standing", "state")
"""Fields whose values are coloured."""
NOTHING = "\N{EN DASH}"


@dataclass(frozen=True)
class Cell:
    """`tone`: the value of a fixed set, by which it is coloured; `href`: a page about it."""

    label: str
    text: str
    href: str = ""
    tone: str = ""


def value_at(row: Row, name: str) -> Any:
    """The value of a field; None where an object on the way is null."""
    found: Any = row
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def references(rows: Iterable[Row], columns: Sequence[Column]) -> Iterable[tuple[str, Any]]:
    """What the rows refer to, by section."""
    named = [column for column in columns if column.kind in {CellKind.REFERENCE, CellKind.ACTOR}]
    for row in rows:
        for column in named:
            if column.kind is CellKind.ACTOR:  # the account of a customer has the customer's id
                yield from (("accounts", row[column.name]), ("customers", row[column.name]))
                continue
            value = value_at(row, column.name)
            for id in value if isinstance(value, list) else [value]:
                yield column.section, id


def cells(row: Row, columns: Sequence[Column], language: Language, names: Names) -> Sequence[Cell]:
    return [_cell(row, column, language, names) for column in columns]


def _cell(row: Row, column: Column, language: Language, names: Names) -> Cell:
    label, value = language.say(f"field.{column.name}"), value_at(row, column.name)
    if column.kind is CellKind.ACTOR:
        return Cell(label, actor_name(str(value or ""), language, names))
    if value is None or value in ("", [], {}):
        return Cell(label, NOTHING)
    match column.kind:
        case CellKind.REFERENCE if not isinstance(value, list):
            href = f"/admin/{column.section}/{value}"
            return Cell(label, names.get((column.section, value), str(value)[:8]), href)
        case CellKind.VALUE:
            tone = str(value) if column.name in STATES else ""
            return Cell(label, language.value("value", str(value)), tone=tone)
        case _:
            return Cell(label, _text(row, column, value, language, names))


def actor_name(actor: str, language: Language, names: Names) -> str:
    """Who did something: an account whose name the person may see, somebody else, or Daybook itself."""
    known = names.get(("accounts", actor)) or names.get(("customers", actor))
    return known or language.say("somebody" if actor else "daybook")


def _text(row: Row, column: Column, value: Any, language: Language, names: Names) -> str:
    if column.kind is CellKind.REFERENCE:
        return ", ".join(names.get((column.section, each), str(each)[:8]) for each in value)
    if column.kind is CellKind.MONEY:
        return language.money(value, row.get("currency") or "EUR")
    if column.kind is CellKind.MOMENT:
        return language.moment(value, value_at(row, column.zone) if column.zone else None)
    write = _WRITERS.get(column.kind, _plain)
    return write(value, language)


def _plain(value: Any, language: Language) -> str:
    if isinstance(value, bool):
        return language.say("yes" if value else "no")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


_WRITERS: Mapping[CellKind, Callable[[Any, Language], str]] = {
    CellKind.DAY: lambda value, language: language.day(value),
    CellKind.MINUTES: lambda value, language: language.say("minutes", count=value),
    CellKind.FACTS: lambda value, _: "; ".join(f"{name}: {each}" for name, each in value.items()),
}
