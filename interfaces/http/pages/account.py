"""The pages of the codes in account mails: prove an address, set a password."""

from collections.abc import Sequence

from starlette.routing import BaseRoute

from application.identity.code_check import check_verification
from application.identity.credentials import WeakPassword
from application.identity.email_verification import VerificationServices, verify_email
from application.identity.password import reset_password
from interfaces.http.framework.errors import status_of
from interfaces.http.pages.page import PageRequest, PageView, page, refused


async def show_verify(asked: PageRequest) -> PageView:
    code = asked.said("code")
    await check_verification(code, _services(asked))
    return PageView("verify", {"code": code})


async def verify(asked: PageRequest) -> PageView:
    await verify_email(asked.form.get("code", ""), _services(asked), asked.request.scope["request_id"])
    return PageView("verify", {"code": ""}, done="verified")


async def show_reset(asked: PageRequest) -> PageView:
    code = asked.said("code")
    await asked.ports.identity.signing.tickets.look(code, "reset")
    return PageView("reset", {"code": code})


async def reset(asked: PageRequest) -> PageView:
    code, password = asked.form.get("code", ""), asked.form.get("password", "")
    if password != asked.form.get("again"):
        return PageView("reset", {"code": code}, 422, refused=("passwords-differ", 422))
    try:
        await reset_password(code, password, asked.network, asked.ports.identity.signing)
    except WeakPassword as weak:
        return PageView("reset", {"code": code}, status_of(WeakPassword), refused=refused(weak))
    return PageView("reset", {"code": ""}, done="password")


ROUTES: Sequence[BaseRoute] = (
    page("GET", "/verify", show_verify),
    page("POST", "/verify", verify, "verify"),
    page("GET", "/reset", show_reset),
    page("POST", "/reset", reset, "reset"),
)


def _services(asked: PageRequest) -> VerificationServices:
    identity = asked.ports.identity
    signing = identity.signing
    return VerificationServices(asked.ports.store, signing.credentials, identity.verifications, signing.atomically)
