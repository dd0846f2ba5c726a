"""Sign in and out, and choose a language."""

from collections.abc import Sequence

from starlette.responses import Response
from starlette.routing import Route

from application.identity.browser_session import sign_in_browser
from application.identity.session import InvalidCredentials, SignIn, TotpRequired, sign_out, subject
from domain.errors import NotFound, Unauthenticated
from interfaces.admin.cookies import set_language, set_session
from interfaces.admin.page import ROOT, SIGN_IN, View, ours, page, see_other
from interfaces.admin.request import Panel, PanelRequest
from interfaces.admin.wording import LANGUAGES
from interfaces.http.framework.headers.request_headers import client_text


async def show(asked: PanelRequest) -> View:
    return _form(asked, asked.query.get("next", ""))


async def enter(asked: PanelRequest) -> View | Response:
    """Open a session, and go where the person wanted to. A wrong password keeps the form."""
    signing, form = asked.ports.identity.signing, asked.form
    username, password = form.get("username", "").strip(), form.get("password", "")
    limits = asked.ports.abuse.limits
    state = await limits.take("login", asked.network, str(await subject(username, signing)))
    attempt = SignIn(
        username=username,
        password=password,
        totp=form.get("totp", "").strip() or None,
        client=f"Admin panel: {client_text(asked.request.scope)}",
        network=asked.network,
    )
    try:
        _, secret = await sign_in_browser(attempt, signing)
    except (InvalidCredentials, TotpRequired) as error:
        return _form(asked, form.get("next", ""), error)
    await limits.forgive(state)
    response = see_other(ours(form.get("next", "")))
    set_session(response, secret, https=asked.panel.https)
    return response


async def leave(asked: PanelRequest) -> Response:
    await sign_out(asked.caller, asked.network, asked.ports.identity.signing)
    response = see_other(SIGN_IN)
    set_session(response, "", https=asked.panel.https)
    return response


async def choose_language(asked: PanelRequest) -> Response:
    name = asked.request.path_params["name"]
    if name not in LANGUAGES:
        raise NotFound("language", name[:20])
    response = see_other(ours(asked.query.get("next", ROOT)))
    set_language(response, name, https=asked.panel.https)
    return response


def _form(asked: PanelRequest, after: str, error: Unauthenticated | None = None) -> View:
    wants_code = isinstance(error, TotpRequired) or "totp" in asked.form
    values = {"after": ours(after), "username": asked.form.get("username", ""), "wants_code": wants_code}
    return View("sign_in", values, 200 if error is None else 401, error)


def sign_in_routes(panel: Panel) -> Sequence[Route]:
    return (
        page(panel, "GET", "/sign-in", show, public=True),
        page(panel, "POST", "/sign-in", enter, public=True),
        page(panel, "POST", "/sign-out", leave),
        page(panel, "GET", "/language/{name}", choose_language, public=True),
    )
