"""Nobody bypasses silently: what FastAPI's layers would run is refused, and a route declares what it needs."""

from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Response
from starlette.middleware import Middleware

from interfaces.http.app import DaybookApp, build
from interfaces.http.framework.fields import Shape
from interfaces.http.framework.needs import IdempotencyKeys, Needs
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.routing import Route, Router


async def _handler(request: RequestContext) -> Response:
    return Response()


async def _depended_on() -> None:
    raise AssertionError("dependencies do not run")


async def _nothing(*_: Any) -> Any:
    raise AssertionError("the framework's layers do not run")


class Answer(Shape):
    ok: bool


class TestRefused:
    def test_middleware(self) -> None:
        app = build()
        with pytest.raises(RuntimeError, match=r"add_middleware.*put it into Envelope"):
            app.add_middleware(object)
        with pytest.raises(RuntimeError, match=r"@middleware.*put it into Envelope"):
            app.middleware("http")(_nothing)
        with pytest.raises(RuntimeError, match=r"FastAPI\(middleware=\)"):
            DaybookApp(middleware=[Middleware(object)])  # type: ignore[arg-type]

    def test_exception_handlers(self) -> None:
        app = build()
        with pytest.raises(RuntimeError, match=r"add_exception_handler.*a status in STATUS"):
            app.add_exception_handler(ValueError, _nothing)
        with pytest.raises(RuntimeError, match=r"@exception_handler.*a status in STATUS"):
            app.exception_handler(ValueError)(_nothing)
        with pytest.raises(RuntimeError, match="exception_handlers="):
            DaybookApp(exception_handlers={ValueError: _nothing})

    def test_dependencies_of_the_app(self) -> None:
        with pytest.raises(RuntimeError, match=r"dependencies=.*needs=Needs"):
            DaybookApp(dependencies=[Depends(_depended_on)])

    def test_dependencies_of_a_route(self) -> None:
        with pytest.raises(TypeError, match=r"`dependencies=` would not run.*needs=Needs"):
            build().get("/v1/planted", dependencies=[Depends(_depended_on)])(_handler)

    def test_dependencies_of_a_router(self) -> None:
        planted = APIRouter(route_class=Route, dependencies=[Depends(_depended_on)])
        with pytest.raises(TypeError, match="`dependencies=` would not run"):
            planted.get("/v1/planted")(_handler)

    def test_the_framework_s_routers(self) -> None:
        planted = APIRouter(dependencies=[Depends(_depended_on)])
        planted.get("/v1/planted")(_handler)
        with pytest.raises(RuntimeError, match=r"include_router.*declare routes with"):
            build().include_router(planted)
        with pytest.raises(RuntimeError, match=r"include_router.*declare routes with"):
            build().include_router(Router("/v1/planted", "tags"), dependencies=[Depends(_depended_on)])

    def test_a_route_that_does_not_say_what_it_needs(self) -> None:
        with pytest.raises(TypeError, match=r"routing.Router, which takes `needs`"):
            build().get("/v1/planted")(_handler)

    def test_a_dependency_in_a_handler_s_signature(self) -> None:
        async def depending(request: RequestContext, more: object = Depends(_depended_on)) -> Response:
            raise NotImplementedError

        with pytest.raises(TypeError, match=r"depending\(more\)"):
            Router("/v1/planted", "tags").get("", "list_tags", Answer)(depending)


class TestPermission:
    def test_a_route_without_one_fails_when_the_app_is_built(self, monkeypatch: pytest.MonkeyPatch) -> None:
        planted = Router("/v1/planted", "tags")
        planted.get("/{name}", "get_planted", Answer)(_handler)
        monkeypatch.setattr("interfaces.http.app.ROUTERS", (planted,))
        with pytest.raises(
            RuntimeError, match=r"GET /v1/planted/\{name\} \(get_planted\) has no permission.*access.py"
        ):
            build()

    def test_a_route_with_one_is_there(self) -> None:
        planted = Router("/v1/planted", "tags")
        planted.get("", "list_tags", Answer)(_handler)
        app: FastAPI = DaybookApp(title="Planted")
        app.include_router(planted)  # type: ignore[arg-type]
        assert planted.routes[0] in app.router.routes


class TestNeeds:
    @pytest.mark.parametrize(
        ("method", "keys", "version"),
        [
            ("GET", IdempotencyKeys.NONE, False),
            ("POST", IdempotencyKeys.ACCEPTED, False),
            ("PUT", IdempotencyKeys.NONE, True),
            ("PATCH", IdempotencyKeys.NONE, True),
            ("DELETE", IdempotencyKeys.NONE, True),
        ],
    )
    def test_each_method_has_usual_needs(self, method: str, keys: IdempotencyKeys, version: bool) -> None:
        needs = Needs().of(method)
        assert (needs.keys, needs.version) == (keys, version)

    def test_a_secret_that_is_shown_once_can_not_be_repeated_by_a_key(self) -> None:
        assert not Needs(shows_secret=True).of("POST").takes_key

    def test_what_is_no_resource_has_neither_keys_nor_versions(self) -> None:
        for method in ("POST", "DELETE"):
            needs = Needs().of(method, resources=False)
            assert (needs.takes_key, needs.version) == (False, False)

    def test_what_a_route_says_wins(self) -> None:
        needs = Needs(keys=IdempotencyKeys.REQUIRED, version=True).of("POST")
        assert (needs.requires_key, needs.version) == (True, True)
