"""Swagger UI over /openapi.json, under /docs. All of its parts come from this process."""

import re
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files

from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from interfaces.http.framework.responses import PUBLIC, HttpResponse

HTML = b"text/html; charset=utf-8"
_PARTS = {"swagger-ui-bundle.js": b"text/javascript", "swagger-ui.css": b"text/css"}
# Swagger UI shows a closed padlock where signing in is optional, as if the reader were signed in.
_START = "const ui = SwaggerUIBundle({"
_START_WITH_PLUGIN = """
const OptionalSignIn = () => ({statePlugins: {auth: {wrapSelectors: {
    isAuthorized: (original) => (state, ways) => original(state, ways.filter((way) => way.size > 0)),
}}}})
const ui = SwaggerUIBundle({
plugins: [OptionalSignIn],"""
_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def docs_routes(title: str) -> Sequence[Route]:
    """The page and its parts. The page may run no other script."""
    script, style = (f"/docs/{name}" for name in _PARTS)
    page = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=title,
        swagger_js_url=script,
        swagger_css_url=style,
        swagger_favicon_url="data:,",
        swagger_ui_parameters={"docExpansion": "none"},
    ).body
    text = bytes(page).decode().replace("<html>", '<html lang="en">', 1).replace(_START, _START_WITH_PLUGIN, 1)
    scripts = " ".join(f"'sha256-{_digest(script)}'" for script in _INLINE.findall(text))
    policy = (
        f"default-src 'none'; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline'; img-src data:; "
        "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {b"content-security-policy": policy.encode(), b"cache-control": PUBLIC}

    async def show(_: Request) -> Response:
        return HttpResponse(200, text.encode(), headers, media_type=HTML)

    return [Route("/docs", show, include_in_schema=False), *(_part(*each) for each in _PARTS.items())]


def _part(name: str, media_type: bytes) -> Route:
    """One file of Swagger UI, from its package."""
    body = (files("fastapi_offline") / "static" / name).read_bytes()

    async def send(_: Request) -> Response:
        return HttpResponse(200, body, {b"cache-control": PUBLIC}, media_type=media_type)

    return Route(f"/docs/{name}", send, include_in_schema=False)


def _digest(script: str) -> str:
    return b64encode(sha256(script.encode()).digest()).decode()
