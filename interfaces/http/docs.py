"""The routes for people's browsers, under /docs: Swagger UI over /openapi.json."""

import re
from base64 import b64encode
from hashlib import sha256

from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from interfaces.http.answer import PUBLIC, Answer

HTML = b"text/html; charset=utf-8"
_CDN = "https://cdn.jsdelivr.net"
_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def docs_route(title: str) -> Route:
    """The page, the same for everybody; it may run its own script and that of Swagger UI, no other."""
    page = get_swagger_ui_html(openapi_url="/openapi.json", title=title, swagger_favicon_url="data:,").body
    text = bytes(page).decode()
    scripts = " ".join(f"'sha256-{_digest(script)}'" for script in _INLINE.findall(text))
    policy = (
        f"default-src 'none'; script-src {_CDN} {scripts}; style-src {_CDN} 'unsafe-inline'; img-src data:; "
        "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {b"content-security-policy": policy.encode(), b"cache-control": PUBLIC}

    async def shown(_: Request) -> Response:
        return Answer(200, text.encode(), headers, media_type=HTML)

    return Route("/docs", shown, include_in_schema=False)


def _digest(script: str) -> str:
    return b64encode(sha256(script.encode()).digest()).decode()
