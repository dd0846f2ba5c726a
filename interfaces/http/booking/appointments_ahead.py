"""Ends: whoever ends a customer, provider, service, organization or user says what becomes of upcoming appointments."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import Field

from application.access import SYSTEM
from application.current_state import GetCurrentState, get_current_state
from application.ending import AheadChoice, EndingKind
from application.event_log import CommandResult
from domain.errors import NotFound
from interfaces.http.framework.fields import Query, Shape, Text
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import HttpResponse, empty_response, outcome_response


class EndingQuery(Query):
    """What becomes of upcoming appointments. Required if there are any; staff who cancel them give a reason."""

    appointments: AheadChoice | None = None
    reason: Text | None = Field(None, description="Why they are cancelled. Their customers are told.")


class EndingResponse(Shape):
    """The upcoming appointments, and what becomes of them. Daybook cancels them within seconds."""

    appointments: AheadChoice
    ids: list[UUID]


async def ended(
    request: RequestContext,
    query: EndingQuery,
    what: tuple[EndingKind, UUID],
    end: Callable[[Mapping[str, Any]], Awaitable[CommandResult[Any]]],
) -> HttpResponse:
    """Run the command `end` with the choice. 204, or 200 with the appointments that lie ahead."""
    kind, id = what
    before = await upcoming(request, *what)
    choice = {"appointments": query.appointments, "reason": query.reason or "", "ahead": len(before)}
    done = await end(choice)
    # Nobody books any more. Some may have been booked since, and some cancelled by the job already.
    after = await request.ports.ahead.of(kind, id, request.ports.store.now(), done.position)
    ids = list(dict.fromkeys([*before, *after]))
    if not ids and query.appointments is None:
        return empty_response(done)
    return outcome_response(done, {"appointments": query.appointments or AheadChoice.KEEP, "ids": ids})


async def upcoming(request: RequestContext, kind: EndingKind, id: UUID) -> Sequence[UUID]:
    """The appointments ahead, as of the state that the log has now; none for what does not exist."""
    aggregate, stream = kind.stream(id)
    try:
        found = await get_current_state(GetCurrentState(by=SYSTEM, kind=aggregate, id=stream), request.ports.store)
    except NotFound:
        return ()
    return await request.ports.ahead.of(kind, id, request.ports.store.now(), found.position)
