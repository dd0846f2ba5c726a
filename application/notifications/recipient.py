"""Recipients of notices: the holder of an account, the account that claimed a guest, or the guest.

Their personal data is decrypted here, at the last moment, and stored nowhere.
"""

from dataclasses import dataclass, replace
from uuid import UUID
from zoneinfo import ZoneInfo

from application.current_state import current_state
from application.customer_record import current_record
from application.event_log import EventStore
from domain.catalog.provider import Provider
from domain.people.account import Account
from domain.people.account_status import NOTIFICATIONS
from domain.people.email_address import Address
from domain.scheduling.wallclock import UnknownZone, zone


@dataclass(frozen=True, slots=True)
class Recipient:
    """`language`, `timezone`: empty if unknown; `account_id`: None for a guest, `guest_id`: None for anybody else.

    `optional_mails`: whether they want mails that they can do without: reminders and offers. `notifications`: the
    settings of NOTIFICATIONS that are on.
    """

    name: str
    email: str | None
    phone: str | None = None
    language: str = ""
    timezone: str = ""
    account_id: UUID | None = None
    guest_id: UUID | None = None
    optional_mails: bool = True
    notifications: frozenset[str] = frozenset()


async def customer_of(customer_id: UUID, store: EventStore) -> Recipient | None:
    """The holder of the customer's account, or of the claiming account; else the guest. None for an erased person."""
    account = await current_state(Account, Account.id_of(customer_id), store)
    if account is not None:
        return _holder(account)
    customer = await current_record(customer_id, store)
    if customer is None:
        return None
    if customer.claimed_by is not None:
        return await account_of(customer.claimed_by, store)
    details = customer.details.value
    if details is None:
        return None
    email = details.get("email")
    return Recipient(
        name=details.get("name") or "",
        email=email,
        phone=details.get("phone"),
        timezone=details.get("timezone") or "",
        guest_id=customer.id,
        optional_mails=not email or await _takes_optional_mails(email, store),
    )


async def _takes_optional_mails(email: str, store: EventStore) -> bool:
    """Whether the guests of an address get optional mails: all of them share one mailbox, and its setting."""
    address = await current_state(Address, await store.address_id(email), store)
    return address is None or address.optional_mails


async def account_of(account_id: UUID, store: EventStore) -> Recipient | None:
    """The holder of an account; None for an erased person."""
    account = await current_state(Account, Account.id_of(account_id), store)
    return None if account is None else _holder(account)


async def in_language_of(provider: Provider, recipient: Recipient, store: EventStore) -> Recipient:
    """The recipient. A guest has no language of its own, and gets that of the provider's owner."""
    if recipient.language:
        return recipient
    owner = await account_of(provider.owner_id, store)
    return replace(recipient, language=owner.language if owner else "")


def _holder(account: Account) -> Recipient | None:
    contact = account.contact.value
    if contact is None:
        return None
    chosen = {**NOTIFICATIONS, **(contact.get("notifications") or {})}
    return Recipient(
        name=contact.get("name") or "",
        email=contact.get("email"),
        language=contact.get("language") or "",
        timezone=contact.get("timezone") or "",
        account_id=account.account_id,
        optional_mails=contact.get("reminders") is not False,
        notifications=frozenset(name for name, on in chosen.items() if on),
    )


def zone_of(*names: str) -> ZoneInfo:
    """The first name that is a known time zone, else UTC."""
    for name in names:
        try:
            return zone(name)
        except UnknownZone:
            continue
    return zone("UTC")
