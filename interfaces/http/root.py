"""`GET /`: what answers here, and where to go next; as JSON, and as a page for browsers."""

from collections.abc import Mapping
from html import escape

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from interfaces.http.framework.responses import PUBLIC, HttpResponse

HTML = b"text/html; charset=utf-8"
LINKS: Mapping[str, str] = {
    "docs": "/docs",
    "openapi": "/openapi.json",
    "problems": "/problems",
    "health": "/health/ready",
}


def root_route(name: str, version: str, more: Mapping[str, str]) -> Route:
    """`more`: links beside those that every installation has."""
    links = {**LINKS, **more}
    told = to_json({"name": name, "version": version, "links": links})
    items = "".join(f'<li><a href="{escape(link)}">{escape(title)}</a></li>' for title, link in links.items())
    page = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(name)}</title></head>\n'
        f"<body><h1>{escape(name)} {escape(version)}</h1>\n<p>An HTTP API for booking appointments.</p>\n"
        f"<ul>{items}</ul></body></html>\n"
    ).encode()

    async def show(request: Request) -> Response:
        headers = {b"cache-control": PUBLIC, b"vary": b"accept"}
        if "text/html" in request.headers.get("accept", ""):
            return HttpResponse(200, page, headers, media_type=HTML)
        return HttpResponse(200, told, headers)

    return Route("/", show, include_in_schema=False)
