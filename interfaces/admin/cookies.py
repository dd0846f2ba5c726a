"""The session cookie of the panel, and the token that each of its forms sends back."""

import hmac
from http.cookies import SimpleCookie

from starlette.requests import Request
from starlette.responses import Response

SECURE, PLAIN = "__Host-daybook", "daybook"
"""The cookie's name over TLS, and over http in DEV: browsers accept the prefix only with TLS."""
LANGUAGE = "daybook-language"
_A_YEAR = 365 * 86_400


def secret_of(request: Request, *, https: bool) -> str:
    """The secret in the session cookie; empty without one, and for two of them: one was planted."""
    name = SECURE if https else PLAIN
    found = [value for each, value in _cookies(request) if each == name]
    return found[0] if len(found) == 1 else ""


def language_of(request: Request) -> str:
    """The language that the person chose; empty without a choice."""
    return next((value for name, value in _cookies(request) if name == LANGUAGE), "")


def set_session(response: Response, secret: str, *, https: bool) -> None:
    """Keep the secret until the browser is closed; an empty one ends it."""
    _set(response, SECURE if https else PLAIN, secret, https=https, max_age=None if secret else 0)


def set_language(response: Response, language: str, *, https: bool) -> None:
    """Keep the choice for a year."""
    _set(response, LANGUAGE, language, https=https, max_age=_A_YEAR)


def form_token(secret: str) -> str:
    """The token of a session's forms. It says nothing about the secret."""
    return hmac.digest(secret.encode(), b"forms of the admin panel", "sha256").hex()


def is_form_token(sent: str, secret: str) -> bool:
    """Whether a form is of this session."""
    return bool(secret) and hmac.compare_digest(sent.encode(), form_token(secret).encode())


def _cookies(request: Request) -> list[tuple[str, str]]:
    """All cookies in the order in which they were sent, also two of one name."""
    found = []
    for header in request.headers.getlist("cookie"):
        for part in header.split(";"):
            name, _, value = part.strip().partition("=")
            found.append((name, value.strip('"')))
    return found


def _set(response: Response, name: str, value: str, *, https: bool, max_age: int | None) -> None:
    cookie: SimpleCookie = SimpleCookie()
    cookie[name] = value
    cookie[name]["path"], cookie[name]["samesite"], cookie[name]["httponly"] = "/", "Lax", True
    if https:
        cookie[name]["secure"] = True
    if max_age is not None:
        cookie[name]["max-age"] = max_age
    response.raw_headers.append((b"set-cookie", cookie[name].OutputString().encode("latin-1")))
