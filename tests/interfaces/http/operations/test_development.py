"""What helps developers: links under `/`, a line for each request, local web pages, signing in under /docs."""

from base64 import b64encode
from pathlib import Path
from typing import Literal

import httpx
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from infrastructure.settings import Mode, Settings
from interfaces.http.app import AppOptions, build
from interfaces.http.framework.cors import Origins
from interfaces.http.main import create_app
from tests.interfaces.http.sign_in import ADA, FORM, TOKEN
from tests.interfaces.http.town import Api
from tests.support.signing import PASSWORD, an_account

LOCAL = ["http://localhost:5173", "http://127.0.0.1:3000", "https://app.localhost", "http://[::1]:8080"]
OTHERS = ["http://localhost.evil.example", "http://evil.example:80", "null", "http://127.0.0.2", "file://"]


def _app(mode: Mode, log_level: Literal["INFO", "WARNING"] = "INFO") -> FastAPI:
    key = "k" * 44
    return create_app(
        Settings(
            _env_file=None,
            mode=mode,
            log_level=log_level,
            secret_key=key,  # type: ignore[arg-type]
            master_key=key,  # type: ignore[arg-type]
            public_url="https://daybook.test",
            mailbox=Path("mailbox"),
            flower_url="http://127.0.0.1:5555",
            metrics_url="http://127.0.0.1:9100/metrics",
        )
    )


def _asking(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://daybook.test")


class TestRoot:
    async def test_says_what_this_is_and_where_to_go(self) -> None:
        async with _asking(_app(Mode.DEV)) as web:
            told = (await web.get("/")).json()
            assert told["name"] == "Daybook"
            assert told["links"].keys() >= {"docs", "openapi", "health", "problems", "mailbox", "flower", "metrics"}
            for title in ("docs", "openapi", "problems", "mailbox"):
                assert (await web.get(told["links"][title])).status_code == 200

    async def test_is_a_page_for_browsers(self) -> None:
        async with _asking(_app(Mode.DEV)) as web:
            page = await web.get("/", headers={"accept": "text/html,application/xhtml+xml"})
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.headers["vary"].lower().startswith("accept")
        assert '<a href="/docs">docs</a>' in page.text
        assert '<a href="http://127.0.0.1:5555">flower</a>' in page.text

    async def test_links_nothing_of_operators_in_prod(self) -> None:
        async with _asking(_app(Mode.PROD)) as web:
            assert not {"mailbox", "flower", "metrics"} & (await web.get("/")).json()["links"].keys()


class TestRequestLog:
    async def test_has_a_line_for_each_request_in_dev(self) -> None:
        async with _asking(build(options=AppOptions(log_requests=True))) as web:
            with capture_logs() as lines:
                await web.get("/health/live")
                await web.get("/v1/none?token=secret")
                await web.head("/health/live")
        told = [(line["method"], line["path"], line["status"]) for line in lines if line["event"] == "request"]
        assert told == [("GET", "/health/live", 200), ("GET", "/v1/none", 404), ("GET", "/health/live", 200)]
        assert [line["log_level"] for line in lines if line["event"] == "request"] == ["debug", "info", "debug"]
        assert "secret" not in str(lines)

    @pytest.mark.parametrize("mode", Mode)
    def test_is_for_dev_alone(self, mode: Mode) -> None:
        assert _app(mode).state.options.log_requests is (mode is Mode.DEV)

    def test_costs_nothing_where_no_line_is_written(self) -> None:
        assert _app(Mode.DEV, "WARNING").state.options.log_requests is False


class TestOrigins:
    @pytest.mark.parametrize("origin", LOCAL)
    async def test_pages_of_this_machine_may_ask_in_dev(self, origin: str) -> None:
        async with _asking(_app(Mode.DEV)) as web:
            answer = await web.get("/health/live", headers={"origin": origin})
            asked = {"origin": origin, "access-control-request-method": "POST"}
            preflight = await web.options("/v1/appointments", headers=asked)
        assert answer.headers["access-control-allow-origin"] == origin
        assert preflight.status_code == 204

    @pytest.mark.parametrize("origin", OTHERS)
    async def test_no_other_pages_may(self, origin: str) -> None:
        async with _asking(build(options=AppOptions(origins=Origins(local=True)))) as web:
            answer = await web.get("/health/live", headers={"origin": origin})
        assert "access-control-allow-origin" not in answer.headers

    @pytest.mark.parametrize("origin", LOCAL)
    async def test_none_may_in_prod(self, origin: str) -> None:
        async with _asking(_app(Mode.PROD)) as web:
            answer = await web.get("/health/live", headers={"origin": origin})
        assert "access-control-allow-origin" not in answer.headers


class TestSignInUnderDocs:
    async def test_the_form_of_swagger_ui_signs_in(self, api: Api) -> None:
        """It sends client credentials by Basic, empty ones too, as OAuth 2 allows."""
        await an_account(api.ports.identity.signing, ADA)
        flow = (await api.get("/openapi.json")).json()["components"]["securitySchemes"]["password"]["flows"]["password"]
        assert flow["tokenUrl"] == TOKEN
        said = httpx.QueryParams({"grant_type": "password", "username": ADA, "password": PASSWORD, "scope": ""})
        basic = f"Basic {b64encode(b':').decode()}"
        answer = await api.ask("POST", TOKEN, said=str(said).encode(), content_type=FORM, authorization=basic)
        assert answer.status_code == 200, answer.text
        refused = await api.ask("GET", "/v1/me", authorization=basic)
        assert refused.status_code == 401
