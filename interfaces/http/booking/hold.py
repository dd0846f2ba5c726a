"""Routes of holds, which keep a time for a few minutes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

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
from interfaces.http.framework.fields import Body, EmptyBody, Instant, Paging, Resource, Shape, plain
from interfaces.http.framework.needs import IdempotencyKeys, Needs
from interfaces.http.framework.paging import next_cursor, page
from interfaces.http.framework.rate_limit import RateLimited, by_customer
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import command_response, empty_response, page_response, resource_response
from interfaces.http.framework.routing import Router
from projections.read_models import hold as read_model
from projections.read_models.hold import ListedHold

router = Router("/v1/holds", "holds")


class PlaceHoldBody(Body):
    """Staff must name the customer. Without a provider, the one with the fewest appointments that week is held."""

    service_id: UUID
    start: Instant
    provider_id: UUID | None = None
    customer_id: UUID | None = None


class HoldResponse(Resource):
    """A time that is kept for the customer until `expires_at`."""

    status: HoldStatus
    service_id: UUID
    provider_id: UUID
    customer_id: UUID
    start: datetime
    end: datetime
    timezone: str
    expires_at: datetime


class HoldPage(Shape):
    items: list[HoldResponse]
    next: str | None


class HoldFilters(Paging):
    """Holds that keep their time now, in the order of their start."""

    provider_id: UUID | None = None
    customer_id: UUID | None = None


def hold_response(hold: Hold | ListedHold) -> Mapping[str, Any]:
    """A hold as JSON."""
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


@router.post(
    "",
    "place_hold",
    HoldResponse,
    status=201,
    needs=Needs(keys=IdempotencyKeys.REQUIRED, limit=RateLimited("hold", by_customer)),
)
async def place(request: RequestContext, body: PlaceHoldBody) -> Response:
    """Place a hold on a free start. It lasts for the service's `hold_ttl`."""
    command = PlaceHold(
        **request.command(),
        id=new_id(),
        service_id=body.service_id,
        start=body.start,
        provider_id=body.provider_id,
        customer_id=body.customer_id,
    )
    queries = request.ports.booking
    done = queries.settled(command.id, place_hold(command, request.ports.store, queries))
    return command_response(await done, hold_response, location)


@router.get("", "list_holds", HoldPage)
async def find(request: RequestContext, filters: Annotated[HoldFilters, Query()]) -> Response:
    """List the holds that the caller may see, without those that have ended."""
    narrow = filters.model_dump(include={"provider_id", "customer_id"})
    async with request.snapshot("hold") as read:
        now = request.ports.store.now()
        rows, bookmark = await read_model.find(read, page(request, filters), now, owner=request.owner, **narrow)
    return page_response([hold_response(row) for row in rows], next_cursor(request, filters, bookmark), read.position)


@router.get("/{hold_id}", "get_hold", HoldResponse, needs=Needs(expires=True))
async def get(request: RequestContext, hold_id: UUID) -> Response:
    """Get a hold. 410 once it has expired or was used."""
    done = await find_hold(FindHold(**request.query(), hold_id=hold_id), request.ports.store)
    return resource_response(request.sent, done.aggregate.version, hold_response(done.aggregate), done.position)


@router.post("/{hold_id}/extend", "extend_hold", HoldResponse, needs=Needs(expires=True))
async def extend(request: RequestContext, hold_id: UUID, body: EmptyBody) -> Response:  # noqa: ARG001
    """Extend a hold. Possible once, for another `hold_ttl` from now."""
    return command_response(
        await extend_hold(ChangeHold(**request.command(), hold_id=hold_id), request.ports.store), hold_response
    )


@router.delete("/{hold_id}", "release_hold")
async def delete(request: RequestContext, hold_id: UUID) -> Response:
    """Release a hold. A hold that is over already is no error."""
    return empty_response(await release_hold(ChangeHold(**request.command(), hold_id=hold_id), request.ports.store))
