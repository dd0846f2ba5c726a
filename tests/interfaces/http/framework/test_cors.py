"""Which web pages may ask, from a browser?"""

from collections.abc import AsyncIterator, Mapping

import httpx
import pytest

from interfaces.http.app import AppOptions, build
from interfaces.http.framework.cors import Origins

OURS, THEIRS = "https://app.example.org", "https://evil.example"
ASKS = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}


@pytest.fixture
async def web() -> AsyncIterator[httpx.AsyncClient]:
    """The app, which one origin may ask."""
    transport = httpx.ASGITransport(build(options=AppOptions(origins=Origins([OURS]))))
    async with httpx.AsyncClient(transport=transport, base_url="http://daybook.test") as client:
        yield client


def allowed(answer: httpx.Response) -> Mapping[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


async def test_a_page_of_an_origin_on_the_list_may_ask(web: httpx.AsyncClient) -> None:
    answer = await web.options("/v1/appointments", headers={"origin": OURS, **ASKS})
    assert answer.status_code == 204
    assert allowed(answer)["access-control-allow-origin"] == OURS
    assert "authorization" in allowed(answer)["access-control-allow-headers"]
    assert "POST" in allowed(answer)["access-control-allow-methods"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/health/live", "/v1/nothing"])
async def test_it_sees_answers_and_problems_with_their_headers(web: httpx.AsyncClient, path: str) -> None:
    answer = await web.get(path, headers={"origin": OURS})
    assert allowed(answer)["access-control-allow-origin"] == OURS
    assert "daybook-position" in allowed(answer)["access-control-expose-headers"]


@pytest.mark.parametrize("origin", [THEIRS, OURS + ".evil.example", OURS.upper(), "null", "*", ""])
async def test_no_other_page_does(web: httpx.AsyncClient, origin: str) -> None:
    asked = await web.options("/v1/appointments", headers={"origin": origin, **ASKS})
    seen = await web.get("/health/live", headers={"origin": origin})
    assert asked.status_code == 405
    assert not allowed(asked) | allowed(seen)
    assert asked.headers["vary"] == seen.headers["vary"] == "origin"


async def test_cookies_are_never_let_through(web: httpx.AsyncClient) -> None:
    answer = await web.options("/v1/appointments", headers={"origin": OURS, **ASKS})
    assert "access-control-allow-credentials" not in answer.headers


async def test_without_a_list_no_page_may_ask() -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(build()), base_url="http://t") as web:
        asked = await web.options("/v1/appointments", headers={"origin": OURS, **ASKS})
        assert asked.status_code == 405
        assert not allowed(asked) | allowed(await web.get("/health/live", headers={"origin": OURS}))
