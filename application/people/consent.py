"""Record that a customer has consented to a purpose, and that they have withdrawn it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.event_log import Command, EventLog, command
from application.people.customer import is_about, own
from domain.people.consent import Consent
from domain.people.customer import Customer, CustomerDeleted
from domain.personal_data import PersonalData


@dataclass(frozen=True, kw_only=True)
class GiveConsent(Command):
    """`text`: the words that the customer has agreed to; `given_at`: when, None for now."""

    customer_id: UUID
    id: UUID
    purpose: str
    text: str
    given_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class WithdrawConsent(Command):
    customer_id: UUID
    consent_id: UUID


@command
async def give_consent(cmd: GiveConsent, log: EventLog, now: datetime) -> Customer:
    """Record a consent, by the customer or by the staff who keep the customer's record."""
    customer = await own(cmd, cmd.customer_id, "give_consent", log)
    if customer.deleted:
        raise CustomerDeleted
    given_at = cmd.given_at or now
    consent = Consent(cmd.id, cmd.purpose, given_at, cmd.by.account, is_about(cmd.by, customer))
    customer.give_consent(consent, PersonalData(customer.id, cmd.text), now)
    await log.record(customer)
    return customer


@command
async def withdraw_consent(cmd: WithdrawConsent, log: EventLog, now: datetime) -> Customer:
    """Withdraw a consent, which stays on record."""
    customer = await own(cmd, cmd.customer_id, "withdraw_consent", log)
    customer.withdraw_consent(cmd.by.account, cmd.consent_id, now)
    await log.record(customer)
    return customer
