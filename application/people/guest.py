"""Guests: customers entered by staff with an e-mail address, until the account that proves the address claims them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from application.event_log import EventLog
from domain.kernel import Aggregate
from domain.people.account import Account
from domain.people.customer import Customer
from domain.people.email_address import Address


async def noted(log: EventLog, guest: Customer, address: UUID | None, now: datetime) -> Sequence[Address]:
    """The streams of a guest's former and present address, to record with the guest. Empty for other customers."""
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
    """Lock a customer and its addresses together, so that commands can't wait for each other in a circle."""
    customer = await log.find(Customer, customer_id)
    former = customer.address if customer else None
    await log.edit_all(Aggregate, [id for id in (customer_id, former, address) if id is not None])


def claimed(account: Account, address: Address, guests: Sequence[Customer], now: datetime) -> Sequence[Customer]:
    """Give the guests noted at the address to the account; deleted and claimed ones are only removed from it."""
    for guest in guests:
        address.drop_guest(guest.id, now)
        if guest.is_guest and not guest.deleted:
            guest.claim(account.account_id, now)
            account.take_guest(guest.id, now)
    return guests
