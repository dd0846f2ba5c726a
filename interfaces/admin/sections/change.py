"""Sends forms as commands, and shows a form again with the reason why the command was refused."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from starlette.responses import Response

from application.rate_limit import TooManyRequests
from domain.errors import Forbidden, NotFound, Refusal, Stale, Unauthenticated
from interfaces.admin.operations import Answer, Call, id_parameter, run
from interfaces.admin.page import View, ours, see_other
from interfaces.admin.request import PanelRequest
from interfaces.admin.sections.card import form_values, row_of
from interfaces.admin.sections.cells import Row, actor_name
from interfaces.admin.sections.inputs import body_of, errors_of, path_of, query_of, shown, text_of, with_options
from interfaces.admin.sections.names import names_of
from interfaces.admin.sections.section import PanelForm, Section
from interfaces.http.framework.errors import status_of

FINAL = (Forbidden, NotFound, Unauthenticated, TooManyRequests)
"""The refusals that no other entry in the form could change."""


async def show_form(asked: PanelRequest, section: Section, form: PanelForm) -> View:
    asked_for = asked.request.path_params.get("id")
    if not asked.may(form.operation):
        raise Forbidden(f"The role `{asked.caller.role}` may not use `{form.operation}`.")
    row = None if asked_for is None else await row_of(asked, section, str(asked_for))
    return await _view(asked, section, form, row)


async def send_form(asked: PanelRequest, section: Section, form: PanelForm) -> View | Response:
    """Run the operation, then show the thing as it is afterwards."""
    given = asked.request.path_params.get("id")
    id = None if given is None else str(given)
    row = None if id is None else await row_of(asked, section, id)
    try:
        answer = await run(asked, _call(asked, form, id, row))
    except FINAL:
        raise
    except Refusal as error:
        return await _refused(asked, section, form, row, error)
    return see_other(_afterwards(section, form, answer, id, _following(asked)))


def _call(asked: PanelRequest, form: PanelForm, id: str | None, row: Row | None) -> Call:
    parameter = id_parameter(form.operation)
    body = None if _has_no_body(form) else body_of(form, asked.form, row)
    return Call(
        form.operation,
        {parameter: id, **path_of(form, asked.form)} if parameter and id else None,
        query=query_of(form, asked.form),
        body=body,
        version=asked.form.get("version", ""),
        key=asked.form.get("key", ""),
    )


def _has_no_body(form: PanelForm) -> bool:
    return bool(form.inputs) and all(each.in_query or each.in_path for each in form.inputs)


def _afterwards(section: Section, form: PanelForm, answer: Answer, id: str | None, following: str) -> str:
    """The page that the form came from, else the card, else the list: as of the command's position."""
    said = {"done": form.operation} | ({"after": answer.position} if answer.position else {})
    if following:
        return f"{following}{'&' if '?' in following else '?'}{urlencode(said)}"
    shown_id = id or answer.made
    place = section.path if form.ends or not section.card or not shown_id else f"{section.path}/{shown_id}"
    return f"{place}?{urlencode(said)}"


async def _refused(asked: PanelRequest, section: Section, form: PanelForm, row: Row | None, error: Refusal) -> View:
    """The form with what was typed, the reason, and what happened meanwhile. To send it again is to decide again."""
    told: Sequence[Mapping[str, str]] = ()
    if isinstance(error, Stale) and row is not None:
        told = await meanwhile(asked, section, row, asked.form.get("version", ""))
    view = await _view(asked, section, form, row, error)
    return View("form", {**view.values, "meanwhile": told}, status_of(type(error)), error)


async def _view(
    asked: PanelRequest, section: Section, form: PanelForm, row: Row | None, error: Exception | None = None
) -> View:
    form = await with_options(asked, form, row)
    errors, fields = errors_of(error), []
    for each in form.inputs:
        known = text_of(each, row) if row is not None and form.edits else each.first
        value = asked.form.get(each.name, "") if asked.form else known or asked.query.get(each.name, "")
        fields.append(shown(each, value, asked.language, errors, form.path))
    path = f"{section.path}/{row['id']}/{form.path}" if row is not None else f"{section.path}/{form.path}"
    back = f"{section.path}/{row['id']}" if row is not None else section.path
    following = _following(asked)
    shown_form = {**form_values(form, path, row, fields), "next": following}
    return View("form", {"section": section, "form": shown_form, "back": following or back, "meanwhile": ()})


def _following(asked: PanelRequest) -> str:
    """The page of ours to go on with, if the form says one."""
    sent = asked.form.get("next", "") or asked.query.get("next", "")
    return ours(sent) if sent else ""


async def meanwhile(asked: PanelRequest, section: Section, row: Row, seen: str) -> Sequence[Mapping[str, str]]:
    """Who did what since the version that the page was made of; empty where no history is kept."""
    if not section.history or not seen.isdigit():
        return ()
    history = await run(asked, Call(section.history, {id_parameter(section.history): str(row["id"])}))
    later = [each for each in history.body["items"] if each["version"] > int(seen)]
    actors = [each["actor"] for each in later]
    names = await names_of(asked, [(section, actor) for actor in actors for section in ("accounts", "customers")])
    language = asked.language
    return [
        {
            "who": actor_name(str(each["actor"] or ""), language, names),
            "what": language.value("value", each["type"]),
            "when": language.moment(each["at"], row.get("timezone")),
        }
        for each in later
    ]
