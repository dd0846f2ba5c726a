"""Requests whose length nginx and the API might read differently: the API answers none that nginx does not know of."""

from __future__ import annotations

import json
import socket
import ssl
import sys
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from tests.system.compose.deployment import NGINX, Deployment, MailCatcher
from tests.system.compose.salon import PASSWORD, signed_up

START = "POST /v1/auth/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
GET = "GET /health/live HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"
NONE = "Content-Length: 0\r\n"
# {hidden} is a whole request that registers an account, {length} and {size} its length in decimal and hexadecimal.
ATTACKS = {
    "length before chunks": START + "Content-Length: 5\r\n" + CHUNKED + "\r\n0\r\n\r\n{hidden}",
    "chunks before length": START + CHUNKED + "Content-Length: {length}\r\n\r\n{size}\r\n{hidden}\r\n0\r\n\r\n",
    "two lengths": START + NONE + "Content-Length: {length}\r\n\r\n{hidden}",
    "a list of lengths": START + "Content-Length: 0, {length}\r\n\r\n{hidden}",
    "a signed length": START + "Content-Length: +0\r\n\r\n{hidden}",
    "a space before the colon of a length": START + "Content-Length : {length}\r\n\r\n{hidden}",
    "a space before the colon of an encoding": START + "Transfer-Encoding : chunked\r\n" + NONE + "\r\n{hidden}",
    "an unknown encoding": START + "Transfer-Encoding: xchunked\r\n" + NONE + "\r\n{hidden}",
    "two encodings": START + CHUNKED + "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n{hidden}",
    "an encoding after a vertical tab": START + "Transfer-Encoding:\x0bchunked\r\n" + NONE + "\r\n{hidden}",
    "an encoding on a folded line": START + "X: y\r\n " + CHUNKED + NONE + "\r\n{hidden}",
    "an encoding after a bare newline": START + "X: y\n" + CHUNKED + NONE + "\r\n{hidden}",
    "a chunk beyond 64 bits": START + CHUNKED + "\r\n10000000000000000\r\n{hidden}",
    "a chunk in another notation": START + CHUNKED + "\r\n0x0\r\n\r\n{hidden}",
    "a newline in a chunk's extension": START + CHUNKED + "\r\n0;a\n\r\n\r\n{hidden}",
    "a chunk": START + CHUNKED + "\r\n{size}\r\n{hidden}\r\n0\r\n\r\n",
    "the body of a GET": GET + "Content-Length: {length}\r\n\r\n{hidden}",
    "the body of an upgrade": GET
    + "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    + "Content-Length: {length}\r\n\r\n{hidden}",
    "an expectation": START + "Expect: 100-continue\r\nContent-Length: {length}\r\n\r\n{hidden}",
}


@pytest.mark.parametrize("deployment", [NGINX], indirect=True)
def test_no_request_hides_in_another(deployment: Deployment, catcher: MailCatcher) -> None:
    """Two requests that nginx reads as two are answered as two; what it reads as a body must not be carried out."""
    answers = {name: _attacked(deployment, attack) for name, attack in ATTACKS.items()}
    registered = {name: email for name, (email, said) in answers.items() if b"HTTP/1.1 202" in said}
    for email in registered.values():
        catcher.to(email)
    with deployment.client() as web:
        signed_up(web, catcher, "customer")  # its mail comes after those of all that came before
        assert web.get("/health/live").is_success
    told = {name: said[:12].decode("latin-1") or "closed" for name, (_, said) in answers.items()}
    sys.stderr.write(f"\nfirst answers: {told}\nread as two requests: {sorted(registered)}\n")
    refused = {name: said for name, (_, said) in answers.items() if said.startswith(b"HTTP/1.1 4")}
    assert not [name for name, said in refused.items() if b"Content-Type: application/problem+json" not in said]
    hidden = [name for name, (email, _) in answers.items() if name not in registered and catcher.has(email)]
    assert not hidden
    assert not registered.keys() & {"chunks before length", "a chunk", "the body of a GET", "the body of an upgrade"}


def _attacked(deployment: Deployment, attack: str) -> tuple[str, bytes]:
    """The address that the hidden request registers, and all that came back."""
    email = f"hidden-{uuid4().hex[:8]}@example.org"
    body = json.dumps({"email": email, "password": PASSWORD, "name": "Mallory", "role": "customer"})
    head = "POST /v1/auth/register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    hidden = f"{head}Content-Length: {len(body)}\r\n\r\n{body}"
    text = (
        attack.replace("{hidden}", hidden).replace("{length}", str(len(hidden))).replace("{size}", f"{len(hidden):x}")
    )
    return email, _sent(deployment, text.encode("latin-1"))


def _sent(deployment: Deployment, request: bytes) -> bytes:
    """All that comes back until nginx closes the connection, or is silent for two seconds."""
    door = urlsplit(deployment.url)
    assert door.hostname is not None
    trusted = ssl.create_default_context(cafile=str(deployment.folder / "docker/secrets/tls_certificate"))
    came = b""
    with (
        socket.create_connection((door.hostname, door.port or 443), timeout=30) as plain,
        trusted.wrap_socket(plain, server_hostname=door.hostname) as wire,
    ):
        wire.sendall(request)
        wire.settimeout(2)
        try:
            while part := wire.recv(65536):
                came += part
        except (TimeoutError, ssl.SSLError, ConnectionError):
            pass
    return came


@pytest.mark.parametrize("deployment", [NGINX], indirect=True)
@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        (f"GET /{'x' * 40_000} HTTP/1.1\r\nHost: localhost\r\n\r\n", "url-too-long"),
        (f"{GET}X: {'x' * 40_000}\r\n\r\n", "headers-too-large"),
        (f"{START}Content-Length: 99999999\r\n\r\n", "too-large"),
        ("NONSENSE\r\n\r\n", "malformed"),
    ],
)
def test_what_nginx_refuses_is_told_as_a_problem(deployment: Deployment, request_: str, problem: str) -> None:
    head, _, body = _sent(deployment, request_.encode("latin-1")).partition(b"\r\n\r\n")
    assert b"Content-Type: application/problem+json" in head, (head, body)
    assert json.loads(body)["type"] == f"/problems/{problem}"
