"""Requests are counted by operation and status, and nothing that a client sends becomes a label."""

import itertools
from collections.abc import Iterable, Iterator
from uuid import uuid4

import httpx
from prometheus_client import REGISTRY
from prometheus_client.metrics_core import Metric

import interfaces.cli.roles
import interfaces.worker.main
import interfaces.worker.wakeups
from interfaces.http.app import ROUTERS
from interfaces.http.pages.routes import ROUTES as PAGES
from interfaces.http.server.request_metrics import UNROUTED
from tests.interfaces.http.town import Api

LABELS = {
    *("operation", "status", "reason", "command", "event", "outcome", "kind", "source"),
    *("queue", "role", "reader"),
}
"""Each has few values, which the code fixes: no id, address, path, name or text of a person or client."""
PROBLEMS = "list_problem_types"
OPERATIONS = {route.operation for router in ROUTERS for route in router.routes}


def of_daybook(begins: str = "daybook_") -> Iterator[Metric]:
    return (metric for metric in REGISTRY.collect() if metric.name.startswith(begins))


def series(begins: str) -> set[tuple[str, ...]]:
    return {
        (sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items())))
        for metric in of_daybook(begins)
        for sample in metric.samples
    }


def count(operation: str, status: int) -> float:
    labels = {"operation": operation, "status": str(status)}
    return REGISTRY.get_sample_value("daybook_http_requests_total", labels) or 0.0


async def test_a_request_is_counted_with_its_operation_and_status(api: Api) -> None:
    before, missing = count(PROBLEMS, 200), count(UNROUTED, 404)
    took = REGISTRY.get_sample_value
    seconds = took("daybook_http_request_duration_seconds_count", {"operation": PROBLEMS}) or 0.0
    assert (await api.client.get("/problems")).status_code == 200
    assert (await api.client.get("/nowhere")).status_code == 404
    assert count(PROBLEMS, 200) == before + 1
    assert count(UNROUTED, 404) == missing + 1
    assert took("daybook_http_request_duration_seconds_count", {"operation": PROBLEMS}) == seconds + 1


async def attack(web: httpx.AsyncClient) -> None:
    """Paths, ids, queries, methods and headers that were never sent before."""
    routes = [route for router in ROUTERS for route in router.routes]
    for route, method in itertools.product(routes, ("PURGE", "*")):
        (own,) = route.methods
        path = "/".join(uuid4().hex if part.startswith("{") else part for part in route.path.split("/"))
        headers = {"Authorization": f"Bearer {uuid4()}", "X-Request-ID": uuid4().hex, "User-Agent": uuid4().hex}
        await web.request(own if method == "*" else method, path, params={uuid4().hex: uuid4().hex}, headers=headers)
    for _ in range(50):
        await web.get(f"/{uuid4()}/{uuid4()}")
        await web.get(f"/appointments/{uuid4()}?{uuid4()}")


def operations(found: Iterable[Iterable[str]]) -> set[str]:
    return {part.removeprefix("operation=") for each in found for part in each if part.startswith("operation=")}


async def test_no_client_can_make_new_series(api: Api) -> None:
    before = series("daybook_http_")  # of the other tests of this process
    await attack(api.client)
    first = series("daybook_http_")
    await attack(api.client)
    assert series("daybook_http_") == first
    pages = {route.endpoint.__name__ for route in PAGES}
    assert operations(first - before) <= OPERATIONS | pages | {UNROUTED, "root", "openapi", "docs"}
    assert len(operations(first)) > 100


def test_labels_are_few_and_none_is_personal() -> None:
    roles = interfaces.cli.roles, interfaces.worker.main, interfaces.worker.wakeups
    assert all(roles)  # they define the metrics of every role
    found = {name for metric in of_daybook() for sample in metric.samples for name in sample.labels}
    assert found - {"le"} <= LABELS


def test_names_keep_to_the_conventions_of_prometheus() -> None:
    for metric in of_daybook():
        assert not metric.name.endswith(("_count", "_sum", "_bucket", "_milliseconds", "_ms", "_percent")), metric.name
        assert metric.documentation, metric.name
        if metric.type == "counter":
            assert all(each.name.endswith(("_total", "_created")) for each in metric.samples), metric.name
