"""The daily agenda: a mail at seven in the morning with the appointments of an account's providers on that day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from application.current_state import current_state
from application.event_log import EventStore
from application.jobs.job import Job, JobHandlers, JobLease, NotDueYet
from application.notifications.links import LASTING, Links
from application.notifications.mail import AgendaLine, Mailer, MailMessage
from application.notifications.recipient import account_of, customer_of, zone_of
from domain.catalog.provider import Provider
from domain.catalog.service import Service
from domain.kernel import derived_id
from domain.people.account import Account
from domain.scheduling.wallclock import instant, local_date

MORNING, NOON = 7 * 60, 12 * 60
"""Minutes of the local day: when the agenda is due, and from when on it is useless."""


@dataclass(frozen=True, slots=True)
class AgendaEntry:
    """An appointment or request that takes place with one of the account's providers."""

    service_id: UUID
    provider_id: UUID
    customer_id: UUID
    starts_at: datetime
    ends_at: datetime


class Agendas(Protocol):
    """The appointments of a day, from the read model."""

    async def of(self, account_id: UUID, since: datetime, until: datetime) -> Sequence[AgendaEntry]:
        """Those of the account's providers that start in [since, until), by start."""
        ...


class MailRecord(Protocol):
    """The mails that were sent."""

    async def has(self, id: UUID) -> bool:
        """Whether this mail was sent to an account."""
        ...


@dataclass(frozen=True, slots=True)
class AgendaServices:
    """The services that the agenda uses."""

    store: EventStore
    agendas: Agendas
    mail: Mailer
    sent: MailRecord
    links: Links


def agenda_handlers(services: AgendaServices) -> JobHandlers:
    """The handler of the job that sends agendas."""
    return {"agenda": partial(send_agenda, services=services)}


async def send_agenda(job: Job, lease: JobLease, services: AgendaServices) -> str:
    """Send the agenda of today, once, if there is anything on it. Raises NotDueYet, for the next morning.

    The job lasts as long as the account has the agenda switched on.
    """
    account = await current_state(Account, job.subject, services.store)
    contact = account.contact.value if account is not None else None
    if account is None or contact is None:
        return "forgotten"
    if not (contact.get("notifications") or {}).get("agenda") or not account.active:
        return "unwanted"
    zone, now = zone_of(contact.get("timezone") or ""), services.store.now()
    today = local_date(now, zone)
    morning = instant(today, MORNING, zone)
    if now < morning:
        raise NotDueYet(morning)
    if now < instant(today, NOON, zone):
        await _send(account, morning, zone, lease, services)
    raise NotDueYet(instant(today + timedelta(days=1), MORNING, zone))


async def _send(account: Account, morning: datetime, zone: ZoneInfo, lease: JobLease, services: AgendaServices) -> None:
    """Send the agenda of the day, unless it was sent."""
    today = local_date(morning, zone)
    id = derived_id("agenda", account.account_id, today.isoformat())
    bounds = [instant(day, 0, zone) for day in (today, today + timedelta(days=1))]
    entries = await services.agendas.of(account.account_id, bounds[0], bounds[1])
    recipient = await account_of(account.account_id, services.store)
    if not entries or recipient is None or await services.sent.has(id):
        return
    message = MailMessage(
        id=id,
        kind="agenda",
        to=recipient.email or "",
        language=recipient.language,
        said={"name": recipient.name, "count": str(len(entries))},
        account_id=account.account_id,
        at=morning,
        timezone=zone.key,
        stop_link=services.links.stopping("agenda", recipient, morning + LASTING, recipient.language),
        agenda=[await _line(each, services.store) for each in entries],
    )
    await services.mail.send(message, lease.hold)


async def _line(entry: AgendaEntry, store: EventStore) -> AgendaLine:
    service = await current_state(Service, entry.service_id, store)
    provider = await current_state(Provider, entry.provider_id, store)
    customer = await customer_of(entry.customer_id, store)
    return AgendaLine(
        starts_at=entry.starts_at,
        ends_at=entry.ends_at,
        service=service.terms["name"] if service else "",
        customer=customer.name if customer else "",
        provider=provider.details["name"] if provider else "",
    )
