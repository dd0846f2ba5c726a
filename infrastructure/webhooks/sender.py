"""HTTP to subscribers' servers: signed, bounded in time, without redirects, never to a private address (SSRF)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from time import monotonic

import httpx
from httpx_secure import SSRFProtectionError, httpx_ssrf_protection
from standardwebhooks import Webhook

from application.webhooks.payload import WebhookMessage
from application.webhooks.ports import SendResult
from infrastructure.webhooks.targets import Network, WebhookTargets

LONGEST = 10.0  # seconds for the whole exchange, from connecting to the answer
LARGEST_ANSWER = 4096  # bytes read
AGENT = "Daybook-Webhooks"


class WebhookSender:
    """Sends webhooks, inside `async with`. `allow`: private networks that are allowed, on any port."""

    def __init__(self, allow: Collection[Network] = (), *, longest: float = LONGEST) -> None:
        self._targets = WebhookTargets(allow)
        self._strict = not allow
        self._longest = longest

    async def __aenter__(self) -> WebhookSender:
        client = httpx.AsyncClient(
            verify=ssl.create_default_context(),
            timeout=httpx.Timeout(self._longest),
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=50),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )
        self._client = httpx_ssrf_protection(
            client,
            # The library's own check has no exceptions; `WebhookTargets` is at least as strict.
            check_globally_reachable=self._strict,
            custom_validator=lambda _, address, __: self._targets.admits(address),
            dns_cache_ttl=0,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def send(self, url: str, message: WebhookMessage, secrets: Sequence[str]) -> SendResult:
        began = monotonic()
        status, error, retry_after = None, "", None
        try:
            async with asyncio.timeout(self._longest):
                await self._look_up(httpx.URL(url))
                status, retry_after = await self._exchange(url, message, secrets)
            error = "" if 200 <= status < 300 else "redirected" if 300 <= status < 400 else f"status {status}"
        except (TimeoutError, httpx.TimeoutException):
            error = "timeout"
        except SSRFProtectionError:
            error = "private address"
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as failed:
            error = _error_name(failed)
        return SendResult(status, error, round((monotonic() - began) * 1000), retry_after)

    async def _look_up(self, url: httpx.URL) -> None:
        """Refuse a name with a private address before connecting, so that no port can be probed.

        The name may resolve to another address a moment later, so the client checks the address it connects to again.
        """
        refused = await self._targets.refused(str(url))
        if refused is not None:
            raise SSRFProtectionError("not admitted", hostname=url.host, ip_addr=refused, port=url.port or 0)

    async def _exchange(self, url: str, message: WebhookMessage, secrets: Sequence[str]) -> tuple[int, float | None]:
        sending = self._client.stream("POST", url, content=message.body, headers=headers(message, secrets))
        async with sending as answer:
            read = 0
            if answer.is_success:  # delivered once the answer is complete
                async for some in answer.aiter_raw():
                    read += len(some)
                    if read >= LARGEST_ANSWER:
                        break
        return answer.status_code, retry_after(answer.headers.get("retry-after"))


def headers(message: WebhookMessage, secrets: Sequence[str]) -> dict[str, str]:
    """The headers of Standard Webhooks, with a signature by each current secret."""
    text = message.body.decode()
    signatures = [Webhook(secret).sign(message.id, message.at, text) for secret in secrets]
    return {
        "content-type": "application/json",
        "user-agent": AGENT,
        "accept-encoding": "identity",
        "webhook-id": message.id,
        "webhook-timestamp": str(int(message.at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def retry_after(value: str | None) -> float | None:
    """Seconds, from a number of seconds or an HTTP date."""
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _error_name(error: Exception) -> str:
    if isinstance(error, httpx.ConnectError) and "ssl" in str(error).lower():
        return "tls"
    connecting = isinstance(error, httpx.ConnectError | OSError | UnicodeError)
    return "unreachable" if connecting else "broken answer"
