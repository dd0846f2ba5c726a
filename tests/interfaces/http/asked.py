"""For every operation of the OpenAPI document a request that succeeds for whoever may make it.

Path and body come from the document: ids by their names, bodies from the examples. What must be new each
time, because the request uses it up, is made in tests/interfaces/http/fresh.py.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlencode

import httpx

from application.access import Caller
from domain.kernel import new_id
from tests.interfaces.http.fresh import FRESH, Parts
from tests.interfaces.http.openapi.committed import DOCUMENT
from tests.interfaces.http.tenants import Tenants

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Asked:
    """A request. `whose`: the id that says of what it is, if a caller may not know of all."""

    method: str
    path: str
    said: Any
    headers: Mapping[str, str]
    by: Caller
    whose: str | None

    def of(self, id: str) -> Asked:
        """The same, of something else."""
        assert self.whose is not None
        said = {k: id if v == self.whose else v for k, v in self.said.items()} if self.said else self.said
        path = self.path.replace(self.whose, id, 1)
        return Asked(self.method, path, said, self.headers, self.by, id)

    async def answer(self, it: Tenants) -> httpx.Response:
        """What is said to it. A key is used once."""
        headers = {k: str(new_id()) if k == "Idempotency-Key" else v for k, v in self.headers.items()}
        said = urlencode(self.said).encode() if headers.get("content-type") == FORM else self.said
        named = {name.replace("-", "_").lower(): value for name, value in headers.items()}
        answering = asyncio.create_task(it.api.ask(self.method, self.path, self.by, said, **named))
        while not (await asyncio.wait([answering], timeout=0.2))[0]:  # it waits for what it has recorded
            await it.api.catch_up()
        return answering.result()


@cache
def operations() -> Mapping[str, tuple[str, str, Mapping[str, Any]]]:
    """Operation -> method, path, description."""
    return {
        operation["operationId"]: (method.upper(), path, operation)
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    }


async def asked(it: Tenants, row: str, caller: str) -> Asked:
    """The request of a row of the table (`operation` or `operation:variant`) as this caller makes it."""
    name = row.partition(":")[0]
    method, path, operation = operations()[name]
    fresh = FRESH.get(row) or FRESH.get(name)
    parts: Parts = await fresh(it, caller) if fresh else {}
    names = {**it.names, **parts}
    headers = {each["name"]: "*" for each in operation.get("parameters", []) if each["in"] == "header"}
    headers = {name: value for name, value in headers.items() if name in {"If-Match", "Idempotency-Key"}}
    content = operation.get("requestBody", {}).get("content", {})
    if FORM in content:
        headers["content-type"] = FORM
    first = re.search(r"\{(\w+)\}", path)
    query = f"?{urlencode(parts['query'])}" if "query" in parts else ""
    return Asked(
        method,
        path.format(**names) + query,
        {**_example(content), **parts.get("said", {})} if content else None,
        headers,
        parts.get("by", it.callers[caller]),
        parts.get("whose") or (names[first[1]] if first else None),
    )


def _example(content: Mapping[str, Any]) -> Mapping[str, Any]:
    (told,) = content.values()
    schema = DOCUMENT["components"]["schemas"][told["schema"]["$ref"].rpartition("/")[2]]
    example: Mapping[str, Any] = schema.get("examples", [{}])[0]
    return example
