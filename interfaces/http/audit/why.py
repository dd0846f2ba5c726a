"""The route that explains why a time is not free: now, and at a moment of the past."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response
from pydantic_core import to_json
from tzdata import IANA_VERSION  # type: ignore[import-untyped]  # it has no types

from application.past import PastAccess
from application.past_availability import PastExplanation, PastStart, explain_start_at
from domain.log_position import position_text
from domain.scheduling.unavailable_reason import UnavailableReason
from interfaces.http.audit.past import WhenQuery, answer, log_of
from interfaces.http.audit.past_bodies import exact, moment_body
from interfaces.http.framework.fields import Instant, LogPosition, Shape
from interfaces.http.framework.fields import Query as Filters
from interfaces.http.framework.needs import Needs
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import PUBLIC, HttpResponse
from interfaces.http.framework.routing import Router
from projections.availability.queries import Explanation
from projections.read_models.availability import vacancy

router = Router("/v1/availability/why", "availability")
THE_PAST = "get_past_state"
"""The operation that a caller must be granted to ask about the past."""


class ExplainAvailabilityQuery(Filters):
    """One start with one provider; without a provider, with any of the service's."""

    service_id: UUID
    provider_id: UUID | None = None
    start: Instant
    at: WhenQuery | None = None


class ClosingHolidayResponse(Shape):
    """A holiday of the provider's organization that no override opens."""

    date: date
    name: str


class AvailabilityExplanationResponse(Shape):
    """Whether a start is free, and the rules against it if not. `holiday`: the one that closes the provider.

    Of the past: when the position was recorded and the next one was, and what occupied the time.
    """

    offered: bool
    rule: UnavailableReason | None
    detail: str
    rules: list[UnavailableReason]
    holiday: ClosingHolidayResponse | None
    as_of: datetime
    tzdata: str
    position: LogPosition
    at: datetime | None
    until: datetime | None
    taken_by: list[UUID] | None
    withheld: int | None


@router.get("", "explain_availability", AvailabilityExplanationResponse, needs=Needs(finds=True, also=THE_PAST))
async def why(request: RequestContext, query: Annotated[ExplainAvailabilityQuery, Query()]) -> Response:
    """Explain whether a start is free, and why not; with `at`, whether it was free then.

    About the past, auditors and admins may ask, and owners about what belonged to their organization then.
    """
    now = request.ports.store.now()
    if query.at is None:
        at_least = await request.reflecting(vacancy.name)
        found = await request.ports.availability.why(
            query.service_id, query.provider_id, query.start, now=now, at_least=at_least
        )
        headers = {b"cache-control": PUBLIC}
        return HttpResponse(200, to_json(_present_body(found, now)), headers, position=found.position)
    access = PastAccess(request.caller, THE_PAST, request.ports.store)
    log, wanted = await log_of(request), PastStart(query.service_id, query.provider_id, query.start)
    past = await explain_start_at(wanted, query.at, log, access.shows, now)
    return answer(past.moment, past_explanation_body(past))


def _present_body(found: Explanation, now: datetime) -> Mapping[str, Any]:
    said = _body(found.rules, found.holiday, now.isoformat(timespec="seconds").replace("+00:00", "Z"))
    of_the_past = dict.fromkeys(("at", "until", "taken_by", "withheld"))
    return {**said, "position": position_text(found.position), **of_the_past}


def past_explanation_body(found: PastExplanation) -> dict[str, Any]:
    """An explanation of the past as JSON, for the route and for `daybook audit`."""
    taken = {"taken_by": [str(id) for id in found.taken_by], "withheld": found.withheld}
    return {**_body(found.rules, found.holiday, exact(found.as_of)), **moment_body(found.moment), **taken}


def _body(rules: Any, holiday: tuple[date, str] | None, as_of: str | None) -> dict[str, Any]:
    named = None if holiday is None else {"date": holiday[0].isoformat(), "name": holiday[1]}
    return {
        "offered": not rules,
        "rule": rules[0] if rules else None,
        "detail": _detail(rules, named),
        "rules": list(rules),
        "holiday": named,
        "as_of": as_of,
        "tzdata": IANA_VERSION,
    }


def _detail(rules: Any, holiday: Mapping[str, Any] | None) -> str:
    if not rules:
        return "This start is offered."
    if rules[0] is UnavailableReason.CLOSED and holiday is not None:
        return f"The provider is closed on {holiday['date']}, a holiday: {holiday['name']}."
    detail: str = rules[0].detail
    return detail
