"""The record that stands for a customer: of those that were merged, the one that is left."""

from collections.abc import Sequence
from uuid import UUID

from application.current_state import current_state
from application.event_log import EventReader, EventStore
from domain.people.customer import Customer


async def record_of(customer_id: UUID, log: EventReader) -> Customer | None:
    """The customer, merges followed; None for an account without a record. All that it reads are in the read set."""
    customer = await log.find(Customer, customer_id)
    while customer is not None and customer.merged_into is not None:
        customer = await log.find(Customer, customer.merged_into)
    return customer


async def current_record(customer_id: UUID, store: EventStore) -> Customer | None:
    """As `record_of`, its personal data decrypted."""
    customer = await current_state(Customer, customer_id, store)
    while customer is not None and customer.merged_into is not None:
        customer = await current_state(Customer, customer.merged_into, store)
    return customer


async def with_absorbed(customers: Sequence[UUID], log: EventReader) -> list[UUID]:
    """The customers, and all that were merged into them."""
    found, more = list(customers), list(customers)
    while more:
        more = [id for each in await log.find_all(Customer, more) if each is not None for id in each.absorbed]
        found += more
    return found


async def all_records(customers: Sequence[UUID], store: EventStore) -> list[UUID]:
    """As `with_absorbed`, outside of a command."""
    found, more = list(customers), list(customers)
    while more:
        records = [await current_state(Customer, id, store) for id in more]
        more = [id for each in records if each is not None for id in each.absorbed]
        found += more
    return found
