"""Being forgotten: asked for by oneself or an admin, cancelled in time, then for ever."""

from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter, Response

from application.event_log import CommandResult
from application.people.erasure import (
    CancelErasure,
    RequestErasure,
    cancel_erasure,
    erase_guest,
    request_erasure,
)
from domain.errors import Conflict, NotFound
from domain.people.account import Account
from interfaces.http.framework.fields import Body
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import HttpResponse, ended, written
from interfaces.http.framework.routing import Route
from interfaces.http.people.me import AccountShown, shown
from projections.read_models import customer

me = APIRouter(prefix="/v1/me", tags=["me"], route_class=Route)
users = APIRouter(prefix="/v1/users", tags=["users"], route_class=Route)
guests = APIRouter(prefix="/v1/customers", tags=["customers"], route_class=Route)


class HasAccount(Conflict):
    """This customer has an account, which is forgotten as a user."""


class Forgetting(Body):
    """Refused while appointments lie ahead, unless they are cancelled with it."""

    cancel_appointments: bool = False


class ForgettingOther(Forgetting):
    """`at_once`: without the time to think again."""

    at_once: bool = False


@me.post("/forget", operation_id="forget_me", status_code=202, response_model=AccountShown)
async def forget_me(ask: RequestContext, body: Forgetting) -> Response:
    """Ask to be forgotten. Until `forgetting_due` it can be cancelled; then nothing personal can be read."""
    return await _asked(ask, ask.caller.account, body, ask.ports.cooling_off)


@me.delete("/forget", operation_id="stay", status_code=204)
async def stay(ask: RequestContext) -> Response:
    """Stay after all."""
    command = CancelErasure(**ask.command(), account_id=ask.caller.account)
    return ended(await cancel_erasure(command, ask.ports.store))


@users.post("/{account_id}/forget", operation_id="forget_user", status_code=202, response_model=AccountShown)
async def forget_user(ask: RequestContext, account_id: UUID, body: ForgettingOther) -> Response:
    """Have an account forgotten."""
    return await _asked(ask, account_id, body, timedelta() if body.at_once else ask.ports.cooling_off)


@users.delete("/{account_id}/forget", operation_id="keep_user", status_code=204)
async def keep_user(ask: RequestContext, account_id: UUID) -> Response:
    """Cancel that."""
    command = CancelErasure(**ask.command(), account_id=account_id)
    return ended(await cancel_erasure(command, ask.ports.store))


@guests.post("/{customer_id}/forget", operation_id="forget_customer", status_code=204)
async def forget_customer(ask: RequestContext, customer_id: UUID, body: Forgetting) -> Response:
    """Forget a guest, who has no account, at once."""
    async with ask.look("customer") as read:
        guest = await customer.get(read, customer_id)
        claimed = await customer.is_claimed(read, customer_id)
    if guest is None:
        raise NotFound("customer", customer_id)
    if guest.registered_by == customer_id or claimed:
        raise HasAccount
    await erase_guest(customer_id, ask.ports.oblivion, cancel=body.cancel_appointments)
    return HttpResponse(204)


async def _asked(ask: RequestContext, account_id: UUID, body: Forgetting, cooling_off: timedelta) -> Response:
    ahead = await ask.ports.oblivion.belongings.ahead(account_id, ask.ports.store.now(), ask.at_least)
    command = RequestErasure(
        **ask.command(),
        account_id=account_id,
        cooling_off=cooling_off,
        cancel_appointments=body.cancel_appointments,
        ahead=len(ahead.appointments),
    )
    done = await request_erasure(command, ask.ports.store)
    due = done.aggregate.forgetting_due
    if due is not None and not done.replayed:
        said = {"account_id": str(account_id)}
        letter = {"letter": "forgetting-asked", "due": due.strftime("%Y-%m-%d %H:%M UTC")}
        await ask.ports.errands.ask("notice", {**said, **letter})
        await ask.ports.errands.ask("forget", said, after=due - ask.ports.store.now())
    return _accepted(done)


def _accepted(done: CommandResult[Account]) -> HttpResponse:
    answer = written(done, shown)
    answer.status_code = 202
    return answer
