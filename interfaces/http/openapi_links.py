"""The links of the OpenAPI document: from the creation of a resource to what can be done with it next."""

from collections.abc import Iterator, Mapping
from typing import Any

Described = dict[str, Any]
_FOLLOWING = ("get", "delete")


def link(paths: Mapping[str, Mapping[str, Described]]) -> None:
    """Link each 201 to the operations on the new resource: reading it, its parts, and deleting it."""
    for path, operations in paths.items():
        created = operations.get("post", {}).get("responses", {}).get("201")
        if created is not None:
            links = dict(_links(path, paths))
            if links:
                created["links"] = links


def _links(path: str, paths: Mapping[str, Mapping[str, Described]]) -> Iterator[tuple[str, Described]]:
    for target, operations in paths.items():
        rest = target.removeprefix(f"{path}/")
        if rest == target or not rest.startswith("{") or rest.count("{") != 1:
            continue
        id = rest[1 : rest.index("}")]
        for method in _FOLLOWING:
            if method in operations:
                yield operations[method]["operationId"], _link(path, id, operations[method])


def _link(path: str, id: str, operation: Described) -> Described:
    given = {name: f"$request.path.{name}" for name in _names(path)}
    parameters = {**given, id: "$response.body#/id"}
    if any(each["name"] == "If-Match" for each in operation.get("parameters", ())):
        parameters["If-Match"] = "$response.header.ETag"
    return {
        "operationId": operation["operationId"],
        "parameters": parameters,
        "description": f"{operation['summary']}, with the `id` of this answer.",
    }


def _names(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]
