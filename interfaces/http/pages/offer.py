"""The page of a place on offer: its customer books it, or leaves the waitlist."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.routing import BaseRoute

from application.access import LinkPurpose
from application.booking.waitlist import AcceptOffer, ChangeWaiting, accept_offer, leave_waitlist
from application.current_state import current_state
from application.event_log import CommandResult
from application.notifications.appointment_details import place_of
from application.notifications.link_holder import LinkHolder
from domain.booking.hold import Hold, HoldStatus
from domain.booking.waitlist import Waiting, WaitingStatus
from domain.catalog.provider import Provider
from domain.errors import NotFound, Refusal
from domain.kernel import new_id
from interfaces.http.pages.page import PageRequest, PageView, page, refused

PATH = "/waitlist/{id:uuid}"
_ON_THE_LIST = frozenset({WaitingStatus.WAITING, WaitingStatus.OFFERED})


async def show(asked: PageRequest) -> PageView:
    holder = await asked.holder(LinkPurpose.OFFER)
    asked.may(holder, "get_waitlist_entry")
    return await _view(asked, holder)


async def accept(asked: PageRequest) -> PageView:
    holder = await asked.holder(LinkPurpose.OFFER)
    command = AcceptOffer(**asked.command(holder, "accept_offer"), id=new_id(), waiting_id=asked.subject)
    return await _answered(asked, holder, lambda: accept_offer(command, asked.ports.store), "accepted")


async def leave(asked: PageRequest) -> PageView:
    holder = await asked.holder(LinkPurpose.OFFER)
    command = ChangeWaiting(**asked.command(holder, "leave_waitlist"), waiting_id=asked.subject)
    return await _answered(asked, holder, lambda: leave_waitlist(command, asked.ports.store), "left")


ROUTES: Sequence[BaseRoute] = (
    page("GET", PATH, show),
    page("POST", PATH + "/accept", accept),
    page("POST", PATH + "/leave", leave),
)


async def _answered(
    asked: PageRequest, holder: LinkHolder, run: Callable[[], Awaitable[CommandResult[Any]]], done: str
) -> PageView:
    try:
        await run()
    except NotFound:
        raise
    except Refusal as error:
        return await _view(asked, holder, error)
    return await _view(asked, holder, done=done)


async def _view(asked: PageRequest, holder: LinkHolder, error: Refusal | None = None, done: str = "") -> PageView:
    store = asked.ports.store
    waiting = await current_state(Waiting, asked.subject, store)
    if waiting is None:
        raise NotFound("waiting", asked.subject)
    hold = None if waiting.offer is None else await current_state(Hold, waiting.offer.hold_id, store)
    live = hold is not None and hold.status is HoldStatus.HELD and hold.expires_at > store.now()
    visit = None
    if hold is not None and live:
        provider = await current_state(Provider, hold.provider_id, store)
        visit = None if provider is None else await place_of(hold, provider, store)
    zone = visit.timezone if visit else waiting.timezone
    fields = {
        "id": waiting.id,
        "page": asked.link_fields(waiting.version),
        "visit": visit,
        "zone": zone,
        "status": "waiting" if waiting.status is WaitingStatus.OFFERED and not live else str(waiting.status),
        "until": hold.expires_at if hold is not None and live else None,
        "leaves": waiting.status in _ON_THE_LIST,
    }
    why = None if error is None else refused(error)
    return PageView("offer", fields, 200 if why is None else why[1], done, why, holder.recipient.language, zone)
