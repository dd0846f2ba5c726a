"""HTTP to strangers' servers, real ones: bounded, signed, and never to a private address."""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from standardwebhooks import Webhook, WebhookVerificationError

from application.webhooks.payload import WebhookMessage
from application.webhooks.ports import SendResult
from infrastructure.webhooks.sender import WebhookSender, retry_after
from tests.infrastructure.webhooks.receiver import (
    LOOPBACK,
    a_receiver,
    drip,
    drip_headers,
    flood,
    hang_up,
    silence,
    status,
)
from tests.support.waiting import BUSY, assert_took

SECRETS = ["whsec_" + "TmV3" * 11, "whsec_" + "T2xk" * 11]
BRIEF = 0.6  # seconds: what would take ten


def a_message(id: str = "msg_1") -> WebhookMessage:
    return WebhookMessage(id, b'{"type":"appointment.booked"}', datetime.now(UTC))


@pytest.fixture
async def post() -> AsyncIterator[WebhookSender]:
    async with WebhookSender(LOOPBACK, longest=BRIEF) as post:
        yield post


@pytest.fixture
async def strict() -> AsyncIterator[WebhookSender]:
    """As in production."""
    async with WebhookSender(longest=BRIEF) as post:
        yield post


async def sent(post: WebhookSender, url: str) -> SendResult:
    return await post.send(url, a_message(), SECRETS)


async def test_a_message_arrives_signed_by_both_secrets(post: WebhookSender) -> None:
    async with a_receiver() as receiver:
        told = await sent(post, receiver.url)
        (received,) = receiver.received
    assert (told.status, told.error) == (204, "")
    assert received.headers["content-type"] == "application/json"
    assert received.id == "msg_1"
    for secret in SECRETS:
        said = Webhook(secret).verify(received.body, received.headers)
        assert said == {"type": "appointment.booked"}
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "WFhY" * 11).verify(received.body, received.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRETS[0]).verify(received.body + b" ", received.headers)


@pytest.mark.parametrize("code", [200, 201, 202, 204, 299])
async def test_every_2xx_is_taken(post: WebhookSender, code: int) -> None:
    async with a_receiver(status(code)) as receiver:
        assert (await sent(post, receiver.url)).error == ""


@pytest.mark.parametrize("code", [400, 401, 404, 410, 500, 599])
async def test_every_other_answer_is_not(post: WebhookSender, code: int) -> None:
    async with a_receiver(status(code)) as receiver:
        told = await sent(post, receiver.url)
    assert (told.status, told.error) == (code, f"status {code}")


@pytest.mark.parametrize("answering", [silence, drip, drip_headers])
async def test_however_slow_it_is_over_in_time(post: WebhookSender, answering: Any) -> None:
    async with a_receiver(answering) as receiver:
        began = time.monotonic()
        told = await sent(post, receiver.url)
    assert told.error == "timeout"
    assert_took(began, BRIEF + 0.5)


async def test_only_the_beginning_of_an_answer_is_read(post: WebhookSender) -> None:
    async with a_receiver(flood) as receiver:
        told = await sent(post, receiver.url)
    assert (told.status, told.error) == (200, "")


async def test_a_server_that_hangs_up_or_talks_nonsense_has_not_taken_it(post: WebhookSender) -> None:
    async with a_receiver(hang_up, b"what?\r\n\r\n") as receiver:
        assert (await sent(post, receiver.url)).error == "broken answer"
        assert (await sent(post, receiver.url)).error == "broken answer"


async def test_nobody_there_is_said_so(post: WebhookSender) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        assert (await sent(post, f"http://127.0.0.1:{unheard.getsockname()[1]}/")).error == "unreachable"
    assert (await sent(post, "http://nobody.invalid/")).error == "unreachable"


async def test_a_server_that_can_not_prove_who_it_is_gets_nothing(post: WebhookSender, tmp_path: Path) -> None:
    async with a_receiver(tls=_self_signed(tmp_path)) as receiver:
        told = await sent(post, receiver.url)
    assert told.error == "tls"
    assert receiver.received == []


