"""Routes of proofs: that an event is in the log, and that the log at one position continues that at another."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError, to_json

from domain.log_position import position_of
from interfaces.http.audit.proof_bodies import consistency_body, event_of, inclusion_body
from interfaces.http.framework.fields import LogPosition, LogPositionQuery, Shape
from interfaces.http.framework.fields import Query as Filters
from interfaces.http.framework.needs import Needs
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.request_errors import InvalidFields
from interfaces.http.framework.responses import PRIVATE, HttpResponse
from interfaces.http.framework.routing import Router
from projections.query.snapshot import BeyondHead

router = Router("/v1/audit", "audit", reserved=True)
WHOLE = Needs(whole_ledger=True)

Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Path = Annotated[list[Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{43}=$")]], Field(max_length=126)]


def _of_an_event(position: int) -> int:
    if position < 1:
        raise PydanticCustomError("position", "The first event is at 0.1.")
    return position


Position = Annotated[LogPositionQuery, AfterValidator(_of_an_event)]


class InclusionProofQuery(Filters):
    """The tree: that of a checkpoint, or by default of the whole log."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    upto: Position | None = None


class ConsistencyProofQuery(Filters):
    """Two positions, the earlier first; by default up to the end of the log."""

    from_: Position = Field(alias="from")
    to: Position | None = None


class TreeHeadResponse(Shape):
    """The root of the tree over the events up to a position (RFC 9162)."""

    position: LogPosition
    root: Hash


class InclusionProofResponse(Shape):
    """The path of hashes from an event to a root; docs/auditors.md says how to check it."""

    stream: UUID
    version: int
    position: LogPosition
    at: datetime
    digest: Hash
    tree: TreeHeadResponse
    path: Path


class ConsistencyProofResponse(Shape):
    """The hashes that prove that nothing before the earlier position was changed since."""

    from_: TreeHeadResponse = Field(alias="from")
    to: TreeHeadResponse
    path: Path


@router.get("/proofs/{event}", "get_inclusion_proof", InclusionProofResponse, needs=WHOLE)
async def proof(request: RequestContext, event: str, query: Annotated[InclusionProofQuery, Query()]) -> Response:
    """Prove that an event is in the log: by its position, or by its stream and version (by default the last)."""
    await _reached(request)
    asked = _asked(event, query)
    found = await request.ports.ledger.inclusion(asked, query.version, query.upto)
    return _answer(inclusion_body(found))


@router.get("/consistency", "get_consistency_proof", ConsistencyProofResponse, needs=WHOLE)
async def consistency(request: RequestContext, query: Annotated[ConsistencyProofQuery, Query()]) -> Response:
    """Prove that the log up to one position is the beginning of the log up to another."""
    await _reached(request)
    if query.to is not None and query.from_ > query.to:
        raise _wrong("/from", "Must not be after `to`.")
    return _answer(consistency_body(await request.ports.ledger.consistency(query.from_, query.to)))


def _asked(event: str, query: InclusionProofQuery) -> int | UUID:
    try:
        asked = event_of(event)
    except PydanticCustomError as wrong:
        raise _wrong("/event", wrong.message(), "path") from None
    if query.version is not None and isinstance(asked, int):
        raise _wrong("/version", "A position names its event: leave the version out.")
    if isinstance(asked, int) and query.upto is not None and asked > query.upto:
        raise _wrong("/upto", "Must not be before the event.")
    return asked


async def _reached(request: RequestContext) -> None:
    if request.at_least is not None and request.at_least > (head := await request.ports.ledger.head()).position:
        raise BeyondHead(head.position, request.at_least)


def _answer(body: Mapping[str, Any]) -> HttpResponse:
    upto = position_of((body.get("tree") or body["to"])["position"])
    return HttpResponse(200, to_json(body), {b"cache-control": PRIVATE}, position=upto)


def _wrong(pointer: str, detail: str, where: str = "query") -> InvalidFields:
    return InvalidFields([{"pointer": pointer, "detail": detail, "in": where}])
