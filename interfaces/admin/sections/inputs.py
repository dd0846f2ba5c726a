"""Fields of forms: from text to JSON, and from JSON to text."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from domain.scheduling.wallclock import instant, zone
from interfaces.admin.request import PanelRequest
from interfaces.admin.sections.section import Input, InputKind, PanelForm
from interfaces.admin.wording import Language
from interfaces.http.framework.request_errors import InvalidFields

Row = Mapping[str, Any]
_FALSE = ""


def text_of(wanted: Input, row: Row) -> str:
    """What the thing has, as text of the field."""
    value = row.get(wanted.name)
    match wanted.kind:
        case InputKind.CHECK:
            return "on" if value else _FALSE
        case InputKind.WORDS | InputKind.NUMBERS:
            return ", ".join(map(str, value or ()))
        case InputKind.WALL_CLOCK:
            local = datetime.fromisoformat(row[wanted.name]).astimezone(zone(row["timezone"]))
            return f"{local:%Y-%m-%dT%H:%M}"
        case _:
            return "" if value is None else str(value)


def body_of(form: PanelForm, sent: Mapping[str, str], row: Row | None) -> dict[str, Any]:
    """The body of the operation: of an edit, only what was changed; else what was filled in."""
    found: dict[str, Any] = {}
    for wanted in form.inputs:
        text = _plain(wanted, sent)
        if (
            wanted.in_query
            or wanted.in_path
            or (form.edits and row is not None and text == _plain(wanted, _texts(wanted, row)))
        ):
            continue
        if text or form.edits or wanted.kind is InputKind.CHECK:
            _put(found, wanted.name, json_of(wanted, text, row))
    return found


def _put(body: dict[str, Any], name: str, value: Any) -> None:
    """Put a value at its place: `override.reason` is a field of an object."""
    *objects, last = name.split(".")
    for each in objects:
        body = body.setdefault(each, {})
    body[last] = value


def query_of(form: PanelForm, sent: Mapping[str, str]) -> dict[str, str]:
    """The query parameters of the operation."""
    return {wanted.name: sent.get(wanted.name, "").strip() for wanted in form.inputs if wanted.in_query}


async def with_options(asked: PanelRequest, form: PanelForm, row: Row | None) -> PanelForm:
    """The form with the choices that the thing has now."""
    if row is None or not any(each.options for each in form.inputs):
        return form
    inputs = [each if each.options is None else await _with_labels(asked, each, row) for each in form.inputs]
    return replace(form, inputs=inputs)


async def _with_labels(asked: PanelRequest, wanted: Input, row: Row) -> Input:
    assert wanted.options is not None
    return replace(wanted, labels=await wanted.options(asked, row))


def path_of(form: PanelForm, sent: Mapping[str, str]) -> dict[str, str]:
    """The path parameters of the operation besides the id of the card."""
    return {wanted.name: sent.get(wanted.name, "").strip() for wanted in form.inputs if wanted.in_path}


def json_of(wanted: Input, text: str, row: Row | None) -> Any:
    """The value as the API takes it; what is no such value stays text, which the API refuses by name."""
    if wanted.kind is InputKind.WALL_CLOCK:
        assert row is not None
        return instant_text(text, row["timezone"])
    read = _READERS.get(wanted.kind)
    return (text or None) if read is None else read(text)


def shown(
    wanted: Input, value: str, language: Language, errors: Sequence[Mapping[str, Any]] = (), spot: str = ""
) -> Mapping[str, Any]:
    """A field for a template. `spot`: makes its id unique on the page."""
    place = "/" + wanted.name.replace(".", "/")
    wrong = [str(each["detail"]) for each in errors if f"{each.get('pointer', '')}/".startswith(f"{place}/")]
    return {
        "id": f"{spot}-{wanted.name}",
        "name": wanted.name,
        "kind": wanted.kind.value,
        "label": "" if wanted.kind is InputKind.HIDDEN else language.say(f"field.{wanted.name}"),
        "help": _help(wanted, language, spot),
        "value": value,
        "choices": _choices(wanted, language),
        "required": wanted.required,
        "longest": wanted.longest,
        "error": " ".join(wrong),
    }


def _help(wanted: Input, language: Language, spot: str) -> str:
    """The words that help to fill in a field: those of its form, else those of its name; or that there is no choice."""
    keys = (f"help.{spot}.{wanted.name}", f"help.{wanted.name}")
    if wanted.labels is not None and not wanted.labels:
        keys = (wanted.nothing, wanted.nothing)
    return next((language.say(key) for key in keys if language.knows(key)), "")


def _choices(wanted: Input, language: Language) -> Sequence[tuple[str, str]]:
    if wanted.labels is not None:
        return [("", ""), *wanted.labels.items()]
    return [(each, language.value("value", each)) for each in wanted.choices]


def errors_of(error: Exception | None) -> Sequence[Mapping[str, Any]]:
    """The errors of fields that a refusal names."""
    if isinstance(error, InvalidFields):
        return error.errors
    pointer = getattr(error, "pointer", "")
    return [{"pointer": pointer, "detail": str(error)}] if pointer else []


def _texts(wanted: Input, row: Row) -> Mapping[str, str]:
    return {wanted.name: text_of(wanted, row)}


def _plain(wanted: Input, sent: Mapping[str, str]) -> str:
    """The text without blanks around it, its lines ended as everywhere else."""
    return sent.get(wanted.name, "").replace("\r\n", "\n").strip()


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _number(text: str) -> int | str:
    return int(text) if text.lstrip("-").isascii() and text.lstrip("-").isdigit() and len(text) < 16 else text


def instant_text(text: str, timezone: str) -> str:
    """A time on the wall in a zone, as an instant; what is no time stays text."""
    try:
        wall = datetime.fromisoformat(text)
        moment = instant(wall.date(), wall.hour * 60 + wall.minute, zone(timezone))
    except ValueError:
        return text
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


_READERS: Mapping[InputKind, Callable[[str], Any]] = {
    InputKind.AREA: str,
    InputKind.CHECK: lambda text: text != _FALSE,
    InputKind.DAY: lambda text: f"{text}T00:00:00Z" if text else None,
    InputKind.NUMBER: lambda text: _number(text) if text else None,
    InputKind.NUMBERS: lambda text: [_number(each) for each in _parts(text)],
    InputKind.WORDS: _parts,
}
