"""Erasure of a person: requested, cancelled within the cooling-off period, or carried out by a job when it is due.

The steps are safe to repeat, in this order: new bookings are refused; upcoming appointments are cancelled; sessions and
credentials are deleted; the encryption key is deleted in one transaction with the events that record the erasure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol, Required
from uuid import UUID

from application.access import OPERATOR, SYSTEM, Caller, demand
from application.booking.appointment import CancelAppointment, cancel_appointment
from application.catalog.provider import DeleteProvider, delete_provider
from application.current_state import GetCurrentState, get_current_state
from application.customer_record import all_records, with_absorbed
from application.ending import AppointmentsAhead
from application.event_log import Command, EventLog, EventStore, command
from application.jobs.job import Job, JobHandlers, JobLease, JobRequest, NotDueYet, Trace, enqueues
from application.people.account import counted
from application.people.customer import DeleteCustomer, delete_customer
from domain.errors import NotFound
from domain.kernel import Aggregate
from domain.people.account import Account
from domain.people.account_status import AccountStatus
from domain.people.admins import Admins
from domain.people.customer import Customer
from domain.people.email_address import Address

CANCEL_THEM = "`cancel_appointments: true`, or cancel them first"
LATER = timedelta(days=1)
"""The pause before the next try while upcoming appointments stand that the request does not cancel."""


@dataclass(frozen=True, kw_only=True)
class RequestErasure(Command):
    """`ahead`: the number of upcoming appointments in the read model; checked again when the erasure is due."""

    account_id: UUID
    cooling_off: timedelta
    cancel_appointments: bool
    ahead: int


@dataclass(frozen=True, kw_only=True)
class CancelErasure(Command):
    account_id: UUID


@dataclass(frozen=True, kw_only=True)
class ErasePerson(Command):
    """Erase an account, or a guest without one. `farewell`: the recipient of the last mail (email, name, language)."""

    subject: UUID
    farewell: Mapping[str, Any] | None = None


class RequestOrigin(Trace, total=False):
    """The fields of a Request that say who asked for the erasure, and what led to it."""

    by: Required[Caller]


@dataclass(frozen=True, slots=True)
class Obligations:
    """A person's upcoming appointments and own providers."""

    appointments: Sequence[UUID]
    providers: Sequence[UUID]


class ObligationsReader(Protocol):
    """Reads a person's obligations, no older than a log position."""

    async def ahead(self, account_id: UUID, now: datetime, position: int | None = None) -> Obligations: ...


class AccountData(Protocol):
    """Rows beside the log that are about one account."""

    async def drop(self, account_id: UUID) -> None:
        """Delete credentials, sessions, API keys, one-time tokens and mails. Safe to repeat."""
        ...


class ErasedPersons(Protocol):
    """The ids of erased persons, outside the database: restoring a backup would bring their keys back."""

    async def add(self, subjects: Sequence[UUID]) -> None: ...

    def read(self) -> Sequence[UUID]:
        """All erased persons."""
        ...


@dataclass(frozen=True, slots=True)
class ErasureServices:
    """The services that an erasure uses."""

    store: EventStore
    obligations: ObligationsReader
    account_data: AccountData
    erased: ErasedPersons


@command
async def request_erasure(cmd: RequestErasure, log: EventLog, now: datetime) -> Account:
    """Request erasure after the cooling-off period. Raises AppointmentsAhead."""
    _demand(cmd, "request_erasure", "request_user_erasure")
    account = await log.edit(Account, Account.id_of(cmd.account_id))
    if account.forgetting_due is None and cmd.ahead and not cmd.cancel_appointments:
        raise AppointmentsAhead(cmd.ahead, CANCEL_THEM)
    account.ask_forgetting(cmd.by.account, now + cmd.cooling_off, cancel_appointments=cmd.cancel_appointments, now=now)
    await log.record(account)
    return account


@command
async def cancel_erasure(cmd: CancelErasure, log: EventLog, now: datetime) -> Account:
    """Cancel a requested erasure; without a request, nothing happens."""
    _demand(cmd, "cancel_erasure", "cancel_user_erasure")
    account = await log.edit(Account, Account.id_of(cmd.account_id))
    account.cancel_forgetting(cmd.by.account, now)
    await log.record(account)
    return account


