"""Answers to the scripts of the panel: JSON, also for a refusal."""

import json
from typing import Any

from starlette.responses import Response

from domain.booking.origin import OverridableRule
from domain.errors import Refusal
from interfaces.admin.page import HEADERS, View
from interfaces.admin.request import PanelRequest
from interfaces.admin.sections.inputs import errors_of
from interfaces.http.framework.request_errors import kebab
from interfaces.http.framework.responses import HttpResponse

_SET_ASIDE_BY = {str(rule): str(each) for each in OverridableRule for rule in each.rules}


def as_json(asked: PanelRequest, view: View) -> Response:
    """The values of a view; of a refusal also its words, its fields, and the rule that staff may set aside."""
    body: dict[str, Any] = dict(view.values)
    if view.problem is not None:
        body |= _problem(asked, view.problem, view.status)
    return HttpResponse(view.status, json.dumps(body).encode(), HEADERS)


def _problem(asked: PanelRequest, problem: Exception, status: int) -> dict[str, Any]:
    facts = problem.facts if isinstance(problem, Refusal) else {}
    return {
        "problem": asked.language.problem(kebab(type(problem)), status),
        "detail": problem.detail if isinstance(problem, Refusal) else "",
        "errors": [str(each["detail"]) for each in errors_of(problem)],
        "rule": _SET_ASIDE_BY.get(str(facts.get("rule", "")), ""),
    }
