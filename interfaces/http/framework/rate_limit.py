"""Requests that may be made so often only, and what their answers say of it (IETF draft: RateLimit)."""

from collections.abc import Mapping

from application.rate_limit import RateLimit
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import HttpResponse

LIMITED: Mapping[str, str] = {
    "register": "register",
    "verify_email": "verify",
    "change_me": "address",
    "sign_in": "login",
    "forgot_password": "forgot",
    "reset_password": "reset",
    "change_password": "password",
    "start_totp": "password",
    "confirm_totp": "password",
    "stop_totp": "password",
    "place_hold": "hold",
    "join_waitlist": "wait",
    "create_webhook": "webhook",
    "rotate_webhook": "webhook",
    "redeliver_webhook": "webhook",
}
"""Operation -> the policy that limits it."""
PROVING = frozenset({"password", "address"})
"""Policies of what needs the present password again."""


async def take(ask: RequestContext, subject: object = "") -> dict[bytes, bytes]:
    """Count this request; the headers that say how many more are taken. Raises TooManyRequests."""
    assert ask.ports.limits is not None
    room = await ask.ports.limits.take(LIMITED[ask.operation], ask.network, str(subject))
    return room_headers(room)


async def take_as_customer(ask: RequestContext) -> dict[bytes, bytes]:
    """As `take`, of the caller; staff do with their own calendars what they like."""
    return await take(ask, ask.caller.account) if ask.caller.is_customer else {}


def also(answer: HttpResponse, headers: Mapping[bytes, bytes]) -> HttpResponse:
    """The answer, which says how many more are taken."""
    answer.raw_headers += headers.items()
    return answer


async def forgive(ask: RequestContext, subject: object) -> None:
    """It was rightly made, and counts for nothing."""
    assert ask.ports.limits is not None
    await ask.ports.limits.forgive(LIMITED[ask.operation], ask.network, str(subject))


def room_headers(room: RateLimit) -> dict[bytes, bytes]:
    """Quota and window; what remains, and for how many seconds."""
    return {
        b"ratelimit-policy": b'"%s";q=%d;w=%d' % (room.policy.encode(), room.quota, room.window),
        b"ratelimit": b'"%s";r=%d;t=%d' % (room.policy.encode(), room.remaining, room.reset),
    }
