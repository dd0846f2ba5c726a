"""The search for events: by stream, kind, actor, person, organization, request, and time."""

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Response
from pydantic import Field

from application.audit_search import events_at, span
from application.past import PastAccess, PastLog
from interfaces.http.audit.past import WhenQuery, access_of, log_of
from interfaces.http.audit.stream_history import RecordedEventPage, history_body
from interfaces.http.framework.fields import Paging
from interfaces.http.framework.paging import next_cursor, page
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import page_response
from interfaces.http.framework.routing import Router
from interfaces.http.framework.validation_messages import matching
from interfaces.http.vocabulary.enum_name import EnumName
from projections.query.snapshot import Snapshot
from projections.read_models.audit.search import AuditFilters, find, owned_by

router = Router("/v1/audit/events", "audit", reserved=True)

_KIND = matching(r"^[A-Za-z]+$", "Use a kind such as Appointment.", default=None, max_length=64)
_TYPE = matching(r"^[A-Za-z]+\.[A-Za-z]+$", "Use a type such as Appointment.Booked.", default=None, max_length=64)

_REQUEST = matching(r"^[A-Za-z0-9._:+/=@-]+$", "Use the `request` of an event.", default=None, max_length=128)


class EventSearchFilters(Paging):
    """Events by their position."""

    stream: UUID | None = None
    kind: str | None = _KIND
    type: str | None = _TYPE
    actor: UUID | None = None
    person: UUID | None = None
    organization: UUID | None = None
    request: str | None = _REQUEST
    from_: WhenQuery | None = Field(None, alias="from")
    to: WhenQuery | None = None
    sort: Annotated[Literal["oldest", "newest"], EnumName("EventOrder")] = "oldest"


@router.get("", "search_events", RecordedEventPage)
async def search(request: RequestContext, filters: Annotated[EventSearchFilters, Query()]) -> Response:
    """Search the event log. Owners of organizations find what belonged to these when it was recorded."""
    log, asked = await log_of(request), page(request, filters)
    wanted = await wanted_of(filters, log)
    async with request.snapshot("audit") as read:
        owners = await owners_of(access_of(request), request.caller.account, read)
        if owners is not None and filters.organization not in (None, *owners):
            owners = []  # nor may an owner learn to whom else an event was of concern
        after = None if asked.after is None else int(asked.after)
        newest = filters.sort == "newest"
        found = await find(read, wanted, asked.limit + 1, after=after, newest_first=newest, owners=owners)
    request.shows(filters.person)
    shown = found[: asked.limit]
    cursor = next_cursor(request, filters, str(shown[-1]) if len(found) > asked.limit else None)
    items = [history_body(each) for each in await events_at(shown, log)]
    return page_response(items, cursor, read.position)


async def wanted_of(filters: EventSearchFilters, log: PastLog) -> AuditFilters:
    """The filters with positions in place of instants; raises BeyondHead."""
    since, until = await span(filters.from_, filters.to, log)
    return AuditFilters(
        filters.stream,
        filters.kind,
        filters.type,
        filters.actor,
        filters.person,
        filters.organization,
        filters.request,
        since,
        until,
    )


async def owners_of(access: PastAccess, account: UUID, read: Snapshot) -> Sequence[UUID] | None:
    """The organizations of whose past the caller may see events; None for all that there is."""
    if access.everything:
        return None
    return [each for each in await owned_by(read, account) if await access.owns(each)]
