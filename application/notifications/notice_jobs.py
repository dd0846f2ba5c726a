"""The jobs that send notices about appointments and webhooks.

A notice is true when it is sent: right before its text leaves, the lease is renewed and the state read again. The id
of the notice is the key of the job, so that receivers recognise a second copy.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from application.current_state import current_state
from application.event_log import EventStore
from application.jobs.job import Job, JobEnqueuer, JobHandlers, JobLease, NotDueYet
from application.notifications.appointment_details import AppointmentDetails, former_place, visit_of
from application.notifications.audience import TO, facts_for_staff, staff_recipient, tell_others
from application.notifications.confirmation import Look, NoticeUntrue, confirm
from application.notifications.links import LASTING
from application.notifications.notice import (
    ASKS,
    CAN_WAIT,
    MOVES,
    OPTIONAL,
    TO_STAFF,
    Channel,
    Notice,
    NoticeKind,
    untrue,
)
from application.notifications.quiet_hours import QuietHours
from application.notifications.recipient import (
    Recipient,
    account_of,
    customer_of,
    in_language_of,
    zone_of,
)
from application.rate_limit import RateLimits, TooManyRequests
from domain.booking.appointment import Appointment
from domain.booking.origin import Party
from domain.catalog.provider import Provider
from domain.webhooks.webhook import Webhook, WebhookStatus


@dataclass(frozen=True, slots=True)
class NoticeServices:
    """The services that notices use. `channels`: the first one that reaches the recipient sends the notice.

    `jobs`: enqueues the notices to others than the provider's owner; without it, they are not told.
    """

    store: EventStore
    channels: Sequence[Channel] = field(kw_only=True)
    quiet: QuietHours | None = field(default=None, kw_only=True)
    limits: RateLimits | None = field(default=None, kw_only=True)
    jobs: JobEnqueuer | None = field(default=None, kw_only=True)


def notice_handlers(services: NoticeServices) -> JobHandlers:
    """Handlers of the jobs that send notices."""
    handlers = {"remind": remind, "notify": notify}
    return {kind: partial(handler, services=services) for kind, handler in handlers.items()}


async def remind(job: Job, lease: JobLease, services: NoticeServices) -> str:
    """Remind the customer, unless the appointment is gone or moved. Raises NotDueYet in the quiet hours."""
    return await _tell(NoticeKind.REMINDER, job, lease, services)


async def notify(job: Job, lease: JobLease, services: NoticeServices) -> str:
    """Send a notice about an appointment or a webhook while it is true. The job's slot is the kind of the notice."""
    if job.slot != "disabled":
        return await _tell(NoticeKind(job.slot), job, lease, services)
    webhook = await _disabled(job.subject, services)
    if webhook is None:
        return "gone"
    return await webhook_disabled(job, webhook, lease, services)


async def webhook_disabled(job: Job, webhook: Webhook, lease: JobLease, services: NoticeServices) -> str:
    """Tell the subscriber that the webhook was disabled, and why."""
    recipient = await account_of(webhook.subscriber, services.store)
    if recipient is None:
        return "forgotten"
    facts = {"url": webhook.url, "why": webhook.reason}
    until = job.due_at + LASTING
    notice = Notice(job.key, NoticeKind.WEBHOOK_DISABLED, webhook.id, until=until, facts=facts, at=job.due_at)

    async def look() -> str:
        return "" if await _disabled(webhook.id, services) is not None else "gone"

    return await send(notice, recipient, lease, services, look)


async def send(
    notice: Notice, recipient: Recipient, lease: JobLease, services: NoticeServices, look: Look, attempts: int = 1
) -> str:
    """Send by the first channel that reaches the recipient. Raises LeaseLost, NotDueYet.

    Returns done, or why nothing was sent: unwanted, no-address, limit.
    """
    if notice.kind in OPTIONAL and not recipient.optional_mails:
        return "unwanted"
    channel = next((each for each in services.channels if each.reaches(recipient)), None)
    if channel is None:
        return "no-address"
    if attempts == 1 and recipient.account_id is None and not await _within_limit(notice, recipient, services):
        return "limit"
    try:
        await channel.send(notice, recipient, partial(confirm, lease, look))
    except NoticeUntrue as untrue_now:
        return str(untrue_now)
    return "done"


