"""Register, change and delete customers; staff enter guests."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from application.access import Caller, demand, permit
from application.catalog.membership import check_affiliation, hosts
from application.catalog.provider import check_zone
from application.ending import EndingCommand, EndingKind, cancellation
from application.event_log import Command, EventLog, command
from application.people.guest import keep, noted
from domain.catalog.organization import Rank
from domain.errors import Invalid
from domain.people.customer import Customer, CustomerDeleted, CustomerDetails, CustomerExists
from domain.personal_data import PersonalData


@dataclass(frozen=True, kw_only=True)
class CreateCustomer(Command):
    """`id`: used for a guest of staff; a customer registers under their account's id.

    `organization_id`: its members may see the guest too; the caller is one of them.
    `address`: the stream of the e-mail address in `details`, here and below.
    """

    id: UUID
    details: CustomerDetails
    organization_id: UUID | None = None
    address: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class ChangeCustomer(Command):
    """`details`: the fields of CustomerDetails to replace; `staff_note`: None leaves it unchanged."""

    customer_id: UUID
    details: Mapping[str, Any]
    staff_note: str | None = None
    address: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class DeleteCustomer(EndingCommand):
    customer_id: UUID


@command
async def create_customer(cmd: CreateCustomer, log: EventLog, now: datetime) -> Customer:
    """Register the caller as a customer; for staff, enter a guest."""
    permit(cmd.by, "create_customer")
    check_zone(cmd.details["timezone"] or "UTC", "/timezone")
    await check_affiliation(cmd.by, cmd.organization_id, log, Rank.STAFF)
    id = cmd.by.account if cmd.by.is_customer else cmd.id
    (known,) = await log.edit_all(Customer, [id])
    if known is not None:
        raise CustomerDeleted if known.deleted else CustomerExists
    customer = registered(id, cmd.by.account, cmd.details, now)
    if cmd.organization_id is not None:
        customer.share(cmd.by.account, cmd.organization_id, now)
    await log.record(customer, *await noted(log, customer, cmd.address, now))
    return customer


def registered(id: UUID, by: UUID, details: CustomerDetails, now: datetime) -> Customer:
    """A new customer."""
    return Customer(id=id, by=by, details=PersonalData(id, {**details}), timestamp=now)


@command
async def change_customer(cmd: ChangeCustomer, log: EventLog, now: datetime) -> Customer:
    """Replace some of the details."""
    check_zone(cmd.details.get("timezone") or "UTC", "/timezone")
    permit(cmd.by, "change_customer")
    await keep(log, cmd.customer_id, cmd.address)
    sealed = await own(cmd, cmd.customer_id, "change_customer", log)
    if cmd.staff_note is not None and is_about(cmd.by, sealed):
        raise Invalid("Only staff may write a staff note.", "/staff_note")
    customer = await log.unseal(sealed)
    customer.change(cmd.by.account, cmd.details, now)
    if cmd.staff_note is not None:
        note = PersonalData(customer.id, cmd.staff_note) if cmd.staff_note else None
        customer.note_for_staff(cmd.by.account, note, now)
    addresses = await noted(log, customer, cmd.address, now) if "email" in cmd.details else ()
    await log.record(customer, *addresses)
    return customer


@command
async def delete_customer(cmd: DeleteCustomer, log: EventLog, now: datetime) -> Customer:
    """End the customer for new bookings; appointments stay."""
    customer = await own(cmd, cmd.customer_id, "delete_customer", log)
    jobs = cancellation(cmd, EndingKind.CUSTOMER, cmd.customer_id)
    customer.delete(cmd.by.account, now)
    await log.record(customer, enqueues=jobs)
    return customer


async def own(cmd: Command, customer_id: UUID, operation: str, log: EventLog) -> Customer:
    """The customer, to change: the caller's own, or one whose record the caller keeps. Raises NotFound, Stale."""
    permit(cmd.by, operation)
    customer = await log.edit(Customer, customer_id)
    owners = (*customer.owners, *await hosts(cmd.by, customer, log))
    demand(cmd.by, operation, "customer", customer.id, *owners)
    cmd.expect(customer)
    return customer


def is_about(by: Caller, customer: Customer) -> bool:
    """Whether the record is about the caller. The relation decides, not the role."""
    return by.account in customer.owners
