"""Turns a request into the call of a handler: caller first, then path, query, headers, body.

Each part is validated by compiled Pydantic validators and passed on by name. FastAPI reads the same
signatures for the OpenAPI document.
"""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute, APIRouter
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from interfaces.http.framework.needs import Needs, Source
from interfaces.http.framework.parameters import parameters_of, read_path, read_query
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.request_body import read_body

Handler = Callable[..., Awaitable[Response]]
Decorator = Callable[[Handler], Handler]
USUAL = Needs()


class Route(APIRoute):
    """A route that knows its caller before it reads anything else, and what its operation needs."""

    needs: Needs
    source: Source

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        needs: Needs | None = None,
        source: Source = Source.LOG,
        **options: Any,
    ) -> None:
        if options.get("dependencies"):
            raise TypeError(
                f"{path}: `dependencies=` would not run: requests do not pass through FastAPI's layers. "
                "Declare what the operation needs with `needs=Needs(...)`, or call it in the handler."
            )
        if needs is None or not options.get("operation_id"):
            raise TypeError(f"{path}: add routes with interfaces.http.framework.routing.Router, which takes `needs`.")
        self.needs, self.source = needs, source
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """APIRoute's way to a handler; `handle` skips it."""
        answer = self.answer = self._answering()

        async def handle(request: Request) -> Response:
            return await answer(request.scope, request.receive)

        return handle

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Starlette's entry point, without FastAPI's layers."""
        if scope["method"] not in (self.methods or ()):
            raise HTTPException(405)
        response = await self.answer(scope, receive)
        await response(scope, receive, send)

    @property
    def operation(self) -> str:
        """The operationId, by which `application/access.py` grants the permission."""
        assert self.operation_id is not None
        return self.operation_id

    def _answering(self) -> Callable[[Scope, Receive], Awaitable[Response]]:
        operation, self.answer_known = self.operation, self._answering_known()

        async def answer(scope: Scope, receive: Receive) -> Response:
            request = RequestContext(scope, receive, operation)
            if request.api_key is not None:
                await request.admit_api_key()
            return await self.answer_known(request)

        return answer

    def _answering_known(self) -> Callable[[RequestContext], Awaitable[Response]]:
        """The way from a request whose caller is known to its answer."""
        needs, parameters = self.needs, parameters_of(self.endpoint)
        handler = _limited(self.endpoint, needs)
        logged, reads = self.source is Source.LOG, "GET" in (self.methods or ())

        async def answer(request: RequestContext) -> Response:
            scope = request.scope
            arguments = read_path(scope["path_params"], parameters) | read_query(scope["query_string"], parameters)
            if logged and reads:
                request.check_position()
            request.take_version(required=bool(needs.version))
            body = None
            if parameters.body is not None:
                name, model = parameters.body
                body = arguments[name] = await read_body(request, model, logged=logged)
            if needs.takes_key:
                request.take_key(body, required=needs.requires_key)
            response = await handler(request, body, arguments)
            request.shows(getattr(response, "person", None))
            await request.record_views()
            if logged and not reads:
                request.note_write(request.caller.id, getattr(response, "position", None))
            return response

        return answer


def _limited(handler: Handler, needs: Needs) -> Callable[..., Awaitable[Response]]:
    """The handler, called with request, body and arguments, behind the rate limit of its operation."""
    limit = needs.limit
    if limit is None:
        return lambda request, _, arguments: handler(request, **arguments)
    return lambda request, body, arguments: limit.answer(request, body, lambda: handler(request, **arguments))


class Router:
    """The routes of one concept. `source`: where their answers come from.

    `resources`: whether they are about versioned resources, whose changes need If-Match and whose POSTs take an
    Idempotency-Key. `reserved`: whether operators need the routes when Daybook is overloaded.
    """

    def __init__(
        self,
        prefix: str,
        tag: str,
        *,
        source: Source = Source.LOG,
        resources: bool = True,
        reserved: bool = False,
    ) -> None:
        self.routes: list[Route] = []
        self.prefix, self.reserved = prefix, reserved
        self._tag, self._source, self._resources = tag, source, resources

    def get(
        self, path: str, operation: str, answer: type[BaseModel] | None, *, needs: Needs = USUAL, **options: Any
    ) -> Decorator:
        """`answer`: None for one that is not JSON, which `responses` describes."""
        return self._add("GET", path, operation, needs, response_model=answer, **options)

    def post(
        self, path: str, operation: str, answer: type[BaseModel] | None, *, status: int = 200, needs: Needs = USUAL
    ) -> Decorator:
        return self._add("POST", path, operation, needs, response_model=answer, status_code=status)

    def put(self, path: str, operation: str, answer: type[BaseModel], *, needs: Needs = USUAL) -> Decorator:
        return self._add("PUT", path, operation, needs, response_model=answer)

    def patch(self, path: str, operation: str, answer: type[BaseModel], *, needs: Needs = USUAL) -> Decorator:
        return self._add("PATCH", path, operation, needs, response_model=answer)

    def delete(
        self, path: str, operation: str, answer: type[BaseModel] | None = None, *, needs: Needs = USUAL
    ) -> Decorator:
        """`answer`: of 200, where 204 does not always say enough."""
        options = {"responses": {200: {"model": answer}}} if answer else {}
        return self._add("DELETE", path, operation, needs, status_code=204, **options)

    def _add(self, method: str, path: str, operation: str, needs: Needs, **options: Any) -> Decorator:
        def decorate(handler: Handler) -> Handler:
            route = Route(
                self.prefix + path,
                handler,
                methods=[method],
                operation_id=operation,
                tags=[self._tag],
                needs=needs.of(method, resources=self._resources),
                source=self._source,
                **options,
            )
            self.routes.append(route)
            return handler

        return decorate


def by_path(router: APIRouter) -> ASGIApp:
    """The router, which looks paths without parameters up instead of trying its routes in order."""
    routes = [route for route in reversed(router.routes) if isinstance(route, Route) and "{" not in route.path]
    found = {(method, route.path): route for route in routes for method in route.methods or ()}

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        route = found.get((scope["method"], scope["path"]))
        if route is None:
            await router(scope, receive, send)
        else:
            scope.update(router=router, endpoint=route.endpoint, path_params={}, route=route)
            await route.handle(scope, receive, send)

    return answer