async def _within_limit(notice: Notice, recipient: Recipient, services: NoticeServices) -> bool:
    """Count a notice to a guest's address, which is unproven. Moves, cancellations and answers always go.

    Raises NotDueYet for a notice that can wait until the address may get mail again; False if that is too late.
    """
    if services.limits is None:
        return True
    try:
        await services.limits.take("guest_mail", "", recipient.email or recipient.phone or "")
    except TooManyRequests as full:
        if notice.kind not in CAN_WAIT:
            return True
        again = services.store.now() + timedelta(seconds=max(full.room.reset, 60))
        if notice.last_chance is not None and again < notice.last_chance:
            raise NotDueYet(again) from None
        return False
    return True


async def _tell(kind: NoticeKind, job: Job, lease: JobLease, services: NoticeServices) -> str:
    appointment, why = await _look(kind, job, services)
    if why or appointment is None:
        return why
    provider = await current_state(Provider, appointment.provider_id, services.store)
    customer = await customer_of(appointment.customer_id, services.store)
    if provider is None:
        return "forgotten"
    if kind in TO_STAFF and TO not in job.said and services.jobs is not None:
        await tell_others(job, kind, appointment, provider, (services.store, services.jobs))
    recipient, why = await _recipient(kind, job, appointment, (provider, customer), services)
    if recipient is None:
        return why
    at = _awake(job, recipient, appointment, services) if kind is NoticeKind.REMINDER else job.due_at
    visit = await visit_of(appointment, provider, services.store.now(), services.store)
    moves = kind in MOVES or (kind in ASKS and appointment.confirmed is not None)
    former = await former_place(appointment, services.store) if moves else None
    notice = _notice(kind, job, appointment, visit, customer)
    side = await facts_for_staff(kind, recipient, appointment, provider, services.store)
    notice = replace(notice, former=former, at=at, facts={**notice.facts, **side})

    async def look() -> str:
        return (await _look(kind, job, services))[1]

    return await look() or await send(notice, recipient, lease, services, look, job.attempts)


async def _recipient(
    kind: NoticeKind,
    job: Job,
    appointment: Appointment,
    parties: tuple[Provider, Recipient | None],
    services: NoticeServices,
) -> tuple[Recipient | None, str]:
    """Whom the job tells, or why nobody. `parties`: the provider, and the customer unless it is erased."""
    provider, customer = parties
    if kind in TO_STAFF:
        return await staff_recipient(job, kind, appointment, provider, services.store)
    return (None, "forgotten") if customer is None else (await in_language_of(provider, customer, services.store), "")


def _notice(
    kind: NoticeKind, job: Job, appointment: Appointment, visit: AppointmentDetails, customer: Recipient | None
) -> Notice:
    return Notice(
        job.key,
        kind,
        appointment.id,
        visit,
        until=appointment.expires_at,
        fee=appointment.ending.get("fee", 0),
        facts={
            "reason": _reason(appointment),
            "customer": customer.name if customer and kind in TO_STAFF else "",
            "by": _by(kind, appointment),
        },
        at=job.due_at,
    )


def _by(kind: NoticeKind, appointment: Appointment) -> str:
    """The side that made the change; empty if the log does not say."""
    if kind in MOVES:
        return str(Party.CUSTOMER if appointment.moved_by_customer else Party.STAFF)
    return appointment.ending.get("party") or ""


async def _look(kind: NoticeKind, job: Job, services: NoticeServices) -> tuple[Appointment | None, str]:
    """The appointment, and the reason why the notice is not true; empty if it is."""
    appointment = await current_state(Appointment, job.subject, services.store)
    return appointment, untrue(kind, appointment, job.moment("starts_at"), services.store.now())


def _awake(job: Job, recipient: Recipient, appointment: Appointment, services: NoticeServices) -> datetime:
    """The time at which a reminder is due for this recipient: outside their quiet hours, if it can wait so long.

    Raises NotDueYet before that time.
    """
    zone = zone_of(recipient.timezone, appointment.timezone)
    if services.quiet is None:
        return job.due_at
    end = services.quiet.end(services.store.now(), zone)
    if end is not None and end < appointment.starts_at:
        raise NotDueYet(end)
    due = services.quiet.end(job.due_at, zone)
    return due if due is not None and due < appointment.starts_at else job.due_at


async def _disabled(webhook_id: UUID, services: NoticeServices) -> Webhook | None:
    """The webhook; None unless it is disabled."""
    webhook = await current_state(Webhook, webhook_id, services.store)
    return webhook if webhook is not None and webhook.state is WebhookStatus.DISABLED else None


def _reason(appointment: Appointment) -> str:
    return (appointment.reason.value if appointment.reason else None) or ""