def _self_signed(folder: Path) -> ssl.SSLContext:
    """For 127.0.0.1, by nobody who is trusted."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now, address = datetime.now(UTC), x509.IPAddress(ip_address("127.0.0.1"))
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([address]), critical=True)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "pem").write_bytes(pem + made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "pem")
    return context


@pytest.mark.fault(10)
@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(post: WebhookSender, code: int) -> None:
    async with a_receiver() as inner, a_receiver(status(code, f"location: {inner.url}")) as receiver:
        told = await sent(post, receiver.url)
        assert inner.connections == 0
    assert (told.status, told.error) == (code, "redirected")


async def test_no_cookie_is_kept(post: WebhookSender) -> None:
    async with a_receiver(status(200, "set-cookie: a=b")) as receiver:
        await sent(post, receiver.url)
        await sent(post, receiver.url)
    assert "cookie" not in receiver.received[1].headers


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "0x7f000001",
        "2130706433",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "localhost",
        "0.0.0.0",
    ],
)
async def test_this_machine_is_refused_however_it_is_written(strict: WebhookSender, host: str) -> None:
    async with a_receiver() as receiver:
        told = await sent(strict, f"http://{host}:{receiver.port}/hook")
        await asyncio.sleep(0)
        assert receiver.connections == 0
    assert (told.status, told.error) == (None, "private address")


@pytest.mark.parametrize(
    "host",
    [
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "[fd00::1]",
        "[fe80::1]",
        "[64:ff9b::a00:1]",
    ],
)
async def test_private_networks_and_metadata_are_refused_at_once(strict: WebhookSender, host: str) -> None:
    told = await sent(strict, f"http://{host}/latest/meta-data")
    assert told.error == "private address"
    assert told.took_ms < 300 * BUSY


async def test_a_name_of_a_private_address_is_refused_without_a_knock(
    strict: WebhookSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_receiver() as receiver:
        _resolve(monkeypatch, "hook.example.org", ["127.0.0.1"])
        told = await sent(strict, f"http://hook.example.org:{receiver.port}/hook")
        assert receiver.connections == 0
    assert told.error == "private address"


async def test_a_name_that_is_rebound_after_the_look_is_refused_at_connect(
    strict: WebhookSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First it means a public address, then ours: nothing is sent over the connection that is made."""
    async with a_receiver() as receiver:
        _resolve(monkeypatch, "hook.example.org", ["93.184.216.34"], ["127.0.0.1"])
        told = await sent(strict, f"http://hook.example.org:{receiver.port}/hook")
        assert receiver.received == []
    assert told.error == "private address"


async def test_one_private_address_among_public_ones_is_refused(
    strict: WebhookSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    _resolve(monkeypatch, "hook.example.org", ["93.184.216.34", "10.0.0.1"])
    assert (await sent(strict, "http://hook.example.org/")).error == "private address"


async def test_what_is_allowed_is_allowed_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    only = [ip_network("127.0.0.2/32")]
    async with WebhookSender(only, longest=BRIEF) as post, a_receiver(host="127.0.0.2") as receiver:
        assert (await sent(post, receiver.url)).error == ""
        elsewhere = receiver.url.replace("127.0.0.2", "127.0.0.1")
        assert (await sent(post, elsewhere)).error == "private address"
        _resolve(monkeypatch, "hook.example.org", ["127.0.0.2"], ["127.0.0.1"])
        told = await sent(post, f"http://hook.example.org:{receiver.port}/hook")
        assert told.error in {"private address", "unreachable"}
        assert len(receiver.received) == 1


async def test_proxies_of_the_environment_are_not_used(post: WebhookSender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with WebhookSender(LOOPBACK, longest=BRIEF) as fresh, a_receiver() as receiver:
        assert (await sent(fresh, receiver.url)).error == ""


def _resolve(monkeypatch: pytest.MonkeyPatch, name: str, *answers: list[str]) -> None:
    """What a name means, the first time and from then on."""
    real, left = socket.getaddrinfo, list(answers)

    def resolved(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in {name, name.encode()}:
            return real(host, port, *args, **kwargs)
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)


def test_how_long_to_wait_is_said_in_seconds_or_as_a_date() -> None:
    assert retry_after(None) is None
    assert retry_after("120") == 120
    assert retry_after("soon") is None
    assert retry_after("-1") is None
    later = retry_after(format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True))
    assert later is not None
    assert 295 < later <= 300
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0


async def test_retry_after_is_handed_on(post: WebhookSender) -> None:
    async with a_receiver(status(429, "retry-after: 7"), status(503, "retry-after: 9")) as receiver:
        assert (await sent(post, receiver.url)).retry_after == 7
        assert (await sent(post, receiver.url)).retry_after == 9


async def test_the_library_s_guard_is_in_place_without_exceptions(strict: WebhookSender) -> None:
    """Were our own look left out, the connection would still be refused."""
    with pytest.raises(httpx.RequestError, match="access denied"):
        await strict._client.post("http://127.0.0.1:9/")
