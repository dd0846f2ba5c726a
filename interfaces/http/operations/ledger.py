"""The ledger: is the log still what was written?"""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import Field
from pydantic_core import to_json

from application.ledger import LogHead
from interfaces.http.framework.etags import LARGEST
from interfaces.http.framework.fields import Instant, Shape, plain
from interfaces.http.framework.fields import Query as Filters
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.request_errors import InvalidFields
from interfaces.http.framework.responses import PRIVATE, HttpResponse
from interfaces.http.framework.routing import Router
from projections.query.snapshot import BeyondHead

router = Router("/v1/audit", "audit")
MOST = 200_000
USUAL = 100_000
Position = Annotated[int, Field(ge=1, le=LARGEST)]


class LedgerHeadResponse(Shape):
    """The log's last seal. An empty log is at 0, without hash and time."""

    position: int = Field(ge=0)
    hash: str = Field(pattern=r"^[0-9a-f]*$", description="It covers all that is before, in hexadecimal.")
    at: Instant | None


class LedgerVerificationResponse(Shape):
    """What was looked at: whole batches, so a little more than asked for."""

    holds: bool
    from_: int = Field(ge=1, alias="from")
    to: int = Field(ge=0, description="The last position that was looked at.")
    seals: int = Field(ge=0, description="Batches that hold.")
    broken: str | None = Field(description="The first thing that does not hold.")


class VerifyLedgerQuery(Filters):
    """Positions, both inclusive, at most 200000; the last 100000 up to `to` or the end if not said."""

    from_: Position | None = Field(None, alias="from", description="Default: 99999 before `to`.")
    to: Position | None = Field(None, description="Default: the log's end.")


@router.get("/ledger", "get_ledger", LedgerHeadResponse)
async def head(request: RequestContext) -> Response:
    """Show position, hash and time of the log's last seal: whoever keeps them can tell if it is rewritten."""
    found = await _head(request)
    return _answer(
        found,
        {"position": found.position, "hash": found.hash.hex(), "at": plain(found.at) if found.at else None},
    )


@router.get("/ledger/verify", "verify_ledger", LedgerVerificationResponse)
async def verify(request: RequestContext, stretch: Annotated[VerifyLedgerQuery, Query()]) -> Response:
    """Recompute the digests and seals of at most 200000 events; names the first thing that does not hold."""
    end = await _head(request)
    if stretch.to is not None and stretch.to > end.position:
        raise BeyondHead(end.position, stretch.to)
    to = end.position if stretch.to is None else stretch.to
    first = max(1, to - USUAL + 1) if stretch.from_ is None else stretch.from_
    if first > max(to, 1):
        raise _wrong("/from", f"It lies behind the end, {to}.")
    if to - first >= MOST:
        raise _wrong("/from", f"These are more than {MOST} positions.")
    found = await request.ports.ledger.verify(first, stretch.to)
    told = {"holds": found.broken is None, "from": found.since, "to": found.upto}
    return _answer(end, {**told, "seals": found.seals, "broken": found.broken})


async def _head(request: RequestContext) -> LogHead:
    """Of the log itself: there is nothing to wait for. Raises BeyondHead."""
    found = await request.ports.ledger.head()
    if request.at_least is not None and request.at_least > found.position:
        raise BeyondHead(found.position, request.at_least)
    return found


def _answer(end: LogHead, said: Mapping[str, Any]) -> HttpResponse:
    headers = {b"daybook-position": b"%d" % end.position, b"cache-control": PRIVATE}
    return HttpResponse(200, to_json(said), headers)


def _wrong(pointer: str, detail: str) -> InvalidFields:
    return InvalidFields([{"pointer": pointer, "detail": detail, "in": "query"}])
