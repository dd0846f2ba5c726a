"""The description of a section: its operations, the columns of its list, the facts of its card, its forms."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from interfaces.admin.request import PanelRequest


class CellKind(StrEnum):
    """How a field of JSON is shown. VALUE: one of a fixed set; REFERENCE: the name of what the id is of.

    ACTOR: the account that did something, or Daybook itself.
    """

    TEXT = "text"
    VALUE = "value"
    MOMENT = "moment"
    DAY = "day"
    MONEY = "money"
    MINUTES = "minutes"
    REFERENCE = "reference"
    FACTS = "facts"
    ACTOR = "actor"


class InputKind(StrEnum):
    """How a field is asked. WALL_CLOCK: date and time in the zone of the thing; DAY: a date, that begins in UTC.

    HIDDEN: not asked, but known from where the form stands.
    """

    LINE = "line"
    HIDDEN = "hidden"
    AREA = "area"
    EMAIL = "email"
    NUMBER = "number"
    CHECK = "check"
    CHOICE = "choice"
    WORDS = "words"
    NUMBERS = "numbers"
    WALL_CLOCK = "wall_clock"
    DAY = "day"


@dataclass(frozen=True)
class Column:
    """A field that is shown. `name`: with dots into objects. `section`: of a REFERENCE. `zone`: the zone's field."""

    name: str
    kind: CellKind = CellKind.TEXT
    section: str = ""
    zone: str = ""


@dataclass(frozen=True)
class Input:
    """A field that is asked. `first`: its first value; `longest`: characters of an AREA.

    `in_query`, `in_path`: a parameter of the operation, not a field of its body. `options`: looks up the choices of a
    thing, with their labels; `nothing`: the key of the words for none.
    """

    name: str
    kind: InputKind = InputKind.LINE
    choices: Sequence[str] = ()
    required: bool = False
    in_query: bool = False
    in_path: bool = False
    first: str = ""
    longest: int = 2000
    options: "Options | None" = None
    nothing: str = ""
    labels: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class PanelForm:
    """The form of one operation. `edits`: it begins with what the thing is, and sends only what was changed.

    `dangerous`: it ends or deletes something. `ends`: afterwards there is no card to show.
    """

    operation: str
    inputs: Sequence[Input] = ()
    edits: bool = False
    dangerous: bool = False
    ends: bool = False

    @property
    def path(self) -> str:
        """The last part of its address."""
        return self.operation.replace("_", "-")


NOW = "now"


@dataclass(frozen=True)
class Related:
    """A list on a card, of an operation whose path has the id of the card, or whose parameter takes it.

    `form`: what can be done with a row whose field `while_null` is null; its hidden field takes the row's id.
    `given`: query parameters, NOW for the present; `name`: of its words, where several lists are of one operation.
    `section`: where the rows have cards.
    """

    operation: str
    columns: Sequence[Column]
    parameter: str = ""
    given: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    section: str = ""
    form: PanelForm | None = None
    while_null: str = ""


class CardPage(NamedTuple):
    """A further page of a card. `key`: of its words; `end`: of its address. `only`: the value of a field with it."""

    key: str
    end: str
    only: tuple[str, str] | None = None


Options = Callable[[PanelRequest, Mapping[str, Any]], Awaitable[Mapping[str, str]]]
Check = Callable[[PanelRequest, Mapping[str, Any]], Awaitable[None]]
Timeline = Callable[[PanelRequest, Mapping[str, Any]], Awaitable[Sequence[Mapping[str, Any]]]]
More = Callable[[PanelRequest, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]


@dataclass(frozen=True, kw_only=True)
class Section:
    """`name`: as in the address. `heading`: the field by which a card is named.

    `given`: query parameters of the list that are always sent; `own`: the one that takes the id of a person who sees
    only what is theirs. `narrowing`: those that links from other cards send. `person`: whether the list can be searched
    by the name of a customer. `history`: the operation that says who changed a thing since. `listed_by`: the section
    that lists what belongs to a card, and its parameter. `check`: raises NotFound for a card that the API shows to
    everybody, and the panel only to those who manage the thing. `more`: facts that its operation lacks. `timeline`:
    what has happened to a thing, the oldest first.
    """

    name: str
    listing: str
    columns: Sequence[Column]
    filters: Sequence[Input] = ()
    given: Mapping[str, str] = field(default_factory=dict)
    own: str = ""
    narrowing: Sequence[str] = ()
    person: bool = False
    card: str = ""
    heading: str = "name"
    facts: Sequence[Column] = ()
    create: PanelForm | None = None
    forms: Sequence[PanelForm] = ()
    related: Sequence[Related] = ()
    history: str = ""
    listed_by: tuple[str, str] | None = None
    pages: Sequence[CardPage] = ()
    check: Check | None = None
    more: More | None = None
    timeline: Timeline | None = None

    @property
    def all_forms(self) -> Sequence[PanelForm]:
        """The forms of a card, with those of the rows of its lists."""
        return [*self.forms, *(each.form for each in self.related if each.form is not None)]

    @property
    def path(self) -> str:
        return f"/admin/{self.name}"
