"""The OpenAPI document is complete, and as committed."""

import json
from typing import Any, get_args

import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import TypeAdapter

from application.access import ACCESS, Role, reads
from interfaces.http.app import ROUTERS, build, document
from interfaces.http.booking.appointments_ahead import EndingResponse
from interfaces.http.framework.needs import Source
from interfaces.http.framework.parameters import parameters_of
from interfaces.http.framework.routing import Route
from interfaces.http.openapi import public_name, routes_of
from interfaces.http.openapi_examples import EXAMPLES
from interfaces.http.operations import problem_type
from tests.interfaces.http.openapi.committed import DOCUMENT

NEEDS = {route.operation: route.needs for route in routes_of(build())}
LOGGED = {route.operation for route in routes_of(build()) if route.source is Source.LOG}
OPERATIONS = [
    pytest.param(path, method.upper(), operation, id=operation["operationId"])
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]


def test_the_committed_document_is_the_apps():
    assert json.loads(json.dumps(document())) == DOCUMENT, "write it anew: daybook openapi > docs/openapi.json"


def test_every_operation_has_an_entry_in_the_table_of_access_and_every_entry_an_operation():
    routes = [r.original_route for r in iter_route_contexts(build().routes)]
    operations = [route.operation_id for route in routes if isinstance(route, APIRoute)]
    assert sorted(operations) == sorted(ACCESS)


def test_every_route_knows_its_caller_first():
    assert all(isinstance(route, Route) for router in ROUTERS for route in router.routes)


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
class TestOperation:
    def test_lists_its_errors(self, path: str, method: str, operation: dict[str, Any]):
        listed = set(operation["responses"])
        assert {"400", "401", "422"} <= listed
        others = set(Role) - set(ACCESS[operation["operationId"]]) - {Role.ANONYMOUS}
        needs = NEEDS[operation["operationId"]]
        assert ("403" in listed) is bool(others or needs.password or needs.also)
        budgeted = "requestBody" in operation and operation["operationId"] in LOGGED
        assert ("429" in listed) is (needs.limit is not None or budgeted)
        if path.startswith("/v1"):
            assert "503" in listed
        if "requestBody" in operation:
            assert {"413", "415"} <= listed
        if method in {"PUT", "PATCH", "DELETE"} and not path.startswith("/v1/auth/"):
            assert {"404", "412", "428"} <= listed

    def test_reads_if_it_is_a_get_and_only_then(self, path: str, method: str, operation: dict[str, Any]):
        assert reads(operation["operationId"]) is (method == "GET")

    def test_says_who_may_ask(self, path: str, method: str, operation: dict[str, Any]):
        name = operation["operationId"]
        public = Role.ANONYMOUS in ACCESS[name]
        assert ({} in operation["security"]) is (public and name in LOGGED)
        assert (not operation["security"]) is (public and name not in LOGGED)

    def test_has_words_for_people(self, path: str, method: str, operation: dict[str, Any]):
        assert operation["summary"]
        assert "\n" not in operation["summary"]
        assert operation["tags"]

    def test_has_examples_of_what_is_said_and_answered(self, path: str, method: str, operation: dict[str, Any]):
        contents = [operation.get("requestBody", {}).get("content", {})]
        contents += [operation["responses"].get(status, {}).get("content", {}) for status in ("200", "201")]
        told = [each for content in contents for each in content.values()]
        assert all("$ref" in each["schema"] or each["example"] for each in told)
        refs = [each["schema"]["$ref"] for each in told if "$ref" in each["schema"]]
        for name in (ref.rpartition("/")[2] for ref in refs):
            schema = DOCUMENT["components"]["schemas"][name]
            shown = "items" in schema["properties"] or name in {
                "Liveness",
                "Readiness",
                "ProblemType",
                "EarliestStarts",
            }
            assert shown or schema["examples"], name


def _models() -> dict[str, Any]:
    models: dict[str, Any] = {"Problem": problem_type.Problem, "Ending": EndingResponse}
    for router in ROUTERS:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            body, answer = parameters_of(route.endpoint).body, route.response_model
            models |= {public_name(model.__name__): model for model in (body and body[1], answer) if model}
            items = getattr(answer, "model_fields", {}).get("items")
            if items is not None:
                (item,) = items.annotation.__args__
                models |= {public_name(each.__name__): each for each in get_args(item) or (item,)}
    return models


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_an_example_is_one(name: str):
    TypeAdapter(_models()[name]).validate_json(json.dumps(EXAMPLES[name]))
