"""Merge a guest into another record of the same person, which one business keeps too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from application.access import demand, permit
from application.catalog.membership import hosts
from application.event_log import Command, EventLog, command
from domain.errors import Conflict, Invalid, NotFound
from domain.kernel import Aggregate
from domain.people.customer import Customer
from domain.people.email_address import Address
from domain.personal_data import PersonalData

LONGEST_NOTE = 2000  # characters
_GAPS = ("email", "phone", "timezone", "note", "external_id", "metadata")
"""What the record that stays takes over where it has nothing."""


class NotesTooLong(Conflict):
    """The two staff notes are too long together. Shorten one of them first."""


@dataclass(frozen=True, kw_only=True)
class MergeCustomer(Command):
    """`into`: the record that stays."""

    customer_id: UUID
    into: UUID


@command
async def merge_customer(cmd: MergeCustomer, log: EventLog, now: datetime) -> Customer:
    """Merge a guest into another customer, who is returned. What the guest has booked is the other's from now on."""
    permit(cmd.by, "merge_customer")
    guest, into = await _both(cmd, log)
    guest.merge(cmd.by.account, into, now)
    gaps = _gaps(guest, into)
    into.change(cmd.by.account, gaps, now)
    addresses = await _readdressed(guest, into, log, now, taken="email" in gaps)
    words = "\n\n".join(dict.fromkeys(filter(None, (into.staff_note, guest.staff_note))))
    if len(words) > LONGEST_NOTE:
        raise NotesTooLong(f"Together at most {LONGEST_NOTE} characters are allowed.", limit=LONGEST_NOTE)
    into.note_for_staff(cmd.by.account, PersonalData(into.id, words) if words else None, now)
    for consent in guest.consents.values():
        into.adopt_consent(consent, PersonalData(into.id, guest.consent_text(consent.id)), now)
    await log.record(into, guest, *addresses)
    return into


async def _both(cmd: MergeCustomer, log: EventLog) -> tuple[Customer, Customer]:
    """The two customers and their addresses, locked together. Raises NotFound, and Invalid for the one that stays."""
    there = [each for each in await log.find_all(Customer, [cmd.customer_id, cmd.into]) if each is not None]
    addresses = [each.address for each in there if each.address is not None]
    guest, into, *_ = await log.edit_all(Aggregate, [cmd.customer_id, cmd.into, *addresses])
    if not isinstance(guest, Customer):
        raise NotFound("customer", cmd.customer_id)
    demand(cmd.by, "merge_customer", "customer", guest.id, *await hosts(cmd.by, guest, log))
    try:
        if not isinstance(into, Customer):
            raise NotFound("customer", cmd.into)
        demand(cmd.by, "merge_customer", "customer", into.id, *await hosts(cmd.by, into, log))
    except NotFound as unknown:
        raise Invalid(unknown.detail, "/into") from None
    cmd.expect(guest)
    return await log.unseal(guest), await log.unseal(into)


def _gaps(guest: Customer, into: Customer) -> Mapping[str, Any]:
    """The details of the guest that the other record lacks."""
    has, lacks = guest.details.value or {}, into.details.value or {}
    return {name: has[name] for name in _GAPS if has.get(name) and not lacks.get(name)}


async def _readdressed(
    guest: Customer, into: Customer, log: EventLog, now: datetime, *, taken: bool
) -> Sequence[Address]:
    """The stream of the guest's e-mail address, which leads to the other record if that has taken the address."""
    found = await log.edit_all(Address, [guest.address] if guest.address is not None else [])
    for address in found:
        assert address is not None
        address.drop_guest(guest.id, now)
        if taken and into.is_guest:
            address.note_guest(into.id, now)
            into.note_address(address.id, now)
        guest.note_address(None, now)
    return [each for each in found if each is not None]
