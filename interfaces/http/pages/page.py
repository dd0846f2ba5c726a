"""What all pages share: reading a request, answering it as HTML, and refusals as a page that helps.

A page runs the commands of the API. GET changes nothing, since mail scanners open links; a button sends a POST.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from application.access import LinkPurpose, permit
from application.event_log import IdempotencyKey
from application.notifications.link_holder import LinkHolder, holder_of
from application.notifications.links import Capability, LinkVoid
from domain.booking.origin import Channel
from domain.errors import Refusal, Unauthenticated
from interfaces.http.framework.errors import OUTAGES, STATUS, status_of
from interfaces.http.framework.middleware import note_denial
from interfaces.http.framework.ports import PagePorts, Ports
from interfaces.http.framework.request_errors import Malformed, TooLarge, kebab
from interfaces.http.framework.responses import PRIVATE, HttpResponse

LARGEST_FORM = 16_384  # bytes
MOST_FIELDS = 20
HTML = b"text/html; charset=utf-8"
HEADERS: Mapping[bytes, bytes] = {
    b"content-security-policy": (
        b"default-src 'self'; script-src 'none'; object-src 'none'; img-src data:; "
        b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    b"cache-control": PRIVATE,
    b"x-robots-tag": b"noindex, nofollow",
}
log = structlog.get_logger("http")


@dataclass(frozen=True)
class PageView:
    """A page to show. `refused`: kind and status of what did not work; `done`: what did. `locale`, `zone`: of times."""

    template: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    done: str = ""
    refused: tuple[str, int] | None = None
    locale: str = ""
    zone: str = ""


Show = Callable[["PageRequest"], Awaitable[PageView]]


class PageRequest:
    """One request to a page. `query`, `form`: what was sent; of a name that is sent twice, the last."""

    def __init__(self, request: Request, form: Mapping[str, str]) -> None:
        self.request, self.form = request, form
        self.ports: Ports = request.app.state.ports
        self.query = dict(request.query_params)
        self.language = self.pages.templates.language(self.said("lang"), request.headers.get("accept-language", ""))

    @property
    def pages(self) -> PagePorts:
        return self.ports.pages

    @property
    def network(self) -> str:
        """The client's network address."""
        return self.ports.abuse.networks.of(self.request.scope)

    @property
    def subject(self) -> UUID:
        """The id in the path."""
        id: UUID = self.request.path_params["id"]
        return id

    def said(self, name: str) -> str:
        """A field of the form, else of the query."""
        return self.form.get(name) or self.query.get(name, "")

    async def holder(self, *purposes: LinkPurpose) -> LinkHolder:
        """The person who has the link. Raises Unauthenticated without one, LinkVoid."""
        holder = await holder_of(self.capability(), self.pages.links, self.ports.store)
        if holder.caller.link not in purposes:
            raise LinkVoid
        self.request.scope["caller"] = holder.caller
        return holder

    def capability(self) -> Capability:
        """What the link permits. Raises Unauthenticated without one, LinkVoid."""
        if not (token := self.said("t")):
            raise Unauthenticated("Open the link from the mail.")
        return self.pages.links.open(token, self.subject, self.ports.store.now())

    def may(self, holder: LinkHolder, operation: str) -> None:
        """Raise Forbidden unless the link permits the operation."""
        self.request.scope["operation"] = operation
        permit(holder.caller, operation)

    def command(self, holder: LinkHolder, operation: str, *chosen: str) -> dict[str, Any]:
        """The fields of a command. A button that is pressed twice sends one key: the reply is that of the first."""
        self.request.scope["operation"] = operation
        version = self.form.get("version", "")
        asked = "\n".join(("page", operation, str(holder.caller.id), str(self.subject), version, *chosen))
        digest = sha256(asked.encode("utf-8", "backslashreplace")).digest()
        return {
            "by": holder.caller,
            "key": IdempotencyKey(digest, digest),
            "version": int(version) if version.isascii() and version.isdigit() and len(version) < 10 else None,
            "correlation": self.request.scope["request_id"],
            "channel": Channel.PAGE,
        }

    def link_fields(self, version: int) -> Mapping[str, Any]:
        """The hidden fields of a form, which the next request sends."""
        return {"token": self.said("t"), "language": self.language, "version": version}


def page(method: str, path: str, show: Show, policy: str = "page") -> Route:
    """A route to a page. `policy`: the rate limit that it counts in."""

    async def answer(request: Request) -> Response:
        asked = PageRequest(request, {})
        try:
            await asked.ports.abuse.limits.take(policy, asked.network)
            if method == "POST":
                asked = PageRequest(request, await _form(request))
            return _response(asked, await show(asked))
        except Exception as error:  # noqa: BLE001  people get a page, whatever went wrong; it is logged
            return _response(asked, _problem(error, request))

    return Route(path, answer, methods=[method], include_in_schema=False)


def refused(error: Refusal) -> tuple[str, int]:
    """Kind and status, by which a page words a refusal."""
    return kebab(type(error)), status_of(type(error))


async def _form(request: Request) -> Mapping[str, str]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    raw = bytearray()
    async for part in request.stream():
        raw += part
        if len(raw) > LARGEST_FORM:
            raise TooLarge(f"A form may have at most {LARGEST_FORM} bytes.")
    if raw and kind != "application/x-www-form-urlencoded":
        raise Malformed("The body must be a form.")
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Malformed("The form must be percent-encoded UTF-8.") from None
    return dict(pairs)


def _problem(error: Exception, request: Request) -> PageView:
    note_denial(error, request.scope)
    if isinstance(error, (Refusal, *STATUS)):
        kind, status = kebab(type(error)), status_of(type(error))
    elif isinstance(error, OUTAGES):
        log.warning("request failed, database unavailable", outage="postgresql", error=type(error).__name__)
        kind, status = "unavailable", 503
    else:
        log.error("unhandled error", operation=request.scope.get("operation"), exc_info=error)
        kind, status = "unexpected", 500
    return PageView("message", status=status, refused=(kind, status))


def _response(asked: PageRequest, view: PageView) -> HttpResponse:
    fields = {**view.fields, "done": view.done, "refused": view.refused}
    body = asked.pages.templates.render(
        view.template, fields, language=asked.language, locale=view.locale, zone=view.zone
    )
    return HttpResponse(view.status, body, {**HEADERS, b"content-language": asked.language.encode()}, media_type=HTML)
