"""Guests: customers entered by staff with an e-mail address, until whoever proves it claims them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from application.event_log import EventLog
from domain.kernel import Aggregate
from domain.people.account import Account
from domain.people.customer import Customer
from domain.people.email_address import Address


async def noted(log: EventLog, guest: Customer, address: UUID | None, now: datetime) -> Sequence[Address]:
    """The streams of a guest's former and present address, to be recorded with it. Others are not noted."""
    if not guest.is_guest or address == guest.address:
        return ()
    ids = [id for id in (guest.address, address) if id is not None]
    found = await log.edit_all(Address, ids)
    streams = {id: known or Address(id=id, timestamp=now) for id, known in zip(ids, found, strict=True)}
    if guest.address is not None:
        streams[guest.address].drop_guest(guest.id, now)
    if address is not None:
        streams[address].note_guest(guest.id, now)
    guest.note_address(address, now)
    return [*streams.values()]


async def keep(log: EventLog, customer_id: UUID, address: UUID | None) -> None:
    """Keep a customer and its addresses from other writers, all in one go: so nobody waits in a circle."""
    customer = await log.find(Customer, customer_id)
    former = customer.address if customer else None
    await log.edit_all(Aggregate, [id for id in (customer_id, former, address) if id is not None])


def claimed(account: Account, address: Address, guests: Sequence[Customer], now: datetime) -> Sequence[Customer]:
    """The guests noted at the address become the account's own; those gone or claimed are dropped."""
    for guest in guests:
        address.drop_guest(guest.id, now)
        if guest.is_guest and not guest.deleted:
            guest.claim(account.account_id, now)
            account.take_guest(guest.id, now)
    return guests
