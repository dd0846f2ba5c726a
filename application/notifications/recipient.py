"""Whom a notice goes to: an account's holder, whoever has claimed a guest, or the guest.

What is personal of them is opened here, at the last moment, and kept nowhere.
"""

from dataclasses import dataclass, replace
from uuid import UUID
from zoneinfo import ZoneInfo

from application.current_state import current_state
from application.event_log import EventStore
from domain.catalog.provider import Provider
from domain.people.account import Account
from domain.people.customer import Customer
from domain.scheduling.wallclock import UnknownZone, zone


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who is told. `language`, `timezone`: empty where nobody knows; `account_id`: None for a guest."""

    name: str
    email: str | None
    phone: str | None = None
    language: str = ""
    timezone: str = ""
    account_id: UUID | None = None


async def customer_of(customer_id: UUID, store: EventStore) -> Recipient | None:
    """The account that the customer is, or that has claimed the guest; else the guest. None: nobody knows."""
    account = await current_state(Account, Account.id_of(customer_id), store)
    if account is not None:
        return _holder(account)
    customer = await current_state(Customer, customer_id, store)
    if customer is None:
        return None
    if customer.claimed_by is not None:
        return await account_of(customer.claimed_by, store)
    details = customer.details.value
    if details is None:
        return None
    told = {name: details.get(name) for name in ("email", "phone")}
    return Recipient(name=details.get("name") or "", timezone=details.get("timezone") or "", **told)


async def account_of(account_id: UUID, store: EventStore) -> Recipient | None:
    """An account's holder; None once forgotten."""
    account = await current_state(Account, Account.id_of(account_id), store)
    return None if account is None else _holder(account)


async def in_language_of(provider: Provider, recipient: Recipient, store: EventStore) -> Recipient:
    """A guest says nothing of a language: theirs is taken to be that of the provider whom they visit."""
    if recipient.language:
        return recipient
    owner = await account_of(provider.owner_id, store)
    return replace(recipient, language=owner.language if owner else "")


def _holder(account: Account) -> Recipient | None:
    contact = account.contact.value
    if contact is None:
        return None
    return Recipient(
        name=contact.get("name") or "",
        email=contact.get("email"),
        language=contact.get("language") or "",
        timezone=contact.get("timezone") or "",
        account_id=account.account_id,
    )


def zone_of(*names: str) -> ZoneInfo:
    """The first that is known here, else UTC."""
    for name in names:
        try:
            return zone(name)
        except UnknownZone:
            continue
    return zone("UTC")
