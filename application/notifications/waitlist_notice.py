"""The jobs that send notices to customers on the waitlist: an offer, and the end of an entry."""

from collections.abc import Mapping
from functools import partial
from uuid import UUID

from application.access import SYSTEM
from application.current_state import current_state
from application.jobs.job import Job, JobHandlers, JobLease
from application.notifications.appointment_details import PlaceNames, place, place_of
from application.notifications.links import LASTING
from application.notifications.notice import Notice, NoticeKind
from application.notifications.notice_jobs import NoticeServices, send
from application.notifications.recipient import customer_of, in_language_of
from domain.booking.hold import Hold, HoldStatus
from domain.booking.waitlist import Waiting, WaitingStatus
from domain.catalog.provider import Provider
from domain.catalog.service import Service


def waitlist_notice_handlers(services: NoticeServices) -> JobHandlers:
    """Handlers of the jobs that tell customers on the waitlist."""
    handlers = {"offer": offer, "waitlist_ended": waitlist_ended}
    return {kind: partial(handler, services=services) for kind, handler in handlers.items()}


async def offer(job: Job, lease: JobLease, services: NoticeServices) -> str:
    """Tell a customer on the waitlist that a time is held for them. `said`: hold_id."""
    hold_id = UUID(job.said["hold_id"])
    hold = await _kept(hold_id, services)
    if hold is None:
        return "gone"
    provider = await current_state(Provider, hold.provider_id, services.store)
    recipient = await customer_of(hold.customer_id, services.store)
    if provider is None or recipient is None:
        return "forgotten"
    recipient = await in_language_of(provider, recipient, services.store)
    visit = await place_of(hold, provider, services.store)
    if (hold := await _kept(hold_id, services)) is None:
        return "gone"
    notice = Notice(job.key, NoticeKind.OFFER, job.subject, visit, hold.expires_at, at=job.due_at)

    async def look() -> str:
        now = await _kept(hold_id, services)
        return "" if now is not None and now.expires_at == hold.expires_at else "gone"

    return await send(notice, recipient, lease, services, look, job.attempts)


async def waitlist_ended(job: Job, lease: JobLease, services: NoticeServices) -> str:
    """Tell a customer that somebody else ended their entry: staff, or Daybook after the offers that lapsed.

    `said`: by, the account that ended it.
    """
    waiting = await _left(job.subject, services)
    if waiting is None:
        return "gone"
    recipient = await customer_of(waiting.customer_id, services.store)
    if recipient is None:
        return "forgotten"
    if job.said["by"] in (str(waiting.customer_id), str(recipient.account_id)):
        return "own"
    facts = {"why": "lapsed" if job.said["by"] == str(SYSTEM.id) else "staff"}
    service = await current_state(Service, waiting.service_id, services.store)
    provider = await _provider(waiting, service, services)
    if provider is not None:
        recipient = await in_language_of(provider, recipient, services.store)
        facts |= contact_facts(await place(waiting.service_id, provider, services.store))
    else:
        facts |= {"service": service.terms["name"] if service else "", "provider": "", "contact": "", "email": ""}
    until = job.due_at + LASTING
    notice = Notice(job.key, NoticeKind.WAITLIST_ENDED, waiting.id, until=until, facts=facts, at=job.due_at)

    async def look() -> str:
        return "" if await _left(waiting.id, services) is not None else "gone"

    return await send(notice, recipient, lease, services, look, job.attempts)


def contact_facts(place: PlaceNames) -> Mapping[str, str]:
    """What the mail says of the service and its provider. `email`: where replies go."""
    contact = ", ".join(filter(None, (place["phone"], place["email"])))
    return {"service": place["service"], "provider": place["provider"], "contact": contact, "email": place["email"]}


async def _left(waiting_id: UUID, services: NoticeServices) -> Waiting | None:
    """The entry that has ended; None for any other."""
    waiting = await current_state(Waiting, waiting_id, services.store)
    return waiting if waiting is not None and waiting.status is WaitingStatus.LEFT else None


async def _provider(waiting: Waiting, service: Service | None, services: NoticeServices) -> Provider | None:
    """The provider whom the entry was about; None if it was about any of several."""
    every = [UUID(id) for id in service.terms["provider_ids"]] if service is not None else []
    one = waiting.provider_id or (every[0] if len(every) == 1 else None)
    return None if one is None else await current_state(Provider, one, services.store)


async def _kept(hold_id: UUID, services: NoticeServices) -> Hold | None:
    """The hold of an offer; None once it was used, released or has expired."""
    hold = await current_state(Hold, hold_id, services.store)
    if hold is None or hold.status is not HoldStatus.HELD or hold.expires_at <= services.store.now():
        return None
    return hold
