"""The ports of the HTTP ring, by concept. `interfaces/http/main.py` opens and connects them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from application.access import Caller
from application.audit_request import RequestWorks
from application.booking.ports import BookingQueries
from application.ending import AheadReader
from application.event_log import EventStore
from application.feed.ports import FeedMessages, FeedTail
from application.identity.api_key import ApiKeyHolders
from application.identity.one_time_tokens import Verifications
from application.identity.session import Signing
from application.jobs.job import JobEnqueuer
from application.ledger import Ledger, LedgerVerifications
from application.notifications.links import Links
from application.notifications.mail import SentMails
from application.orphans.hours_check import UpcomingReader
from application.past import PastLog
from application.people.erasure import ErasureServices
from application.rate_limit import RateLimits, WriteBudget
from application.view_log import ViewLog
from application.webhooks.ports import DeliveryReports, SigningSecrets, WebhookTargets
from interfaces.http.framework.cursors import Cursors
from interfaces.http.framework.headers.client_address import Networks
from projections.availability.queries import Availability
from projections.engine.event_feed import EventDecoder
from projections.query.last_writes import LastWrites
from projections.query.snapshot import Snapshots
from projections.reporting.figures import MetricFigures

Check = Callable[[], Awaitable[Mapping[str, Any]]]
"""Facts about a part of the installation; raises when that part is not well."""


class TokenVerifier(Protocol):
    """Access tokens."""

    def verify(self, token: str) -> Caller:
        """The account that the token was issued to; raises Unauthenticated."""
        ...


class DeniedRequests(Protocol):
    """Refused requests, on their way to the security log."""

    def note(self, kind: str, account_id: UUID | None, network: str, operation: str) -> None:
        """Returns at once."""
        ...


@dataclass(frozen=True, slots=True)
class IdentityPorts:
    """Signing in. `holders`: the accounts that API keys act for."""

    signing: Signing
    tokens: TokenVerifier
    holders: ApiKeyHolders
    verifications: Verifications


@dataclass(frozen=True, slots=True)
class AbusePorts:
    """Protection against abuse. `networks`: where requests come from. `budget`: of bytes that accounts write."""

    limits: RateLimits
    denials: DeniedRequests
    networks: Networks = field(default_factory=Networks)
    budget: WriteBudget = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "budget", WriteBudget(self.limits))


@dataclass(frozen=True, slots=True)
class ErasurePorts:
    """`cooling_off`: how long a request for erasure can be cancelled."""

    services: ErasureServices
    cooling_off: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class WebhookPorts:
    """`targets`: where webhooks may go. `plain`: whether to http."""

    reports: DeliveryReports
    secrets: SigningSecrets
    targets: WebhookTargets
    plain: bool = False


@dataclass(frozen=True, slots=True)
class FeedPorts:
    """`longest`: seconds that a stream lasts at most, so that clients spread over the processes again."""

    messages: FeedMessages
    tail: FeedTail
    longest: float


class StoppedProjections(Protocol):
    """Projections that stopped at an event that they could not process."""

    async def resume(self, name: str) -> bool:
        """Go on with that event, in the open transaction; False if it has not stopped."""
        ...


@dataclass(frozen=True, slots=True)
class JobPorts:
    """`retry`: makes a job due now; False if it is done or running. `enqueuer`: of jobs that no event makes."""

    retry: Callable[[UUID], Awaitable[bool]]
    enqueuer: JobEnqueuer


class PageTemplates(Protocol):
    """HTML of the pages behind links. `style`: their style sheet."""

    style: bytes

    def language(self, wanted: str, accepted: str) -> str:
        """The language to answer in: that of the link, else by Accept-Language."""
        ...

    def render(self, template: str, fields: Mapping[str, Any], *, language: str, locale: str, zone: str) -> bytes:
        """`locale`: the person's language tag; `zone`: in which times are shown."""
        ...


@dataclass(frozen=True, slots=True)
class PagePorts:
    """The pages behind the links of mails."""

    templates: PageTemplates
    links: Links


@dataclass(slots=True)
class HealthPorts:
    """Failing `vital` checks make the process unavailable, failing `useful` ones degraded.

    `draining`: the process is shutting down.
    """

    vital: Mapping[str, Check] = field(default_factory=dict)
    useful: Mapping[str, Check] = field(default_factory=dict)
    draining: bool = False


@dataclass(slots=True, kw_only=True)
class Ports:
    """One field for each concept. `request_id_key`: hides what clients send as X-Request-ID."""

    store: EventStore
    reads: Snapshots
    availability: Availability
    figures: MetricFigures
    booking: BookingQueries
    ahead: AheadReader
    upcoming: UpcomingReader
    cursors: Cursors
    codec: EventDecoder
    ledger: Ledger
    verifications: LedgerVerifications
    past: PastLog
    views: ViewLog
    works: RequestWorks
    identity: IdentityPorts
    abuse: AbusePorts
    erasure: ErasurePorts
    webhooks: WebhookPorts
    feed: FeedPorts
    jobs: JobPorts
    stopped: StoppedProjections
    mails: SentMails
    pages: PagePorts
    writes: LastWrites = field(default_factory=LastWrites)
    request_id_key: bytes = b""
    health: HealthPorts = field(default_factory=HealthPorts)
