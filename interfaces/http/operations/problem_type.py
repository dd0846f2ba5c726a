"""Routes of problem types."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json

from domain.errors import NotFound, Refusal
from interfaces.http.framework.errors import STATUS, Unexpected, status_of, title_of
from interfaces.http.framework.fields import Shape
from interfaces.http.framework.needs import Source
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.request_errors import kebab
from interfaces.http.framework.responses import PUBLIC, HttpResponse
from interfaces.http.framework.routing import Router
from interfaces.http.operations.problem_advice import advice, description
from interfaces.http.vocabulary.enum_name import EnumName

router = Router("/problems", "problems", source=Source.PROCESS)


class FieldError(BaseModel):
    """`pointer`: a JSON Pointer into the body, or to a parameter's name where `in` says so."""

    pointer: str
    detail: str
    place: Annotated[Literal["query", "path"], EnumName("ParameterPlace")] | None = Field(None, alias="in")


class Problem(BaseModel):
    """An error (RFC 9457). `type` names the refusal; further members are its facts."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["/problems/slot-taken"])
    title: str
    status: int
    detail: str
    errors: list[FieldError] = Field(default_factory=list, description="On 422: what is invalid, and where.")


class ProblemTypeResponse(Shape):
    """A kind of error. `what_to_do`: what a client or its author can do about it."""

    type: str
    title: str
    status: int
    description: str
    what_to_do: str


class ProblemTypeList(Shape):
    items: list[ProblemTypeResponse]
    next: None


@router.get("", "list_problem_types", ProblemTypeList)
async def find(request: RequestContext) -> Response:  # noqa: ARG001
    """List all problem types, by status."""
    found = sorted(problem_types().values(), key=lambda kind: (kind["status"], kind["type"]))
    return HttpResponse(200, to_json({"items": found, "next": None}), {b"cache-control": PUBLIC})


@router.get("/{name}", "get_problem_type", ProblemTypeResponse)
async def get(request: RequestContext, name: str) -> Response:  # noqa: ARG001
    """Get a problem type: what the `type` of an error means, and what to do about it."""
    found = problem_types().get(name)
    if found is None:
        raise NotFound("problem", name)
    return HttpResponse(200, to_json(found), {b"cache-control": PUBLIC})


def problem_types() -> dict[str, dict[str, Any]]:
    """Every problem type by its name: type, title, status, what to do."""
    kinds = {kind: status_of(kind) for kind in _kinds()} | {Unexpected: 500}
    return {kebab(kind): _told(kind, status) for kind, status in kinds.items()}


def _told(kind: type[Exception], status: int) -> dict[str, Any]:
    name = kebab(kind)
    told = {"type": f"/problems/{name}", "title": title_of(kind), "status": status}
    return {**told, "description": description(title_of(kind), status), "what_to_do": advice(name, status)}


def _kinds() -> Iterator[type[Exception]]:
    todo: list[type[Exception]] = [kind for kind in STATUS if not issubclass(kind, Refusal)]
    todo += Refusal.__subclasses__()
    while todo:
        kind = todo.pop()
        yield kind
        todo += kind.__subclasses__()
