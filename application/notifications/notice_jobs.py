"""The jobs that tell people something: reminders, notices of what has happened, offers of a place.

Whatever is told was true a moment before it left: it is looked at again when all else is ready, and the lease
is asked right after. The notice's id is the job's key, so that a second copy is known for one.
"""

from uuid import UUID

from application.current_state import current_state
from application.jobs.job import Job, JobLease, Means, NotDueYet
from application.notifications.appointment_details import AppointmentDetails, place_of, visit_of
from application.notifications.notice import Notice, NoticeKind, untrue
from application.notifications.recipient import (
    Recipient,
    account_of,
    customer_of,
    in_language_of,
    zone_of,
)
from application.rate_limit import TooManyRequests
from domain.booking.appointment import Appointment
from domain.booking.hold import Hold, HoldStatus
from domain.catalog.provider import Provider


async def remind(job: Job, lease: JobLease, means: Means) -> str:
    """Remind the customer, unless the appointment is gone or moved. Raises Later in their quiet hours."""
    return await _tell(NoticeKind.REMINDER, job, lease, means)


async def notify(job: Job, lease: JobLease, means: Means) -> str:
    """Tell what has happened to an appointment, while it is so. The slot is the notice's kind."""
    return await _tell(NoticeKind(job.slot), job, lease, means)


async def offer(job: Job, lease: JobLease, means: Means) -> str:
    """Tell somebody in the waitlist that a place is kept for them. `said`: hold_id."""
    hold_id = UUID(job.said["hold_id"])
    hold = await _kept(hold_id, means)
    if hold is None:
        return "gone"
    provider = await current_state(Provider, hold.provider_id, means.store)
    recipient = await customer_of(hold.customer_id, means.store)
    if provider is None or recipient is None:
        return "forgotten"
    recipient = await in_language_of(provider, recipient, means.store)
    visit = await place_of(hold, provider, means.store)
    if (hold := await _kept(hold_id, means)) is None:
        return "gone"
    notice = Notice(job.key, NoticeKind.OFFER, job.subject, visit, hold.expires_at)
    return await send(notice, recipient, lease, means, job.attempts)


async def webhook_disabled(
    key: UUID, webhook_id: UUID, url: str, account_id: UUID, lease: JobLease, means: Means
) -> str:
    """Tell whoever subscribed that nothing is delivered there any more. `key`: of this very disabling."""
    recipient = await account_of(account_id, means.store)
    if recipient is None:
        return "forgotten"
    notice = Notice(key, NoticeKind.WEBHOOK_DISABLED, webhook_id, facts={"url": url})
    return await send(notice, recipient, lease, means)


async def send(notice: Notice, recipient: Recipient, lease: JobLease, means: Means, attempts: int = 1) -> str:
    """By the first channel that reaches them, if the job is still ours: done, no-address, or enough.

    A guest's address is what staff say it is: nobody can have strangers written to without end. It counts at
    the first of the job's `attempts`.
    """
    channel = next((each for each in means.channels if each.reaches(recipient)), None)
    if channel is None:
        return "no-address"
    if attempts == 1 and recipient.account_id is None and means.limits is not None:
        try:
            await means.limits.take("guest_mail", "", recipient.email or recipient.phone or "")
        except TooManyRequests:
            return "enough"
    await lease.hold()
    await channel.send(notice, recipient)
    return "done"


async def _tell(kind: NoticeKind, job: Job, lease: JobLease, means: Means) -> str:
    appointment, why = await _look(kind, job, means)
    if why or appointment is None:
        return why
    provider = await current_state(Provider, appointment.provider_id, means.store)
    customer = await customer_of(appointment.customer_id, means.store)
    recipient = await _recipient(kind, provider, customer, means) if provider else None
    if provider is None or recipient is None:
        return "forgotten"
    if kind is NoticeKind.REMINDER:
        _let_sleep(recipient, appointment, means)
    visit = await visit_of(appointment, provider, means.store.now(), means.store)
    notice = _notice(kind, job, appointment, visit, customer)
    _, why = await _look(kind, job, means)
    return why or await send(notice, recipient, lease, means, job.attempts)


async def _recipient(
    kind: NoticeKind, provider: Provider, customer: Recipient | None, means: Means
) -> Recipient | None:
    """The provider's owner for APPROVE, else the customer; None once that person is erased."""
    if kind is NoticeKind.APPROVE:
        return await account_of(provider.owner_id, means.store)
    return customer and await in_language_of(provider, customer, means.store)


def _notice(
    kind: NoticeKind, job: Job, appointment: Appointment, visit: AppointmentDetails, customer: Recipient | None
) -> Notice:
    return Notice(
        job.key,
        kind,
        appointment.id,
        visit,
        until=appointment.expires_at,
        fee=(appointment.cancellation or {}).get("fee", 0),
        facts={
            "reason": _reason(appointment),
            "customer": customer.name if customer and kind is NoticeKind.APPROVE else "",
        },
    )


async def _look(kind: NoticeKind, job: Job, means: Means) -> tuple[Appointment | None, str]:
    """The appointment, and why the notice is not true, if so."""
    appointment = await current_state(Appointment, job.subject, means.store)
    return appointment, untrue(kind, appointment, job.moment("starts_at"), means.store.now())


def _let_sleep(recipient: Recipient, appointment: Appointment, means: Means) -> None:
    """Raises Later in their quiet hours, if these end before the appointment starts."""
    if means.quiet is None:
        return
    end = means.quiet.end(means.store.now(), zone_of(recipient.timezone, appointment.timezone))
    if end is not None and end < appointment.starts_at:
        raise NotDueYet(end)


async def _kept(hold_id: UUID, means: Means) -> Hold | None:
    """The hold of an offer while it stands: unused, and its time not over."""
    hold = await current_state(Hold, hold_id, means.store)
    if hold is None or hold.status is not HoldStatus.HELD or hold.expires_at <= means.store.now():
        return None
    return hold


def _reason(appointment: Appointment) -> str:
    return (appointment.reason.value if appointment.reason else None) or ""
