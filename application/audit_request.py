"""The chain of a request: its events, the jobs that they made, mails, deliveries to webhooks, and how these ended."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.audit_search import with_accounts
from application.past import PastEvent, PastLog, Shows
from application.stream_history import HistoryItem
from domain.errors import NotFound

MOST_EVENTS, MOST_WORKS = 200, 500
"""Events, jobs, and deliveries of one answer."""


@dataclass(frozen=True, slots=True)
class ChainJob:
    """A job. `event`: the position of the event that made it; None for a job that the request itself enqueued.

    `status`: None if no row of it is kept; `ended_at`: None while it has not ended.
    """

    key: UUID
    event: int | None
    kind: str
    subject: UUID
    status: str | None
    attempts: int
    outcome: str | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class ChainDelivery:
    """The delivery of an event to a webhook. `status`: waiting, failed or delivered; None if no row of it is kept."""

    webhook_id: UUID
    event: int
    status: str | None
    attempts: int
    at: datetime | None


class RequestWorks(Protocol):
    """What was and is to be done because of a request."""

    def jobs_of(self, events: Sequence[PastEvent]) -> Mapping[UUID, int]:
        """The keys of the jobs that the events made, with the position of the event."""
        ...

    async def jobs(self, request: str, made: Mapping[UUID, int], most: int) -> Sequence[ChainJob]:
        """The jobs of these keys, and those of the request that no event made; at most `most`."""
        ...

    async def deliveries(self, events: Sequence[PastEvent], most: int) -> Sequence[ChainDelivery]:
        """The deliveries of the events, at most `most`."""
        ...


@dataclass(frozen=True, slots=True)
class ChainCount:
    """Numbers of events, jobs and deliveries that are not listed."""

    events: int = 0
    jobs: int = 0
    deliveries: int = 0


@dataclass(frozen=True, slots=True)
class RequestChain:
    """A request and its consequences. `withheld`: not for the caller; `not_kept`: of which no row is left.

    `more`: there are more than MOST_EVENTS events of one of the two, or more than MOST_WORKS jobs or deliveries.
    """

    events: Sequence[HistoryItem]
    jobs: Sequence[ChainJob]
    deliveries: Sequence[ChainDelivery]
    withheld: ChainCount
    not_kept: ChainCount
    more: bool


async def chain_of(
    request: str,
    positions: Sequence[int],
    shown: Sequence[int],
    past: PastLog,
    works: RequestWorks,
    shows: Shows | None,
) -> RequestChain:
    """The chain of a request. `positions`: of its events, in order; `shown`: of those that the caller may see.

    `shows`: which webhooks they see; None for all. They see the jobs of events that they see. Raises NotFound.
    """
    own = frozenset(shown)
    hidden = [each for each in positions if each not in own]
    seen, others = await past.recorded(shown[:MOST_EVENTS]), await past.recorded(hidden[:MOST_EVENTS])
    jobs = await works.jobs(request, works.jobs_of([*seen, *others]), MOST_WORKS + 1)
    deliveries = await works.deliveries([*seen, *others], MOST_WORKS + 1)
    own_jobs = [each for each in jobs if shows is None or each.event in own]
    own_deliveries = [each for each in deliveries if shows is None or await _is_theirs(each, own, past, shows)]
    if not seen and (shows is not None or not jobs):
        raise NotFound("request", request)
    return RequestChain(
        await with_accounts(seen, past),
        [each for each in own_jobs if each.status is not None],
        [each for each in own_deliveries if each.status is not None],
        ChainCount(len(others), len(jobs) - len(own_jobs), len(deliveries) - len(own_deliveries)),
        ChainCount(0, _unkept(own_jobs), _unkept(own_deliveries)),
        more=max(len(shown), len(hidden)) > MOST_EVENTS or max(len(jobs), len(deliveries)) > MOST_WORKS,
    )


def _unkept(works: Sequence[ChainJob] | Sequence[ChainDelivery]) -> int:
    return sum(each.status is None for each in works)


async def _is_theirs(delivery: ChainDelivery, shown: Collection[int], past: PastLog, shows: Shows) -> bool:
    """Whether they see the event, and the webhook was theirs then."""
    if delivery.event not in shown:
        return False
    log = past.at(delivery.event)
    webhook = await log.state(delivery.webhook_id)
    return webhook is not None and await shows(webhook, log)
