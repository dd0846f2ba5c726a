"""Whatever is said, nothing breaks: a problem in the 400s, and nothing stored."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from application.access import Role
from interfaces.http.app import ROUTERS
from interfaces.http.framework.fields import Form
from interfaces.http.framework.parameters import parameters_of
from interfaces.http.framework.routing import Route
from tests.interfaces.http.town import Town, service
from tests.support.builders import somebody
from tests.support.hypothesis_profiles import examples

SURROGATES_TOO = st.characters(codec=None)
ODD_TEXT = st.text(SURROGATES_TOO, max_size=40) | st.sampled_from(
    [
        "\0",
        "\ud800",
        "'; DROP TABLE log.stored_events; --",
        "../../etc/passwd",
        "a\r\nSet-Cookie: x=1",
        "9999-12-31",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59+23:59",
        "2030-03-31T02:30:00+01:00",
        "24:00",
        "Europe/Paris\0",
        "{{7*7}}",
        "\u202e",
    ]
)
ODD_NUMBER = st.integers() | st.floats() | st.sampled_from([10**400, -(10**400), 2**63, -1, 1e308])
ODD: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | ODD_NUMBER | ODD_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ODD_TEXT, inner, max_size=3),
    max_leaves=8,
)
HEADERS = ["Idempotency-Key", "If-Match", "Daybook-Position", "Authorization", "Content-Type", "X-Request-ID"]
WRITES = [
    (method, f"{path}")
    for router in ROUTERS
    for route in router.routes
    for path, methods in [(route.path, route.methods)]  # type: ignore[attr-defined]
    for method in methods
    if method != "GET"
]
BODIES = [
    (route.path, issubclass(body[1], Form))
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, Route) and "POST" in route.methods and "{" not in route.path
    if (body := parameters_of(route.endpoint).body)
]
hostile = settings(max_examples=examples(60), suppress_health_check=list(HealthCheck))


def _path(town: Town, path: str) -> str:
    return (
        path.replace("{provider_id}", town.provider_id)
        .replace("{service_id}", town.service_id)
        .replace("{date}", "2031-12-24")
        .replace("{appointment_id}", town.service_id)
        .replace("{customer_id}", str(town.customer.id))
        .replace("{tag_id}", town.provider_id)
        .replace("{time_off_id}", town.provider_id)
    )


def _valid(town: Town) -> list[tuple[str, str, dict[str, Any]]]:
    """Requests that would be granted."""
    return [
        ("POST", "/v1/appointments", town.booking(customer_id=str(town.customer.id), note="", answers={})),
        ("POST", "/v1/services", service(town.provider_id, window={"kind": "fixed", "from": "2030-01-01"})),
        ("PUT", f"/v1/providers/{town.provider_id}", {"name": "A", "timezone": "UTC", "tags": ["a"]}),
        (
            "POST",
            f"/v1/providers/{town.provider_id}/time-off",
            {"start": town.at("09:00"), "end": town.at("10:00")},
        ),
        (
            "PUT",
            f"/v1/providers/{town.provider_id}/schedule",
            {"timezone": "UTC", "weekly": [{"day": "mon", "from": "09:00", "to": "17:00"}]},
        ),
        ("POST", "/v1/customers", {"name": "A", "email": "a@b.c", "timezone": "UTC", "note": ""}),
    ]


def _fields(said: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    pairs = said.items() if isinstance(said, dict) else enumerate(said) if isinstance(said, list) else ()
    return [at, *(field for name, inner in pairs for field in _fields(inner, (*at, name)))]


def _with(said: Any, at: tuple[Any, ...], value: Any) -> Any:
    if not at:
        return value
    changed = dict(said) if isinstance(said, dict) else list(said)
    changed[at[0]] = _with(said[at[0]], at[1:], value)
    return changed


async def _events(town: Town) -> int:
    head = await town.api.ports.store.journal.peek(None, {})  # type: ignore[attr-defined]
    assert isinstance(head, int)
    return head


async def _check(answer: httpx.Response, town: Town, before: int) -> None:
    """Granted, or a problem that has stored nothing."""
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code
        assert await _events(town) == before


@pytest.mark.fault(22)
@hostile
@given(data=st.data())
async def test_one_odd_value_in_a_body_that_would_do(village: Town, data: st.DataObject):
    method, path, said = data.draw(st.sampled_from(_valid(village)))
    at = data.draw(st.sampled_from(_fields(said)))
    assume(at != ("provider_id",))  # without one, providers are ranked by a read model, which a village has not
    body = json.dumps(_with(said, at, data.draw(ODD))).encode()
    before = await _events(village)
    answer = await village.api.ask(method, path, village.admin, body, if_match="*", idempotency_key="k")
    await _check(answer, village, before)


@pytest.mark.fault(22)
@pytest.mark.usefixtures("unlimited")
@hostile
@given(route=st.sampled_from(WRITES), body=st.binary(max_size=200) | ODD.map(json.dumps).map(str.encode))
async def test_any_bytes_as_a_body(town: Town, route: tuple[str, str], body: bytes):
    method, path = route
    before = await _events(town)
    by = somebody(Role.ADMIN)
    answer = await town.api.ask(method, _path(town, path), by, body, if_match="*", idempotency_key="k")
    await _check(answer, town, before)


@hostile
@given(name=st.sampled_from(HEADERS), value=st.binary(max_size=60) | st.binary(min_size=9000, max_size=9001))
async def test_any_bytes_in_a_header(village: Town, name: str, value: bytes):
    before = await _events(village)
    headers = {"idempotency_key": "k", "if_match": "*", name: value}
    said = village.booking(customer_id=str(village.customer.id))
    answer = await village.api.ask("POST", "/v1/appointments", village.admin, said, **headers)
    await _check(answer, village, before)


@pytest.mark.fault(22)
@pytest.mark.usefixtures("unlimited")
@hostile
@example(route=("PUT", "/v1/tags/{tag_id}"), odd="/", query=b"\x80")
@given(route=st.sampled_from(WRITES), odd=st.text(min_size=1, max_size=30), query=st.binary(max_size=40))
async def test_any_text_in_a_path_and_any_bytes_in_a_query(town: Town, route: tuple[str, str], odd: str, query: bytes):
    method, path = route
    parts = [odd if part.startswith("{") else part for part in path.split("/")]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": "/".join(parts),
        "raw_path": b"/",
        "query_string": query,
        "root_path": "",
        "headers": [(b"if-match", b"*"), (b"idempotency-key", b"k"), _bearer(town)],
        "client": ("127.0.0.1", 1),
        "server": ("daybook.test", 80),
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    before = await _events(town)
    transport = town.api.client._transport
    assert isinstance(transport, httpx.ASGITransport)
    await transport.app(scope, receive, send)  # type: ignore[arg-type]
    assert sent[0]["status"] < 500
    if sent[0]["status"] >= 400:
        assert await _events(town) == before


def _bearer(town: Town) -> tuple[bytes, bytes]:
    token = town.api.tokens.issue(town.admin.account, town.admin.role)
    return b"authorization", f"Bearer {token}".encode()


@pytest.mark.fault(22)
@pytest.mark.parametrize(("path", "form"), BODIES)
async def test_ten_megabytes_are_too_much_and_a_deep_body_too_deep(village: Town, path: str, form: bool):
    large = await village.api.post(path, b'"' + b"x" * 10_000_000 + b'"', village.admin, idempotency_key="k")
    deep = await village.api.post(path, b'{"name":' * 50_000, village.admin, idempotency_key="k")
    assert (large.status_code, deep.status_code) == (413, 415 if form else 400)


TWICE = [b'{"x": 1, "x": 1}', b'{"y": [{"x": 1, "x": 2}]}', b'{"x": 1, "\\u0078": 2}', b'{"": 1, "": 2}']


@pytest.mark.parametrize("body", TWICE)
@pytest.mark.parametrize("path", [path for path, form in BODIES if not form])
async def test_a_member_that_is_there_twice_is_malformed(village: Town, path: str, body: bytes):
    answer = await village.api.post(path, body, village.admin, idempotency_key="k")
    assert answer.status_code == 400, answer.text
    assert "more than once" in answer.json()["detail"]


async def test_a_valid_body_with_a_member_twice_stores_nothing(village: Town):
    before = await _events(village)
    body = b'{"name": "a", "name": "b", "timezone": "UTC"}'
    answer = await village.api.post("/v1/customers", body, village.customer)
    assert (answer.status_code, answer.json()["detail"]) == (
        400,
        "The body has the member `name` more than once in one object.",
    )
    assert await _events(village) == before
