"""Rate limits of routes, and what answers say of them (IETF draft: RateLimit headers)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from application.rate_limit import RateLimit
from interfaces.http.framework.request import RequestContext

Subject = Callable[[RequestContext, Any], Awaitable[object]]
"""From request and body to the subject that is counted beside the network; None: this request is not counted."""


async def by_network(request: RequestContext, body: object) -> str:  # noqa: ARG001
    """Count by network alone."""
    return ""


async def by_account(request: RequestContext, body: object) -> object:  # noqa: ARG001
    """Count by the caller's account."""
    return request.caller.account


async def by_customer(request: RequestContext, body: object) -> object:  # noqa: ARG001
    """Count customers by their account, and staff not at all."""
    return request.caller.account if request.caller.is_customer else None


@dataclass(frozen=True, slots=True)
class RateLimited:
    """A route's limit. `policy`: its name; `refunds`: requests that succeed are not counted."""

    policy: str
    subject: Subject = by_network
    refunds: bool = False

    async def answer(
        self, request: RequestContext, body: object, handle: Callable[[], Awaitable[Response]]
    ) -> Response:
        """The handler's answer with the limit's headers; raises TooManyRequests before the handler runs."""
        subject = await self.subject(request, body)
        if subject is None:
            return await handle()
        limits = request.ports.abuse.limits
        state = await limits.take(self.policy, request.network, str(subject))
        answer = await handle()
        if self.refunds:
            await limits.forgive(state)
        answer.raw_headers += rate_limit_headers(state).items()
        return answer


def rate_limit_headers(state: RateLimit) -> dict[bytes, bytes]:
    """Quota and window; what remains, and for how many seconds."""
    return {
        b"ratelimit-policy": b'"%s";q=%d;w=%d' % (state.policy.encode(), state.quota, state.window),
        b"ratelimit": b'"%s";r=%d;t=%d' % (state.policy.encode(), state.remaining, state.reset),
    }
