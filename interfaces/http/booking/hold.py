"""Holds: keep a time for a few minutes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from application.booking.hold import (
    ChangeHold,
    FindHold,
    PlaceHold,
    extend_hold,
    find_hold,
    place_hold,
    release_hold,
)
from domain.booking.hold import Hold, HoldStatus
from domain.kernel import new_id
from interfaces.http.booking.provider_ranking import wanted
from interfaces.http.framework.fields import Body, Instant, Nothing, Resource, plain
from interfaces.http.framework.rate_limit import also, take_as_customer
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import ended, seen, written
from interfaces.http.framework.routing import Route

router = APIRouter(prefix="/v1/holds", tags=["holds"], route_class=Route)


class Keeping(Body):
    """Staff say for which customer. Without a provider, the one with the fewest appointments that week."""

    service_id: UUID
    start: Instant
    provider_id: UUID | None = None
    customer_id: UUID | None = None


class HoldShown(Resource):
    """A time that is kept until `expires_at`."""

    status: HoldStatus
    service_id: UUID
    provider_id: UUID
    customer_id: UUID
    start: datetime
    end: datetime
    timezone: str
    expires_at: datetime


def shown(hold: Hold) -> Mapping[str, Any]:
    """A hold as answered."""
    return {
        "id": hold.id,
        "version": hold.version,
        "status": hold.status,
        "service_id": hold.service_id,
        "provider_id": hold.provider_id,
        "customer_id": hold.customer_id,
        "start": plain(hold.starts_at),
        "end": plain(hold.ends_at),
        "timezone": hold.timezone,
        "expires_at": plain(hold.expires_at),
    }


def location(hold: Hold) -> str:
    return f"/v1/holds/{hold.id}"


@router.post("", operation_id="place_hold", status_code=201, response_model=HoldShown)
async def place(ask: RequestContext, body: Keeping) -> Response:
    """Keep an offered start while somebody makes up their mind; as long as the service's `hold_ttl` says."""
    room = await take_as_customer(ask)
    command = PlaceHold(**await wanted(ask, body), id=new_id())
    return also(written(await place_hold(command, ask.ports.store), shown, location), room)


@router.get("/{hold_id}", operation_id="get_hold", response_model=HoldShown)
async def get(ask: RequestContext, hold_id: UUID) -> Response:
    """Show a hold, as long as it keeps the time."""
    done = await find_hold(FindHold(**ask.query(), hold_id=hold_id), ask.ports.store)
    return seen(ask.given, done.aggregate.version, shown(done.aggregate), done.position)


@router.post("/{hold_id}/extend", operation_id="extend_hold", response_model=HoldShown)
async def extend(ask: RequestContext, hold_id: UUID, body: Nothing) -> Response:  # noqa: ARG001
    """Keep it for as long again from now on; once."""
    return written(await extend_hold(ChangeHold(**ask.command(), hold_id=hold_id), ask.ports.store), shown)


@router.delete("/{hold_id}", operation_id="release_hold", status_code=204)
async def delete(ask: RequestContext, hold_id: UUID) -> Response:
    """Give the time back; what is over already is not an error."""
    return ended(await release_hold(ChangeHold(**ask.command(), hold_id=hold_id), ask.ports.store))