@command
@enqueues("farewell")
async def erase_person(cmd: ErasePerson, log: EventLog, now: datetime) -> Aggregate:
    """Record the erasure, delete the keys and enqueue the last mail in one transaction.

    Safe to repeat: a restored backup may have brought keys back.
    """
    demand(cmd.by, "erase_customer", "customer", cmd.subject)
    account = await log.find(Account, Account.id_of(cmd.subject))
    guests = await with_absorbed([cmd.subject, *(account.guests if account else ())], log)
    guests.remove(cmd.subject)
    address = account.address if account else None
    streams = [Account.id_of(cmd.subject), Admins.ID, cmd.subject, *guests, *([address] if address else [])]
    found = [each for each in await log.edit_all(Aggregate, streams) if each is not None]
    over = account is not None and account.status is AccountStatus.FORGOTTEN  # the last mail is enqueued already
    persons: list[Aggregate] = [_ended(each, cmd, now) for each in found if not isinstance(each, Admins)]
    for each in persons:
        if isinstance(each, Account):
            admins = next((there for there in found if isinstance(there, Admins)), None)
            persons = [*persons, *counted(admins, each, now)]
    if not persons:
        raise NotFound("customer", cmd.subject)
    mails = [JobRequest("farewell", cmd.farewell)] if cmd.farewell and not over else []
    await log.record(persons[0], *persons[1:], forgets=[cmd.subject, *guests], enqueues=mails)
    return persons[0]


def _demand(cmd: RequestErasure | CancelErasure, of_oneself: str, of_others: str) -> None:
    operation = of_oneself if cmd.by.id == cmd.account_id else of_others
    demand(cmd.by, operation, "account", cmd.account_id, cmd.account_id)


def _ended(each: Aggregate, cmd: ErasePerson, now: datetime) -> Aggregate:
    if isinstance(each, Account | Customer):
        each.forget(cmd.by.account, now)
    elif isinstance(each, Address):
        each.release(cmd.subject, now)
    return each


def erasure_handlers(services: ErasureServices) -> JobHandlers:
    """The handler of the job that a request for erasure creates."""
    return {"forget": partial(erase_when_due, services=services)}


async def erase_when_due(job: Job, lease: JobLease, services: ErasureServices) -> str:
    """Erase an account when it is due. Raises NotDueYet before that, and while there are upcoming appointments."""
    account, position = await _account(job, services.store)
    if account is None:
        return "gone"
    subjects = await all_records([account.account_id, *account.guests], services.store)
    if account.status is AccountStatus.FORGOTTEN:  # an earlier try was interrupted, or a backup restored the keys
        await erase(subjects, services, {"by": SYSTEM, **job.trace})
        return "forgotten"
    due = account.forgetting_due
    if due is None:
        return "cancelled"
    if due > services.store.now():
        raise NotDueYet(due)
    person, cancel = account.account_id, account.cancels_appointments
    if not cancel and (await services.obligations.ahead(person, services.store.now(), position)).appointments:
        raise NotDueYet(services.store.now() + LATER)
    who: RequestOrigin = {"by": SYSTEM, **job.trace}
    await end(subjects, person, services, who)
    await lease.hold()
    await erase(subjects, services, who, farewell=account.contact.value)
    return "forgotten"


async def end(customers: Sequence[UUID], person: UUID, by: ErasureServices, who: RequestOrigin) -> None:
    """Refuse new bookings by and with the person and end upcoming appointments."""
    position = 0
    for customer_id in customers:
        try:
            ended = DeleteCustomer(**who, customer_id=customer_id)
            position = max(position, (await delete_customer(ended, by.store)).position)
        except NotFound:
            continue  # an account that never booked
    # New bookings are refused from here on, so that the next query sees all there will ever be.
    left = await by.obligations.ahead(person, by.store.now(), position or None)
    for provider_id in left.providers:
        done = await delete_provider(DeleteProvider(**who, provider_id=provider_id), by.store)
        position = max(position, done.position)
    left = await by.obligations.ahead(person, by.store.now(), position or None)
    for appointment_id in left.appointments:
        said: RequestOrigin = {**who, "by": SYSTEM}  # neither side has cancelled it
        await cancel_appointment(CancelAppointment(**said, appointment_id=appointment_id, reason=""), by.store)


async def erase(
    subjects: Sequence[UUID], by: ErasureServices, who: RequestOrigin, *, farewell: Mapping[str, Any] | None = None
) -> None:
    """Delete the rows that no event restores first, then the key."""
    await by.erased.add(subjects)
    await by.account_data.drop(subjects[0])
    await erase_person(ErasePerson(**who, subject=subjects[0], farewell=farewell), by.store)
    await by.account_data.drop(subjects[0])  # rows written in the meantime


async def erase_again(by: ErasureServices) -> None:
    """Erase again the persons whose keys a restored backup has brought back, before requests are served."""
    for subject in by.erased.read():
        if await by.store.knows(subject):
            await by.account_data.drop(subject)
            await erase_person(ErasePerson(by=SYSTEM, subject=subject, cause="restore"), by.store)


async def _account(job: Job, store: EventStore) -> tuple[Account | None, int]:
    """The account that the job is about, and the position that it is of.

    It is in the payload, if release 0.1.0 enqueued the job.
    """
    told = job.said.get("account_id")
    stream = job.subject if told is None else Account.id_of(UUID(told))
    try:
        found = await get_current_state(GetCurrentState(by=OPERATOR, kind=Account, id=stream), store)
    except NotFound:
        return None, 0
    assert isinstance(found.aggregate, Account)
    return found.aggregate, found.position
