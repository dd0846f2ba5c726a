"""Register, change and end customers; staff make guests."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from application.access import demand, permit
from application.log import Command, Log, command
from application.provider import check_zone
from domain.customer import Customer, CustomerDeleted, CustomerExists
from domain.personal import Personal


@dataclass(frozen=True, kw_only=True)
class CreateCustomer(Command):
    """`id` counts for staff; a customer registers under the own account's id."""

    id: UUID
    details: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ChangeCustomer(Command):
    """`details`: the fields to replace, of name, email, phone, timezone, note."""

    customer_id: UUID
    details: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class DeleteCustomer(Command):
    customer_id: UUID


@command
async def create_customer(cmd: CreateCustomer, log: Log, now: datetime) -> Customer:
    """The caller as a customer, or a guest of staff."""
    permit(cmd.by, "create_customer")
    check_zone(cmd.details["timezone"] or "UTC", "/timezone")
    id = cmd.by.account if cmd.by.is_customer else cmd.id
    (known,) = await log.edit_all(Customer, [id])
    if known is not None:
        raise CustomerDeleted if known.deleted else CustomerExists
    details = Personal(id, dict(cmd.details))
    customer = Customer(id=id, by=cmd.by.account, details=details, timestamp=now)
    await log.record(customer)
    return customer


@command
async def change_customer(cmd: ChangeCustomer, log: Log, now: datetime) -> Customer:
    """Replace some of the details."""
    check_zone(cmd.details.get("timezone") or "UTC", "/timezone")
    customer = await log.unseal(await _mine(cmd, "change_customer", log))
    customer.change(cmd.by.account, dict(cmd.details), now)
    await log.record(customer)
    return customer


@command
async def delete_customer(cmd: DeleteCustomer, log: Log, now: datetime) -> Customer:
    """End it for the future; history stays."""
    customer = await _mine(cmd, "delete_customer", log)
    customer.delete(cmd.by.account, now)
    await log.record(customer)
    return customer


async def _mine(cmd: ChangeCustomer | DeleteCustomer, operation: str, log: Log) -> Customer:
    permit(cmd.by, operation)
    customer = await log.edit(Customer, cmd.customer_id)
    demand(cmd.by, operation, "customer", customer.id, customer.id, customer.registered_by)
    cmd.expect(customer)
    return customer
