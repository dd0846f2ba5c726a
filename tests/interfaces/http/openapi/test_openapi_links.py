"""The document leads from creation to reading, and shows the messages that webhooks receive."""

import pytest

from domain.webhooks.webhook import TYPES
from tests.interfaces.http.openapi.committed import DOCUMENT

OPERATIONS = {each["operationId"]: each for methods in DOCUMENT["paths"].values() for each in methods.values()}
CREATED = {name: each["responses"]["201"] for name, each in OPERATIONS.items() if "201" in each["responses"]}


@pytest.mark.parametrize("name", CREATED)
def test_a_creation_links_the_operations_on_the_new_resource(name: str) -> None:
    path = next(path for path, methods in DOCUMENT["paths"].items() if OPERATIONS[name] in methods.values())
    below = [
        each for each in DOCUMENT["paths"] if each.startswith(f"{path}/{{") and each.count("/") == path.count("/") + 1
    ]
    readable = [DOCUMENT["paths"][each]["get"]["operationId"] for each in below if "get" in DOCUMENT["paths"][each]]
    assert set(readable) <= set(CREATED[name].get("links", {}))


def test_a_link_gives_every_parameter_that_its_operation_requires() -> None:
    for created in CREATED.values():
        for link in created.get("links", {}).values():
            parameters = OPERATIONS[link["operationId"]]["parameters"]
            assert {each["name"] for each in parameters if each["required"]} == set(link["parameters"])


def test_every_type_of_event_has_its_message() -> None:
    assert list(DOCUMENT["webhooks"]) == list(TYPES)
