"""The routes of all pages. They are not a part of the API, and have no place in its description."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from interfaces.http.framework.responses import PUBLIC, HttpResponse
from interfaces.http.pages import account, appointment, invitation, move, notifications, offer, optional_mails, webhook


async def style(request: Request) -> Response:
    """The one style sheet."""
    body = request.app.state.ports.pages.templates.style
    return HttpResponse(200, body, {b"cache-control": PUBLIC}, media_type=b"text/css")


ROUTES: Sequence[BaseRoute] = (
    Route("/pages/style.css", style, include_in_schema=False),
    *appointment.ROUTES,
    *move.ROUTES,
    *offer.ROUTES,
    *webhook.ROUTES,
    *invitation.ROUTES,
    *account.ROUTES,
    *optional_mails.ROUTES,
    *notifications.ROUTES,
)
