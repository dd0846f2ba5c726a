"""Routes of the ledger, which proves that the event log is unchanged."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError, to_json

from application.ledger import LogHead
from domain.log_position import position_text
from interfaces.http.framework.fields import Instant, LogPosition, LogPositionQuery, Shape, plain
from interfaces.http.framework.fields import Query as Filters
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.request_errors import InvalidFields
from interfaces.http.framework.responses import PRIVATE, HttpResponse
from interfaces.http.framework.routing import Router
from projections.query.snapshot import BeyondHead

router = Router("/v1/audit", "audit", reserved=True)
MOST = 200_000
USUAL = 100_000


def _of_an_event(position: int) -> int:
    if position < 1:
        raise PydanticCustomError("position", "The first event is at 0.1.")
    return position


Position = Annotated[LogPositionQuery, AfterValidator(_of_an_event)]


class LedgerHeadResponse(Shape):
    """The log's last seal. An empty log has position 0 and no hash or time."""

    position: LogPosition
    hash: str = Field(pattern=r"^[0-9a-f]*$", description="Of everything up to this position, in hexadecimal.")
    at: Instant | None


class LedgerVerificationResponse(Shape):
    """The result for whole batches, which may be slightly more than the requested range."""

    holds: bool
    from_: LogPosition = Field(alias="from")
    to: LogPosition
    seals: int = Field(ge=0, description="Batches that were found intact.")
    broken: str | None = Field(description="The first fault.")


class VerifyLedgerQuery(Filters):
    """Positions, both inclusive, at most 200000; by default the last 100000 up to `to` or the log's end."""

    from_: Position | None = Field(None, alias="from")
    to: Position | None = None


@router.get("/ledger", "get_ledger", LedgerHeadResponse)
async def head(request: RequestContext) -> Response:
    """Get the log's last seal. Keep position, hash and time elsewhere to detect a rewritten log."""
    found = await _head(request)
    at = plain(found.at) if found.at else None
    return _answer(found, {"position": position_text(found.position), "hash": found.hash.hex(), "at": at})


@router.get("/ledger/verify", "verify_ledger", LedgerVerificationResponse)
async def verify(request: RequestContext, stretch: Annotated[VerifyLedgerQuery, Query()]) -> Response:
    """Verify the digests and seals of at most 200000 events. The answer names the first fault."""
    end = await _head(request)
    if stretch.to is not None and stretch.to > end.position:
        raise BeyondHead(end.position, stretch.to)
    to = end.position if stretch.to is None else stretch.to
    first = max(1, to - USUAL + 1) if stretch.from_ is None else stretch.from_
    if first > max(to, 1):
        raise _wrong("/from", f"Must not be after the end, {position_text(to)}.")
    if to - first >= MOST:
        raise _wrong("/from", f"At most {MOST} positions can be verified at once.")
    found = await request.ports.ledger.verify(first, stretch.to)
    verified = {"holds": found.broken is None, "from": position_text(found.since), "to": position_text(found.upto)}
    return _answer(end, {**verified, "seals": found.seals, "broken": found.broken})


async def _head(request: RequestContext) -> LogHead:
    """The log's own head, without waiting; raises BeyondHead."""
    found = await request.ports.ledger.head()
    if request.at_least is not None and request.at_least > found.position:
        raise BeyondHead(found.position, request.at_least)
    return found


def _answer(end: LogHead, content: Mapping[str, Any]) -> HttpResponse:
    return HttpResponse(200, to_json(content), {b"cache-control": PRIVATE}, position=end.position)


def _wrong(pointer: str, detail: str) -> InvalidFields:
    return InvalidFields([{"pointer": pointer, "detail": detail, "in": "query"}])
