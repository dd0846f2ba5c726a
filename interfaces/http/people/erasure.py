"""Routes of erasure: requested by the person or an admin, and cancelled before it is due."""

from datetime import timedelta
from uuid import UUID

from fastapi import Response

from application.event_log import CommandResult
from application.people.account import FindAccount, find_account
from application.people.erasure import (
    CancelErasure,
    RequestErasure,
    RequestOrigin,
    cancel_erasure,
    request_erasure,
)
from application.people.guest_erasure import erase_guest
from domain.people.account import Account
from interfaces.http.framework.fields import Body
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import HttpResponse, command_response, empty_response
from interfaces.http.framework.routing import Router
from interfaces.http.people.me import AccountResponse, account_response

me = Router("/v1/me", "me")
users = Router("/v1/users", "users")
guests = Router("/v1/customers", "customers")


class RequestErasureBody(Body):
    """Refused while there are upcoming appointments, unless `cancel_appointments` is true."""

    cancel_appointments: bool = False


class RequestUserErasureBody(RequestErasureBody):
    """`at_once`: without the time in which it can be cancelled."""

    at_once: bool = False


@me.post("/forget", "request_erasure", AccountResponse, status=202)
async def request_own(request: RequestContext, body: RequestErasureBody) -> Response:
    """Request erasure of the caller's personal data. It can be cancelled until `forgetting_due`."""
    return await _request_erasure(request, request.caller.account, body, request.ports.erasure.cooling_off)


@me.delete("/forget", "cancel_erasure")
async def cancel_own(request: RequestContext) -> Response:
    """Cancel the caller's erasure."""
    command = CancelErasure(**request.command(), account_id=request.caller.account)
    return empty_response(await cancel_erasure(command, request.ports.store))


@users.post("/{account_id}/forget", "request_user_erasure", AccountResponse, status=202)
async def request_user(request: RequestContext, account_id: UUID, body: RequestUserErasureBody) -> Response:
    """Request erasure of a user's personal data."""
    return await _request_erasure(
        request, account_id, body, timedelta() if body.at_once else request.ports.erasure.cooling_off
    )


@users.delete("/{account_id}/forget", "cancel_user_erasure")
async def cancel_user(request: RequestContext, account_id: UUID) -> Response:
    """Cancel a user's erasure."""
    command = CancelErasure(**request.command(), account_id=account_id)
    return empty_response(await cancel_erasure(command, request.ports.store))


@guests.post("/{customer_id}/forget", "erase_customer", None, status=204)
async def erase_customer(request: RequestContext, customer_id: UUID, body: RequestErasureBody) -> Response:
    """Erase a guest at once. A guest has no account."""
    services = request.ports.erasure.services
    who: RequestOrigin = {"by": request.caller, "correlation": request.scope["request_id"]}
    await erase_guest(customer_id, services, who, cancel=body.cancel_appointments)
    return HttpResponse(204)


async def _request_erasure(
    request: RequestContext, account_id: UUID, body: RequestErasureBody, cooling_off: timedelta
) -> Response:
    obligations, now = request.ports.erasure.services.obligations, request.ports.store.now()
    ahead = await obligations.ahead(account_id, now, request.at_least)
    if ahead.appointments and not body.cancel_appointments:  # refuse only what the log has now
        asked = FindAccount(**request.query(), account_id=account_id)
        ahead = await obligations.ahead(account_id, now, (await find_account(asked, request.ports.store)).position)
    command = RequestErasure(
        **request.command(),
        account_id=account_id,
        cooling_off=cooling_off,
        cancel_appointments=body.cancel_appointments,
        ahead=len(ahead.appointments),
    )
    return _accepted(await request_erasure(command, request.ports.store))


def _accepted(done: CommandResult[Account]) -> HttpResponse:
    answer = command_response(done, account_response)
    answer.status_code = 202
    return answer
